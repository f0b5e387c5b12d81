from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning import audit, lifecycle
from provisioning.inventory import Inventory
from provisioning.models import AuditEvent, Kind, Namespace, Phase, Request, RunState, User
from tests.lifecycle import life
from tests.lifecycle.life import POD, approved, end, long_ago, taken

pytestmark = pytest.mark.django_db


def opened(namespace: Namespace, by: User, inventory: Inventory | None = None, **more: object) -> Request:
    given = {"typed_name": namespace.name, "inventory": inventory or taken(), **more}
    return lifecycle.open_delete(namespace, by=by, **given)  # type: ignore[arg-type]


def test_a_deletion_waits_for_a_person_even_where_a_rule_grants_everything_else(namespace, alice, dana):
    request = opened(namespace, alice, taken(POD), force=True)
    assert (request.kind, request.phase, request.namespace, request.force) == (
        Kind.DELETE, Phase.PENDING, namespace, True,
    )  # fmt: skip
    assert request.verdict["result"] == "approve"
    lifecycle.approve(request, by=dana, digest=request.digest)
    run = request.current_run
    assert run is not None
    assert (run.state, run.workflow_name) == (RunState.QUEUED, f"delete-namespace-{request.short_id}-1")
    assert request.owner_request_id == str(namespace.owner_request_id)


def test_what_is_in_it_is_stored_with_the_request_and_the_decision_is_bound_to_it(namespace, alice, dana):
    inventory = taken(POD)
    request = Request.objects.get(pk=opened(namespace, alice, inventory, force=True).pk)
    assert lifecycle.inventory_of(request) == inventory
    first = request.digest
    lifecycle.withdraw(request, by=alice)
    assert opened(namespace, alice, taken(), force=True).digest != first
    assert (request.rendered, lifecycle.difference(request)) == ({}, [])


@pytest.mark.parametrize("typed", ["", "payments", "payments-dev ", "Payments-dev"])
def test_the_name_has_to_be_typed_exactly(namespace, alice, typed):
    with pytest.raises(lifecycle.Invalid) as caught:
        opened(namespace, alice, typed_name=typed)
    assert list(caught.value.errors) == ["typed_name"]
    assert Request.objects.filter(kind=Kind.DELETE).count() == 0


def test_what_is_in_it_has_to_be_taken_along_expressly(namespace, alice):
    with pytest.raises(lifecycle.Invalid) as caught:
        opened(namespace, alice, taken(POD))
    assert caught.value.errors == {"force": ["It holds 1 pod: say that all of it may be deleted."]}


def test_an_old_inventory_is_none(namespace, alice):
    for inventory in (long_ago(taken()), Inventory((), ())):
        with pytest.raises(lifecycle.Invalid) as caught:
            opened(namespace, alice, inventory)
        assert list(caught.value.errors) == ["inventory"]


@pytest.mark.parametrize("who", ["bob", "carol", "frank"])
def test_members_strangers_and_auditors_cannot_give_it_back(namespace, who, request):
    with pytest.raises(lifecycle.Forbidden):
        opened(namespace, request.getfixturevalue(who))


def test_the_approver_is_somebody_else(namespace, dana, erin):
    request = opened(namespace, dana)
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.approve(request, by=dana, digest=request.digest)
    lifecycle.approve(request, by=erin, digest=request.digest)
    assert request.phase == Phase.APPROVED


def test_a_deletion_is_approved_as_it_is_asked(namespace, alice, dana):
    request = opened(namespace, alice)
    with pytest.raises(lifecycle.Invalid):
        lifecycle.approve(request, by=dana, digest=request.digest, granted=request.spec.replace(tier="small"))
    with pytest.raises(lifecycle.Conflict):
        lifecycle.resubmit(request, request.spec, by=alice, revision=1)


# ── protection ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_protected_namespace_refuses(namespace, alice, dana):
    lifecycle.protect(namespace, True, by=alice)
    namespace.refresh_from_db()
    with pytest.raises(lifecycle.Invalid, match="protected"):
        opened(namespace, alice)
    lifecycle.protect(namespace, False, by=dana)
    namespace.refresh_from_db()
    assert opened(namespace, alice).phase == Phase.PENDING
    assert life.events("payments-dev")[-3:] == ["namespace.protected", "namespace.unprotected", "request.opened"]


def test_protection_after_the_asking_stops_the_decision(namespace, alice, dana):
    request = opened(namespace, alice)
    lifecycle.protect(namespace, True, by=alice)
    request = Request.objects.get(pk=request.pk)
    with pytest.raises(lifecycle.Conflict, match="protected"):
        lifecycle.approve(request, by=dana, digest=request.digest)
    assert request.decisions.count() == 0
    lifecycle.deny(request, by=dana, digest=request.digest, comment="It is protected.")
    assert request.phase == Phase.DENIED


def test_protection_comes_too_late_for_what_is_approved_and_in_time_for_a_retry(namespace, alice, dana):
    request = approved(opened(namespace, alice), dana)
    with pytest.raises(lifecycle.Conflict, match="cancel that first"):
        lifecycle.protect(namespace, True, by=alice)
    end(request, Phase.FAILED, acted=False)
    lifecycle.give_up(request, by=alice)
    lifecycle.protect(namespace, True, by=alice)
    assert Namespace.objects.get().protected


def test_a_retry_of_a_deletion_is_refused_once_it_is_protected(namespace, alice, dana):
    request = end(approved(opened(namespace, alice), dana), Phase.FAILED)
    Namespace.objects.update(protected=True)
    request = Request.objects.get(pk=request.pk)
    with pytest.raises(lifecycle.Conflict, match="protected"):
        lifecycle.retry(request, by=alice)


def test_protecting_twice_is_one_event(namespace, alice):
    lifecycle.protect(namespace, True, by=alice)
    lifecycle.protect(namespace, True, by=alice)
    assert AuditEvent.objects.filter(action="namespace.protected").count() == 1


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_only_those_responsible_protect(namespace, who, request):
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.protect(namespace, True, by=request.getfixturevalue(who))


# ── after a failure, and by the portal ───────────────────────────────────────────────────────────────────────


def test_a_failed_deletion_gives_way_to_one_with_a_new_inventory(namespace, alice, dana):
    failed = end(approved(opened(namespace, alice), dana), Phase.FAILED, acted=False, message="not empty")
    request = opened(namespace, alice, taken(POD), force=True, instead_of=failed)
    failed.refresh_from_db()
    assert (failed.phase, request.phase, request.force) == (Phase.CANCELLED, Phase.PENDING, True)


def test_the_portal_asks_when_the_lease_is_over_and_a_person_decides(namespace, dana):
    assert lifecycle.open_lease_delete(namespace, taken()) is None
    Namespace.objects.update(lease_ends_at=timezone.now() - timedelta(days=15))
    request = lifecycle.open_lease_delete(namespace, taken(POD))
    assert request is not None
    assert (request.phase, request.force, request.requester.is_active) == (Phase.PENDING, False, False)
    assert request.requester.display_name == "The portal"
    event = AuditEvent.objects.get(request=request)
    assert (event.actor, event.actor_name) == (None, "worker")
    assert event.note.startswith("Its lease ended on ")
    assert lifecycle.open_lease_delete(namespace, taken()) is None
    lifecycle.approve(request, by=dana, digest=request.digest)
    assert request.phase == Phase.APPROVED


def test_nobody_signs_in_as_the_portal(namespace):
    Namespace.objects.update(lease_ends_at=timezone.now() - timedelta(days=15))
    lifecycle.open_lease_delete(namespace, taken())
    portal = User.objects.get(username="(portal)")
    assert not portal.has_usable_password()
    assert not portal.check_password("")
    assert not portal.is_platform_admin


def test_a_protected_namespace_outlives_its_lease(namespace, alice):
    lifecycle.protect(namespace, True, by=alice)
    Namespace.objects.update(lease_ends_at=timezone.now() - timedelta(days=15))
    assert lifecycle.open_lease_delete(namespace, taken()) is None
    assert audit.verify().ok
