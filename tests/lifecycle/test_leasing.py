from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.lifecycle.options import rfc3339
from provisioning.models import AuditEvent, Check, Kind, LeaseNotice, Namespace, Phase, Request
from tests.lifecycle import life
from tests.lifecycle.life import POD, approved, end, taken

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def expiry(rendered: dict[str, str]) -> str:
    return str(json.loads(rendered["namespaceManifest"])["metadata"]["annotations"]["platform.io/expires-at"])


def days_left(namespace: Namespace) -> int:
    namespace.refresh_from_db()
    return round((namespace.lease_ends_at - timezone.now()) / DAY)


@pytest.fixture
def expiring(alice, dana):
    """A namespace whose end stands in the cluster."""
    return life.made(alice, dana, name="payments-sandbox", tier="small", features=("auto-expiry",), lease_days=30)


def test_inside_policy_a_lease_is_renewed_by_one_click(namespace, alice):
    assert days_left(namespace) == 90
    assert lifecycle.renew(namespace, 180, by=alice) is None
    assert days_left(namespace) == 180
    assert namespace.renewals == 1
    event = AuditEvent.objects.filter(action="namespace.renewed").get()
    assert (event.actor, event.subject, event.after["rule"]) == (alice, "payments-dev", "renew-by-lead")
    assert event.request == namespace.current_revision.request
    assert Request.objects.count() == 1


def test_a_renewal_counts_from_now_and_never_shortens(namespace, alice):
    with pytest.raises(lifecycle.Invalid) as caught:
        lifecycle.renew(namespace, 30, by=alice)
    assert list(caught.value.errors) == ["lease_days"]
    assert days_left(namespace) == 90


@pytest.mark.parametrize("days", [0, 366])
def test_no_lease_has_such_a_length(namespace, alice, days):
    with pytest.raises(lifecycle.Invalid) as caught:
        lifecycle.renew(namespace, days, by=alice)
    assert list(caught.value.errors) == ["lease_days"]


def test_a_long_lease_is_asked_for_and_counts_from_the_asking(namespace, alice, dana):
    assert lifecycle.renewal(namespace, 365, by=alice).reasons == ("a lease of 365 days",)
    request = lifecycle.renew(namespace, 365, by=alice)
    assert request is not None
    assert (request.kind, request.phase, request.is_renewal) == (Kind.CHANGE, Phase.PENDING, True)
    assert days_left(namespace) == 90
    end(approved(request, dana))
    assert days_left(namespace) == 365
    assert (namespace.revision, namespace.spec.lease_days, namespace.renewals) == (2, 365, 0)


def test_an_approver_shortens_a_renewal(namespace, alice, dana):
    request = lifecycle.renew(namespace, 365, by=alice)
    lifecycle.approve(request, by=dana, digest=request.digest, granted=request.spec.replace(lease_days=200))
    end(request)
    assert days_left(namespace) == 200


def test_a_renewal_can_be_edited(namespace, alice, dana):
    request = lifecycle.renew(namespace, 365, by=alice)
    lifecycle.request_changes(request, by=dana, digest=request.digest, comment="Shorter, please")
    lifecycle.resubmit(request, request.asked_spec.replace(lease_days=300), by=alice, revision=1)
    assert (request.phase, request.is_renewal) == (Phase.PENDING, True)
    end(approved(request, dana))
    assert days_left(namespace) == 300


def test_after_some_renewals_by_rule_a_person_decides(namespace, alice, dana):
    Namespace.objects.update(renewals=4)
    namespace.refresh_from_db()
    request = lifecycle.renew(namespace, 100, by=alice)
    assert request is not None
    assert request.verdict["reasons"] == ["renewed 4 times since a person last decided on it"]
    end(approved(request, dana))
    assert days_left(namespace) == 100
    assert namespace.renewals == 0


@pytest.mark.parametrize("who", ["bob", "carol", "frank"])
def test_members_strangers_and_auditors_do_not_renew(namespace, who, request):
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.renew(namespace, 180, by=request.getfixturevalue(who))


def test_a_change_leaves_the_lease_alone(namespace, alice, dana):
    before = namespace.lease_ends_at
    life.changed(namespace, alice, dana, tier="medium")
    assert namespace.lease_ends_at == before


def test_a_renewal_while_a_change_waits_is_done(namespace, alice, dana):
    request = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    assert lifecycle.renew(namespace, 180, by=alice) is None
    end(approved(request, dana))
    assert days_left(namespace) == 180


# ── with the end of the lease in the cluster ─────────────────────────────────────────────────────────────────


def test_the_end_in_the_cluster_and_here_is_one(expiring):
    assert rfc3339(expiring.lease_ends_at) == expiry(expiring.current_revision.rendered)


def test_with_auto_expiry_a_renewal_is_a_change_that_writes_the_new_end(expiring, alice):
    request = lifecycle.renew(expiring, 90, by=alice)
    assert request is not None
    assert (request.phase, request.verdict["rule"]) == (Phase.APPROVED, "renew-by-lead")
    assert days_left(expiring) == 30
    end(request)
    assert days_left(expiring) == 90
    assert expiring.renewals == 1
    assert rfc3339(expiring.lease_ends_at) == expiry(expiring.current_revision.rendered)


def test_a_change_writes_the_end_as_it_is_by_now(namespace, alice, dana):
    lifecycle.renew(namespace, 180, by=alice)
    life.changed(namespace, alice, dana, features=("auto-expiry", "logging", "monitoring"))
    assert rfc3339(namespace.lease_ends_at) == expiry(namespace.current_revision.rendered)


def test_no_renewal_overtakes_a_change_that_writes_the_old_end(namespace, alice):
    with_expiry = namespace.spec.replace(features=("auto-expiry", "external-egress"))
    change = lifecycle.open_change(namespace, with_expiry, by=alice)
    with pytest.raises(lifecycle.Conflict) as caught:
        lifecycle.renew(namespace, 180, by=alice)
    assert caught.value.request == change


# ── against a deletion ───────────────────────────────────────────────────────────────────────────────────────


def test_a_deletion_that_a_person_asked_for_comes_first(namespace, alice):
    request = lifecycle.open_delete(namespace, by=alice, inventory=taken(), typed_name=namespace.name)
    with pytest.raises(lifecycle.Conflict) as caught:
        lifecycle.renew(namespace, 180, by=alice)
    assert caught.value.request == request
    assert days_left(namespace) == 90


def test_a_renewal_takes_back_the_deletion_that_the_portal_asked_for(namespace, alice):
    Namespace.objects.update(lease_ends_at=timezone.now() - 15 * DAY)
    request = lifecycle.open_lease_delete(namespace, taken())
    assert lifecycle.renew(namespace, 90, by=alice) is None
    request.refresh_from_db()
    assert (request.phase, request.message) == (Phase.CANCELLED, "Alice renewed the lease.")
    assert days_left(namespace) == 90


def test_a_renewal_comes_too_late_for_an_approved_deletion(namespace, alice, dana):
    Namespace.objects.update(lease_ends_at=timezone.now() - 15 * DAY)
    approved(lifecycle.open_lease_delete(namespace, taken()), dana)
    with pytest.raises(lifecycle.Conflict):
        lifecycle.renew(namespace, 90, by=alice)
    assert days_left(namespace) == -15


# ── its end, in steps ────────────────────────────────────────────────────────────────────────────────────────


def keys(steps) -> list[str]:
    return [step.key for step in steps]


def at(namespace: Namespace, days: float) -> datetime:
    """So long before the end."""
    namespace.refresh_from_db()
    return namespace.lease_ends_at - days * DAY


def test_each_step_is_taken_once_and_told_in_the_trail(namespace):
    now = at(namespace, 6)
    assert keys(lifecycle.lease_steps(namespace, now)) == ["remind-7"]
    (step,) = lifecycle.take_lease_steps(namespace, now)
    assert lifecycle.take_lease_steps(namespace, now) == []
    assert lifecycle.lease_step_done(namespace, step) is False
    assert AuditEvent.objects.filter(action="lease.remind", subject="payments-dev").count() == 1
    assert keys(lifecycle.take_lease_steps(namespace, at(namespace, 0.5))) == ["remind-1"]
    assert keys(lifecycle.take_lease_steps(namespace, at(namespace, -8))) == ["escalate"]


def test_a_renewal_begins_anew(namespace, alice):
    lifecycle.take_lease_steps(namespace, at(namespace, 6))
    lifecycle.renew(namespace, 180, by=alice)
    assert keys(lifecycle.take_lease_steps(namespace, at(namespace, 6))) == ["remind-7"]
    assert LeaseNotice.objects.count() == 2


def test_a_step_of_an_end_that_was_put_off_is_not_taken(namespace, alice):
    stale = Namespace.objects.get()
    (step,) = lifecycle.lease_steps(stale, at(namespace, 6))
    lifecycle.renew(namespace, 180, by=alice)
    assert lifecycle.lease_step_done(stale, step) is False


def test_past_the_end_a_look_is_taken_first_then_a_deletion_asked_for_and_nothing_deleted(namespace):
    Namespace.objects.update(lease_ends_at=timezone.now() - 15 * DAY)
    namespace.refresh_from_db()
    now = timezone.now()
    assert keys(lifecycle.take_lease_steps(namespace, now)) == ["remind-1", "escalate"]
    check = Check.objects.get()
    assert (check.name, check.why) == ("payments-dev", "delete")
    assert lifecycle.take_lease_steps(namespace, now) == []
    assert Check.objects.count() == 1
    Check.objects.update(state="finished", finished_at=now, inventory=taken(POD).to_json())
    assert keys(lifecycle.take_lease_steps(namespace, now)) == ["delete-request"]
    request = Request.objects.get(kind=Kind.DELETE)
    assert request.phase == Phase.PENDING
    assert lifecycle.inventory_of(request).words == "1 pod"
    assert lifecycle.take_lease_steps(namespace, now) == []


def test_with_auto_expiry_the_deletion_is_asked_for_at_the_end(expiring):
    now = timezone.now()
    Namespace.objects.update(lease_ends_at=now - timedelta(minutes=1))
    expiring.refresh_from_db()
    assert keys(lifecycle.lease_steps(expiring, now)) == ["remind-1", "delete-request"]
    assert lifecycle.next_lease_step(expiring, now) is None


def test_a_change_on_its_way_keeps_the_deletion_waiting(namespace, alice):
    lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    Namespace.objects.update(lease_ends_at=timezone.now() - 15 * DAY)
    namespace.refresh_from_db()
    assert "delete-request" not in keys(lifecycle.take_lease_steps(namespace, timezone.now()))
    assert not Check.objects.exists()
    assert "delete-request" in keys(lifecycle.lease_steps(namespace, timezone.now()))


def test_those_with_something_due_are_found_the_earliest_end_first(alice, dana, namespace, django_assert_num_queries):
    other = life.made(alice, dana, name="payments-x-dev", tier="small", lease_days=30)
    third = life.made(alice, dana, name="payments-y-dev", tier="small", lease_days=365)
    now = timezone.now() + 84 * DAY
    with django_assert_num_queries(2):
        found = lifecycle.namespaces_with_lease_steps(now, 10)
    assert found == [other, namespace]
    assert lifecycle.namespaces_with_lease_steps(now, 1) == [other]
    lifecycle.take_lease_steps(namespace, now)
    assert lifecycle.namespaces_with_lease_steps(now, 10) == [other]
    assert third not in found


def test_what_is_being_deleted_is_left_in_peace(namespace):
    now = at(namespace, 6)
    (step,) = lifecycle.lease_steps(namespace, now)
    Namespace.objects.update(status="deleting")
    assert lifecycle.namespaces_with_lease_steps(now, 10) == []
    assert lifecycle.lease_step_done(namespace, step) is False
