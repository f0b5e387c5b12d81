"""Two people at once about one namespace: one is first, the other is told, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.utils import timezone

from provisioning import audit, lifecycle
from provisioning.models import AuditEvent, Check, Kind, LeaseNotice, Namespace, Phase, Request, Run, User
from tests.lifecycle import life
from tests.lifecycle.life import approved, taken
from tests.lifecycle.test_adopting import looked_at, orphan

pytestmark = pytest.mark.django_db(transaction=True)
Act = Callable[[], object]
FIRST = (lifecycle.Conflict, lifecycle.Invalid, lifecycle.Forbidden)


def at_once(*acts: Act) -> list[object]:
    """Each in a thread of its own, all let go at one moment; what each gave back, or the refusal it met."""
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        connections["default"].inc_thread_sharing()
    start = Barrier(len(acts))

    def run(act: Act) -> object:
        try:
            start.wait()
            return act()
        except FIRST as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def won(results: list[object]) -> int:
    return sum(not isinstance(result, FIRST) for result in results)


def open_requests() -> int:
    return Request.objects.live().count()


def mine(namespace: Namespace) -> Namespace:
    """As another process has read it."""
    return Namespace.objects.get(pk=namespace.pk)


def test_of_six_changes_at_once_one_is_asked(prod, alice):
    specs = [prod.spec.replace(tier=tier, purpose=str(n)) for n, tier in enumerate(["small", "medium"] * 3)]
    results = at_once(*(lambda spec=spec: lifecycle.open_change(mine(prod), spec, by=alice) for spec in specs))
    assert (won(results), open_requests()) == (1, 1)
    assert all(isinstance(result, Request | lifecycle.Conflict) for result in results)
    winner = Request.objects.live().get()
    assert {result.request.pk for result in results if isinstance(result, lifecycle.Conflict)} == {winner.pk}


def test_of_a_change_and_a_deletion_at_once_one_is_asked(prod, alice, dana):
    for _ in range(5):
        results = at_once(
            lambda: lifecycle.open_change(mine(prod), prod.spec.replace(tier="small"), by=alice),
            lambda: lifecycle.open_delete(mine(prod), by=dana, inventory=taken(), typed_name=prod.name),
        )
        assert (won(results), open_requests()) == (1, 1)
        lifecycle.withdraw(Request.objects.live().get(), by=alice)


def test_two_renewals_at_once_are_both_in_the_trail_and_the_longest_counts(namespace, alice, dana):
    at_once(
        lambda: lifecycle.renew(mine(namespace), 120, by=alice),
        lambda: lifecycle.renew(mine(namespace), 180, by=dana),
    )
    namespace.refresh_from_db()
    left = round((namespace.lease_ends_at - timezone.now()) / timedelta(days=1))
    events = AuditEvent.objects.filter(action="namespace.renewed")
    assert left == 180
    assert namespace.renewals == events.count()
    assert audit.verify().ok


def test_a_renewal_and_the_approval_of_the_lease_s_deletion_do_not_both_happen(namespace, alice, dana):
    Namespace.objects.update(lease_ends_at=timezone.now() - timedelta(days=15))
    for _ in range(5):
        request = lifecycle.open_lease_delete(mine(namespace), taken())
        assert request is not None
        at_once(
            lambda: lifecycle.renew(mine(namespace), 90, by=alice),
            lambda request=request: approve(request, dana),
        )
        request.refresh_from_db()
        renewed = not mine(namespace).lease_is_over
        assert (request.phase, renewed) in {(Phase.CANCELLED, True), (Phase.APPROVED, False)}
        if request.phase == Phase.APPROVED:
            lifecycle.cancel(request, by=alice)
        Namespace.objects.update(lease_ends_at=timezone.now() - timedelta(days=15), renewals=0)


def approve(request: Request, by: User) -> Request:
    row = Request.objects.get(pk=request.pk)
    return lifecycle.approve(row, by=by, digest=row.digest)


def test_a_renewal_during_a_deletion_is_refused_at_every_stage(prod, alice, dana):
    request = lifecycle.open_delete(prod, by=alice, inventory=taken(), typed_name=prod.name)
    for advance in (lambda: None, lambda: approved(request, dana), lambda: life.submit(request)):
        advance()
        with pytest.raises(lifecycle.Conflict):
            lifecycle.renew(mine(prod), 180, by=alice)
    life.end(request)
    with pytest.raises(lifecycle.Conflict, match="was deleted"):
        lifecycle.renew(mine(prod), 180, by=alice)


def test_protection_and_approval_of_a_deletion_do_not_both_happen(prod, alice, dana):
    for _ in range(5):
        request = lifecycle.open_delete(mine(prod), by=alice, inventory=taken(), typed_name=prod.name)
        at_once(
            lambda: lifecycle.protect(mine(prod), True, by=alice),
            lambda request=request: approve(request, dana),
        )
        request.refresh_from_db()
        assert (request.phase, mine(prod).protected) in {(Phase.APPROVED, False), (Phase.PENDING, True)}
        if request.phase == Phase.APPROVED:
            lifecycle.cancel(request, by=alice)
        else:
            lifecycle.withdraw(request, by=alice)
        Namespace.objects.update(protected=False)


def test_a_failed_change_is_replaced_once(prod, alice, dana):
    failed = life.end(
        approved(lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice), dana), Phase.FAILED
    )

    def replace(by: User) -> Request:
        row = Request.objects.get(pk=failed.pk)
        return lifecycle.open_change(mine(prod), by=by, to_revision=1, instead_of=row)

    results = at_once(lambda: replace(alice), lambda: replace(dana), lambda: lifecycle.retry(get(failed), by=alice))
    assert (won(results), open_requests()) == (1, 1)


def get(request: Request) -> Request:
    return Request.objects.get(pk=request.pk)


def test_a_run_that_ends_is_recorded_once_by_two_workers(prod, alice, dana):
    request = approved(lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice), dana)
    run = life.submit(request)
    results = at_once(*[lambda: lifecycle.finish(Run.objects.get(pk=run.pk), outcome=Phase.SUCCEEDED, message="")] * 4)
    assert sorted(map(bool, results)) == [False, False, False, True]
    assert mine(prod).revision == 2
    assert mine(prod).revisions.count() == 2


def test_a_step_of_a_lease_is_taken_once_by_four_workers(namespace):
    now = namespace.lease_ends_at - timedelta(days=6)
    results = at_once(*[lambda: lifecycle.take_lease_steps(mine(namespace), now)] * 4)
    assert sum(bool(result) for result in results) == 1
    assert LeaseNotice.objects.count() == AuditEvent.objects.filter(action="lease.remind").count() == 1


def test_a_check_is_asked_once_by_four(namespace):
    results = at_once(*[lambda: lifecycle.ask_check("payments-dev").pk] * 4)
    assert len(set(results)) == 1
    assert Check.objects.count() == 1


def test_of_two_adoptions_at_once_one_is_asked(payments, dana, erin):
    check = looked_at(orphan())
    spec = lifecycle.proposal(check).spec
    results = at_once(*(lambda who=who: lifecycle.open_adoption(check, spec, by=who) for who in (dana, erin)))
    assert (won(results), Request.objects.filter(kind=Kind.ADOPT).count()) == (1, 1)
