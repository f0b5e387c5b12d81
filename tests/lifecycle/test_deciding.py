from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from provisioning import lifecycle
from provisioning.models import AuditEvent, Decision, Phase, Request, Run, User
from tests.conftest import make_spec

pytestmark = pytest.mark.django_db


def test_approving_queues_one_run_of_the_objects_that_were_shown(open_request, dana):
    request = open_request()
    lifecycle.approve(request, by=dana, digest=request.digest, comment="Fine")
    assert (request.phase, request.attempt) == (Phase.APPROVED, 1)
    assert Run.objects.get().digest == request.digest
    event = AuditEvent.objects.filter(request=request).first()
    assert (event.action, event.actor, event.actor_role, event.note) == (
        "request.approved", dana, "platform admin", "Fine",
    )  # fmt: skip
    assert (event.before["phase"], event.after["phase"], event.after["digest"]) == (
        "Pending", "Approved", request.digest,
    )  # fmt: skip


def test_nobody_decides_on_a_request_of_their_own(open_request, alice):
    User.objects.filter(pk=alice.pk).update(is_platform_admin=True)
    alice.refresh_from_db()
    request = open_request()
    for act in (
        lambda: lifecycle.approve(request, by=alice, digest=request.digest),
        lambda: lifecycle.deny(request, by=alice, digest=request.digest, comment="no"),
        lambda: lifecycle.request_changes(request, by=alice, digest=request.digest, comment="no"),
    ):
        with pytest.raises(lifecycle.Forbidden, match="your own request"):
            act()
    assert not Decision.objects.exists()


@pytest.mark.parametrize("who", ["bob", "carol", "frank"])
def test_only_platform_admins_decide(open_request, who, request):
    person = request.getfixturevalue(who)
    asked = open_request()
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.approve(asked, by=person, digest=asked.digest)
    assert not Decision.objects.exists()


def test_a_decision_on_what_is_no_longer_asked_is_refused(open_request, alice, dana):
    request = open_request()
    shown = request.digest
    lifecycle.resubmit(request, request.asked_spec.replace(tier="medium"), by=alice, revision=1)
    with pytest.raises(lifecycle.Conflict) as caught:
        lifecycle.approve(request, by=dana, digest=shown)
    assert caught.value.request.phase == Phase.PENDING
    assert not Decision.objects.exists()


def test_the_second_admin_is_told_by_whom_and_what(open_request, dana, erin):
    request = open_request()
    stale = Request.objects.get(pk=request.pk)
    lifecycle.deny(request, by=dana, digest=request.digest, comment="Not now")
    with pytest.raises(lifecycle.Conflict, match="denied by Dana"):
        lifecycle.approve(stale, by=erin, digest=stale.digest)
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("answer", [lifecycle.deny, lifecycle.request_changes])
def test_saying_no_needs_a_reason(open_request, dana, answer):
    request = open_request()
    with pytest.raises(lifecycle.Invalid) as caught:
        answer(request, by=dana, digest=request.digest, comment="  ")
    assert list(caught.value.errors) == ["comment"]
    request.refresh_from_db()
    assert request.phase == Phase.PENDING


def test_approving_with_less_keeps_what_was_asked(open_request, dana):
    request = open_request(tier="large", features=("logging", "monitoring", "ingress"), lease_days=90)
    granted = request.asked_spec.replace(tier="small", features=("logging",), lease_days=30)
    shown = lifecycle.render_granted(request, granted).digest
    lifecycle.approve(request, by=dana, digest=request.digest, granted=granted, granted_digest=shown)
    assert (request.asked["tier"], request.granted["tier"], request.tier) == ("large", "small", "small")
    assert request.was_narrowed
    assert (request.digest, Run.objects.get().digest) == (shown, shown)


def test_an_approval_never_gives_more_than_was_asked(open_request, dana):
    request = open_request(tier="medium", lease_days=30)
    for more in (
        {"tier": "large"},
        {"features": ("gpu", "logging", "monitoring")},
        {"lease_days": 60},
        {"purpose": "x"},
    ):
        with pytest.raises(lifecycle.Invalid):
            lifecycle.approve(request, by=dana, digest=request.digest, granted=request.asked_spec.replace(**more))
    request.refresh_from_db()
    assert request.phase == Phase.PENDING


@pytest.mark.django_db(transaction=True)
def test_eight_deciders_at_once_on_each_of_forty_requests_take_forty_decisions(alice):
    """Each of 8 admins tries to decide on all 40, half approving and half denying."""
    requests = [lifecycle.open_request(make_spec(name=f"race-{n}", tier="large"), by=alice) for n in range(40)]
    admins = [User.objects.create(username=f"admin{n}", is_platform_admin=True) for n in range(8)]

    def decide_all(number: int) -> int:
        won = 0
        try:
            for request in requests[number * 5 :] + requests[: number * 5]:
                row = Request.objects.get(pk=request.pk)
                try:
                    if number % 2:
                        lifecycle.deny(row, by=admins[number], digest=row.digest, comment="no")
                    else:
                        lifecycle.approve(row, by=admins[number], digest=row.digest)
                    won += 1
                except lifecycle.Conflict:
                    pass
        finally:
            connection.close()
        return won

    with ThreadPoolExecutor(8) as pool:
        wins = sum(pool.map(decide_all, range(8)))
    assert wins == 40
    assert Decision.objects.count() == 40
    assert set(Request.objects.values_list("phase", flat=True)) <= {Phase.APPROVED, Phase.DENIED}
    assert Run.objects.count() == Request.objects.filter(phase=Phase.APPROVED).count()
