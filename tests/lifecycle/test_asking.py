from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning import lifecycle
from provisioning.manifests import digest_of
from provisioning.models import AuditEvent, Namespace, Phase, Request, Run, RunState, Team

pytestmark = pytest.mark.django_db


def events(request: Request) -> list[str]:
    return list(AuditEvent.objects.filter(request=request).order_by("id").values_list("action", flat=True))


def test_a_request_outside_policy_waits_for_a_person(open_request):
    request = open_request(tier="large")
    assert (request.phase, request.attempt) == (Phase.PENDING, 0)
    assert request.verdict["result"] == "approve"
    assert events(request) == ["request.opened"]
    assert not Run.objects.exists()


def test_a_request_inside_policy_is_approved_by_the_rule_that_allows_it(open_request):
    request = open_request(tier="small", name="payments-dev")
    decision = request.decisions.get()
    assert (request.phase, request.attempt) == (Phase.APPROVED, 1)
    assert (decision.by, decision.rule, decision.digest) == (None, request.verdict["rule"], request.digest)
    assert events(request) == ["request.opened", "request.approved"]
    assert AuditEvent.objects.filter(request=request).first().actor_name == request.verdict["rule"]
    run = request.current_run
    assert run is not None
    assert (run.state, run.workflow_name) == (RunState.QUEUED, f"create-namespace-{request.short_id}-1")
    assert run.steps.count() == 7


def test_the_requester_is_always_among_the_admins(open_request, alice):
    names = [subject.name for subject in open_request(admins=()).spec.admins]
    assert names == [alice.kubernetes_name]


def test_what_is_stored_is_what_the_digest_is_of(open_request):
    request = Request.objects.get(pk=open_request().pk)
    assert digest_of(request.rendered) == request.digest
    namespace = json.loads(request.rendered["namespaceManifest"])
    assert namespace["metadata"]["labels"]["platform.io/request-id"] == str(request.pk)


def test_only_a_lead_of_the_team_can_ask(spec, bob, carol, dana):
    for person in (bob, carol, dana):
        with pytest.raises(lifecycle.Invalid) as caught:
            lifecycle.open_request(spec(), by=person)
        assert list(caught.value.errors) == ["team"]
    assert not Request.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_name_on_its_way_cannot_be_asked_for_again(open_request, spec, carol):
    open_request(name="shared-name")
    with pytest.raises(lifecycle.Invalid) as caught:
        lifecycle.open_request(spec(name="shared-name", team="search"), by=carol)
    assert "name" in caught.value.errors
    assert Request.objects.count() == 1


def test_the_database_itself_allows_one_live_request_per_name(open_request):
    first = open_request(name="shared-name")
    twin = Request.objects.get(pk=first.pk)
    twin.pk = "00000000-0000-4000-8000-000000000001"
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


def test_a_name_that_exists_cannot_be_asked_for(open_request, payments):
    now = timezone.now()
    Namespace.objects.create(
        name="payments-prod", team=payments, tier="small", spec_json={}, ready_at=now, lease_ends_at=now,
        owner_request_id="00000000-0000-4000-8000-000000000002",
    )  # fmt: skip
    with pytest.raises(lifecycle.Invalid) as caught:
        open_request()
    assert caught.value.errors["name"] == ["A namespace of this name exists."]


def test_the_last_of_the_allowance_is_given_once(open_request, payments):
    Team.objects.filter(pk=payments.pk).update(max_namespaces=1)
    first = open_request(tier="small", name="one-dev")
    second = open_request(tier="small", name="two-dev")
    assert (first.phase, second.phase) == (Phase.APPROVED, Phase.PENDING)


def test_resubmitting_makes_a_new_revision_and_a_new_digest(open_request, alice, dana):
    request = open_request()
    before = request.digest
    lifecycle.request_changes(request, by=dana, digest=request.digest, comment="Smaller, please")
    lifecycle.resubmit(request, request.asked_spec.replace(tier="medium"), by=alice, revision=1)
    assert (request.phase, request.revision, request.tier) == (Phase.PENDING, 2, "medium")
    assert request.digest != before
    assert events(request) == ["request.opened", "request.changes-requested", "request.resubmitted"]


def test_an_edit_of_an_older_revision_is_refused_and_changes_nothing(open_request, alice):
    request = open_request()
    lifecycle.resubmit(request, request.asked_spec.replace(purpose="first"), by=alice, revision=1)
    with pytest.raises(lifecycle.Conflict):
        lifecycle.resubmit(request, request.asked_spec.replace(purpose="second"), by=alice, revision=1)
    request.refresh_from_db()
    assert (request.revision, request.asked["purpose"]) == (2, "first")


def test_name_and_team_stay_when_a_request_is_edited(open_request, alice):
    request = open_request()
    with pytest.raises(lifecycle.Invalid):
        lifecycle.resubmit(request, request.asked_spec.replace(name="other"), by=alice, revision=1)


def test_a_stranger_can_neither_edit_nor_take_back(open_request, carol, bob):
    request = open_request()
    for person in (carol, bob):
        with pytest.raises(lifecycle.Forbidden):
            lifecycle.resubmit(request, request.asked_spec, by=person, revision=1)
        with pytest.raises(lifecycle.Forbidden):
            lifecycle.withdraw(request, by=person)
    request.refresh_from_db()
    assert request.phase == Phase.PENDING


def test_taking_back_frees_the_name(open_request, alice):
    request = open_request()
    lifecycle.withdraw(request, by=alice)
    assert request.phase == Phase.CANCELLED
    assert request.finished_at is not None
    assert open_request().phase == Phase.PENDING


def test_a_request_that_nobody_decides_on_expires_once(open_request):
    request = open_request()
    assert lifecycle.expire(request) is True
    assert lifecycle.expire(request) is False
    assert request.phase == Phase.EXPIRED
    assert events(request) == ["request.opened", "request.expired"]
