from __future__ import annotations

import threading

import pytest
from django.db import connections

from provisioning.models import WorkerLease
from provisioning.reconcile.lease import Lease, worker_name

pytestmark = pytest.mark.django_db


def test_the_first_takes_it_and_the_second_stands_by(clock):
    first, second = Lease("first", 15, now=clock), Lease("second", 15, now=clock)
    assert (first.renew(), second.renew()) == (True, False)
    assert (first.held, second.held) == (True, False)
    row = WorkerLease.current()
    assert (row.holder, row.is_alive) == ("first", True)


def test_a_lease_that_is_kept_remembers_since_when(clock):
    lease = Lease("first", 15, now=clock)
    lease.renew()
    since = WorkerLease.current().acquired_at
    clock.pass_by(seconds=5)
    assert lease.renew()
    row = WorkerLease.current()
    assert row.acquired_at == since
    assert row.heartbeat_at is not None
    assert since is not None
    assert row.heartbeat_at > since


def test_one_that_was_not_renewed_in_time_is_anybodys(clock):
    first, second = Lease("first", 15, now=clock), Lease("second", 15, now=clock)
    first.renew()
    clock.pass_by(seconds=16)
    assert first.held is False
    assert second.renew() is True
    assert first.renew() is False


def test_one_that_is_released_is_free_at_once(clock):
    first, second = Lease("first", 15, now=clock), Lease("second", 15, now=clock)
    first.renew()
    first.release()
    assert second.renew() is True


def test_releasing_what_somebody_else_has_changes_nothing(clock):
    first, second = Lease("first", 15, now=clock), Lease("second", 15, now=clock)
    first.renew()
    second.release()
    assert WorkerLease.current().holder == "first"


def test_names_of_workers_differ():
    assert worker_name() != worker_name()


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_one_gets_it(clock):
    begin, got = threading.Barrier(8), []

    def take(number: int) -> None:
        begin.wait()
        got.append(Lease(f"worker-{number}", 15, now=clock).renew())
        connections.close_all()

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]
