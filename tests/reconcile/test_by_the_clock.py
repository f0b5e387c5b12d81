from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.argo import Unreachable
from provisioning.models import ArgoStatus, IdempotencyKey, Phase, Request
from provisioning.reconcile import selfcheck, status, timers
from provisioning.trial.server import Account

pytestmark = pytest.mark.django_db


def test_what_nobody_decided_on_in_time_expires(desk, open_request, settings):
    settings.PENDING_DAYS = 14
    old, young = open_request(name="payments-old"), open_request(name="payments-young")
    Request.objects.filter(pk=old.pk).update(waiting_since=timezone.now() - timedelta(days=14, minutes=1))
    Request.objects.filter(pk=young.pk).update(waiting_since=timezone.now() - timedelta(days=13, hours=23))
    assert timers.run(desk) is True
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.phase, young.phase) == (Phase.EXPIRED, Phase.PENDING)
    assert timers.run(desk) is False


def test_one_sent_back_for_changes_expires_as_well(desk, open_request, dana):
    request = open_request()
    lifecycle.request_changes(request, by=dana, digest=request.digest, comment="Which team?")
    Request.objects.filter(pk=request.pk).update(waiting_since=timezone.now() - timedelta(days=400))
    timers.run(desk)
    request.refresh_from_db()
    assert request.phase == Phase.EXPIRED


def test_old_idempotency_keys_are_forgotten(desk, open_request, alice):
    request = open_request()
    for key, days in (("old", 8), ("young", 6)):
        IdempotencyKey.objects.create(
            user=alice, key=key, body_digest="0" * 64, request=request, created_at=timezone.now() - timedelta(days=days)
        )
    timers.run(desk)
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["young"]


# ── status ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_since_when_argo_fails_is_kept_while_the_cause_may_change(clock):
    status.begin("http://argo:2746", "argo")
    since = clock()
    status.failed(Unreachable("Nothing listens."), since)
    clock.pass_by(seconds=30)
    status.failed(Unreachable("The name cannot be resolved."), clock())
    row = ArgoStatus.current()
    assert (row.failing_since, row.cause) == (since, "The name cannot be resolved.")
    assert row.remedy


def test_the_first_answer_clears_it(clock):
    status.begin("http://argo:2746", "argo")
    status.failed(Unreachable("Nothing listens."), clock())
    at = clock()
    assert status.answered(at) is True
    row = ArgoStatus.current()
    assert (row.failing_since, row.cause, row.remedy, row.last_success_at) == (None, "", "", at)
    assert status.answered(clock()) is False


# ── self-check ───────────────────────────────────────────────────────────────────────────────────────────────


def failing(found):
    return {check.key: check for check in found if not check.ok}


def test_with_everything_in_place_every_check_is_good(desk):
    status.begin("x", "argo")
    found = selfcheck.run(desk)
    assert failing(found) == {}
    row = ArgoStatus.current()
    assert row.version == "v4.1.2+trial"
    assert [check["key"] for check in row.checks][:2] == ["connection", "version"]
    assert {f"template-{name}" for name in ("namespace-provisioning", "namespace-audit")} <= {
        check["key"] for check in row.checks
    }


def test_a_missing_template_and_a_changed_one_are_named_with_a_remedy(desk, still):
    still.store.delete("workflowtemplates", "argo", "namespace-update")
    still.store.update(
        "workflowtemplates", "argo", "namespace-audit",
        lambda thing: {**thing, "spec": {**thing["spec"], "serviceAccountName": "admin"}},
    )  # fmt: skip
    bad = failing(selfcheck.checks(desk))
    assert set(bad) == {"template-namespace-update", "template-namespace-audit"}
    assert "spec.serviceAccountName" in bad["template-namespace-audit"].text
    assert "cluster_setup" in bad["template-namespace-update"].remedy


def test_without_a_connection_nothing_else_is_tried(desk, still):
    still.server.stop()
    [check] = list(selfcheck.checks(desk))
    assert (check.key, check.ok) == ("connection", False)
    assert check.remedy


def test_a_token_without_rights_is_told_right_by_right(still, connect, clock, desk):
    still.token = still.accounts.add(still_account("none"))
    desk.client = connect(still)
    bad = failing(selfcheck.checks(desk))
    assert {"right-list-workflows", "right-create-workflows", "right-watch-workflows"} <= set(bad)
    assert all(check.remedy for check in bad.values())
    assert not any(key.startswith("template") for key in bad)


def still_account(name):
    return Account(name, "argo", frozenset())
