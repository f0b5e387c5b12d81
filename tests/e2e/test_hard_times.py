"""The database locked, full or gone, the clock jumping, SIGTERM in the middle of a call: nothing lost, and a clear line
in the log."""

from __future__ import annotations

import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from provisioning import lifecycle
from provisioning.models import AuditEvent, Phase, Request, Run, RunState
from tests.support.asking import approve_all, open_many
from tests.support.faults import Proxy
from tests.support.trials import Trial
from tests.support.waiting import until
from tests.support.workers import Background, Passes, Process

pytestmark = pytest.mark.django_db(transaction=True)


def submitted() -> int:
    return Run.objects.filter(state=RunState.SUBMITTED).count()


@contextmanager
def impatient() -> Iterator[None]:
    """Connections made meanwhile wait a tenth of a second for a lock, not twenty."""
    options = connections.settings["default"]["OPTIONS"]
    before = options["timeout"]
    options["timeout"] = 0.1
    try:
        yield
    finally:
        options["timeout"] = before


def test_a_locked_database_ends_the_pass_and_nothing_else(
    still: Trial, connect: Any, payments: Any, alice: Any, dana: Any, caplog: pytest.LogCaptureFixture
):
    approve_all(open_many(2, payments, alice), dana)
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other, impatient():
        other.execute("BEGIN EXCLUSIVE")
        with Background(connect(still.url, still.token)):
            until(lambda: "database is locked" in caplog.text, 20, "the worker says what is wrong")
            assert still.names() == []
            other.execute("ROLLBACK")
            until(lambda: submitted() == 2, 40, "it goes on by itself")
    assert sorted(Run.objects.values_list("workflow_name", flat=True)) == still.names()


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """That process can't write to any file any more, as on a disk without room."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_on_a_full_disk_nothing_is_submitted_that_could_not_be_written_down(
    still: Trial, payments: Any, alice: Any, dana: Any
):
    with Process(still.url, still.token) as worker:
        worker.wait_elected()
        with full_disk(worker.pid):
            approve_all(open_many(1, payments, alice), dana)
            until(lambda: b"OperationalError" in worker.output, 20, "the worker says what is wrong")
            assert still.names() == []
        until(lambda: submitted() == 1, 60, "it goes on by itself")
    assert len(still.names()) == 1


def test_a_disk_that_fills_up_between_submit_and_record_makes_no_second_workflow(
    still: Trial, payments: Any, alice: Any, dana: Any
):
    with Proxy(still.server.port) as proxy, Process(proxy.url, still.token) as worker:
        worker.wait_elected()
        with proxy.holding(lambda seen: seen.call == "submit" and b"create-namespace" in seen.body) as held:
            approve_all(open_many(1, payments, alice), dana)
            assert held.arrived.wait(20)
            with full_disk(worker.pid):
                held.release()
                until(lambda: b"OperationalError" in worker.output, 20, "the worker says what is wrong")
                assert (len(still.names()), submitted()) == (1, 0)
        until(lambda: submitted() == 1, 60, "it is found again")
    assert len(still.names()) == 1
    assert AuditEvent.objects.get(action="run.submitted").after["adopted"] is True


def test_without_a_database_the_worker_waits_says_so_and_can_be_stopped(still: Trial, tmp_path: Path, db: None):
    with Process(still.url, still.token, DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/portal.sqlite3") as worker:
        until(lambda: b"unable to open database file" in worker.output, 20, "the worker says what is wrong")
        assert worker.is_alive
        assert worker.terminate() == 0


@pytest.mark.parametrize("call", ["list", "get", "log", "watch"])
def test_a_worker_that_is_asked_to_stop_while_it_waits_for_argo_stops_and_another_goes_on(
    trial: Trial, payments: Any, alice: Any, dana: Any, call: str
):
    approve_all(open_many(1, payments, alice), dana)
    with Proxy(trial.server.port) as proxy:
        with Process(proxy.url, trial.token) as worker, proxy.holding(lambda seen: seen.call == call) as held:
            if call == "watch":
                until(lambda: proxy.count("watch"), 30)
            else:
                assert held.arrived.wait(30), worker.output.decode()
            asked = threading.Timer(0.2, held.release)
            asked.start()
            assert worker.terminate() == 0, worker.output.decode()
            asked.join()
            assert b"Traceback" not in worker.output
        with Process(proxy.url, trial.token):
            until(lambda: Run.objects.filter(logs_complete=True).exists(), 60, "the run is over, its logs are there")
    assert Request.objects.get().phase == Phase.SUCCEEDED
    assert len(trial.names()) == 1


@pytest.mark.parametrize("hours", [-1.0, 0.1])
def test_a_clock_that_jumps_costs_time_at_most(
    trial: Trial, worker: Passes, payments: Any, alice: Any, dana: Any, hours: float
):
    first, second, waiting = open_many(3, payments, alice)
    approve_all([first], dana)
    worker.work()
    worker.clock.pass_by(hours=hours)
    approve_all([second], dana)
    for _ in range(5):
        worker.work()
    worker.clock.pass_by(hours=-hours)
    worker.until(lambda: Request.objects.filter(phase=Phase.SUCCEEDED).count() == 2, trial, 60)
    assert len(trial.names()) == 2
    waiting.refresh_from_db()
    assert waiting.phase == Phase.PENDING
    lifecycle.approve(waiting, by=dana, digest=waiting.digest)
    worker.until(lambda: Request.objects.filter(phase=Phase.SUCCEEDED).count() == 3, trial, 60)
