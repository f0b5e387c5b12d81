"""Leases that end, by the worker's clock: each step once, nothing deleted, and what pages tell of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.lease_view import escalated, lease_view, lease_views
from provisioning.models import AuditEvent, Check, LeaseNotice, Namespace, NamespaceStatus, Request
from provisioning.reconcile import leases, timers
from tests.lifecycle.life import made

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOTHING = {"live": "", "inventory": ""}


@pytest.fixture
def namespace(alice, dana) -> Namespace:
    return made(alice, dana, name="payments-dev", tier="small")


def ending(namespace: Namespace, days: float) -> Namespace:
    """Its lease ends in so many days; negative: it is over."""
    Namespace.objects.filter(pk=namespace.pk).update(lease_ends_at=timezone.now() + days * DAY)
    namespace.refresh_from_db()
    return namespace


def steps(namespace: Namespace) -> list[str]:
    notices = LeaseNotice.objects.filter(namespace=namespace, lease_ends_at=namespace.lease_ends_at)
    return list(notices.values_list("step", flat=True))


# ── the worker ───────────────────────────────────────────────────────────────────────────────────────────────


def test_reminders_come_once_each_as_the_days_go_by(desk, namespace, clock):
    ending(namespace, 31)
    assert leases.run(desk) is False
    for days, found in (
        (1.1, ["remind-30"]),
        (23, ["remind-30", "remind-7"]),
        (6, ["remind-30", "remind-7", "remind-1"]),
    ):
        clock.pass_by(days=days)
        assert timers.run(desk) is True
        assert steps(namespace) == found
        assert timers.run(desk) is False
    assert AuditEvent.objects.filter(action="lease.remind").count() == 3


def test_past_the_end_admins_are_told_then_a_deletion_is_asked_for(desk, namespace):
    ending(namespace, -8)
    assert leases.run(desk)
    assert steps(namespace) == ["remind-1", "escalate"]
    assert leases.run(desk) is False

    ending(namespace, -15)
    assert leases.run(desk)
    [check] = Check.objects.filter(name=namespace.name)
    assert (check.why, Request.objects.filter(kind="delete").count()) == ("delete", 0)
    assert leases.run(desk) is False
    looked(check)
    assert leases.run(desk)
    request = Request.objects.get(kind="delete")
    assert (request.phase, request.requester.username, request.force) == ("Pending", "(portal)", False)
    assert steps(namespace) == ["remind-1", "escalate", "delete-request"]
    namespace.refresh_from_db()
    assert namespace.status == NamespaceStatus.READY
    assert leases.run(desk) is False


def looked(check: Check) -> None:
    """The look ends, and finds nothing in it."""
    inventory = {"items": [], "quota": [], "taken_at": timezone.now().isoformat(), "more": 0}
    Check.objects.filter(pk=check.pk).update(
        state="finished", exists=True, inventory=inventory, finished_at=timezone.now()
    )


def test_a_look_that_fails_is_not_repeated_all_the_time(desk, namespace, clock):
    ending(namespace, -15)
    leases.run(desk)
    lifecycle.fail_check(Check.objects.get(), "Argo says no")
    for _ in range(3):
        assert leases.run(desk) is False
    assert Check.objects.count() == 1
    clock.pass_by(minutes=61)
    leases.run(desk)
    assert Check.objects.count() == 2


def test_of_one_that_is_gone_the_deletion_is_asked_for_as_well(desk, namespace):
    ending(namespace, -15)
    leases.run(desk)
    assert lifecycle.finish_check(Check.objects.get(), NOTHING)
    assert leases.run(desk)
    assert Request.objects.get(kind="delete").name == namespace.name


def test_a_renewal_ends_it_all(desk, namespace, alice):
    ending(namespace, -8)
    leases.run(desk)
    lifecycle.renew(namespace, 90, by=alice)
    namespace.refresh_from_db()
    assert leases.run(desk) is False
    assert steps(namespace) == []


def test_one_namespaces_trouble_is_that_namespaces_alone(desk, namespace, alice, dana):
    other = made(alice, dana)
    ending(namespace, -8)
    ending(other, -8)
    Namespace.objects.filter(pk=namespace.pk).update(revision=99)
    assert leases.run(desk)
    assert (steps(namespace), steps(other)) == ([], ["remind-1", "escalate"])


# ── what pages tell ──────────────────────────────────────────────────────────────────────────────────────────


def test_while_nothing_is_near_there_is_nothing_to_tell(namespace):
    assert lease_view(namespace, timezone.now()) is None


def test_after_a_reminder_it_ends_soon(desk, namespace):
    ending(namespace, 6.5)
    leases.run(desk)
    view = lease_view(namespace, timezone.now())
    assert view is not None
    assert (view.days, view.is_over, view.admins_know) == (6, False, False)
    assert view.sentence == "Its lease ends soon. Renew it or give it back."
    assert view.last is not None
    assert view.last.step == "remind-7"
    assert view.next is not None
    assert (view.next.kind, view.next.days) == ("remind", 1)


def test_what_admins_see_to_is_over_the_longest_first(desk, namespace, alice, dana):
    other = made(alice, dana)
    soon = made(alice, dana, name="payments-soon")
    ending(namespace, -8)
    ending(other, -9)
    ending(soon, 3)
    leases.run(desk)
    found = escalated(timezone.now())
    assert [view.namespace for view in found] == [other, namespace]
    assert all(view.admins_know and view.is_over for view in found)
    assert found[0].sentence == "Its lease is over, and platform admins were told. Renew it or give it back."
    assert found[0].next is not None
    assert found[0].next.kind == "delete-request"
    # steps of an end that was put off tell nothing of the next one
    ending(namespace, 29)
    assert lease_view(namespace, timezone.now()) is None
    ending(namespace, -1)
    assert [view.namespace for view in escalated(timezone.now())] == [other]


def test_the_request_to_delete_it_is_told(desk, namespace):
    ending(namespace, -15)
    leases.run(desk)
    looked(Check.objects.get())
    leases.run(desk)
    view = lease_view(namespace, timezone.now())
    assert view is not None
    assert view.deletion == Request.objects.get(kind="delete")
    assert view.sentence.endswith("Nothing is deleted by itself.")
    assert view.next is None


def test_the_views_take_the_same_queries_for_one_and_for_three(desk, namespace, alice, dana, django_assert_num_queries):
    rows = [ending(namespace, -8)]
    leases.run(desk)
    with django_assert_num_queries(2):
        assert len(lease_views(rows, timezone.now())) == 1
    rows += [ending(made(alice, dana, name=f"payments-n{number}"), -9) for number in range(2)]
    leases.run(desk)
    with django_assert_num_queries(2):
        assert len(lease_views(rows, timezone.now())) == 3
    with django_assert_num_queries(3):
        assert [view.namespace.team.name for view in escalated(timezone.now())] == ["payments"] * 3
