"""The whole worker: its loop, watch, copier and lease, against a trial that really runs the workflows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.db import connection, connections
from django.utils import timezone

from provisioning import lifecycle, logbook
from provisioning.models import ArgoStatus, Namespace, Phase, Request, Run, RunState, Step, StepLog, WorkerLease
from provisioning.reconcile.loop import Loop
from provisioning.trial.control import Control
from tests.reconcile.conftest import NS, fresh

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


def until(holds: Callable[[], Any], what: str = "") -> None:
    """Wait for rows that another thread or process writes."""
    pause, deadline = threading.Event(), timezone.now() + timedelta(seconds=60)
    while not holds():
        assert timezone.now() < deadline, f"waited too long {what}"
        pause.wait(0.05)


@pytest.fixture
def working(connect) -> Iterator[Callable[..., Loop]]:
    """Start a worker's loop in a thread; it is stopped after the test."""
    started: list[tuple[Loop, threading.Thread]] = []

    def make(argo, name: str = "worker") -> Loop:
        loop = Loop(connect(argo), name=name)

        def work() -> None:
            try:
                loop.run()
            finally:
                connections.close_all()

        thread = threading.Thread(target=work, name=name)
        started.append((loop, thread))
        thread.start()
        return loop

    yield make
    for loop, _ in started:
        loop.stop()
    for _, thread in started:
        thread.join(30)
        assert not thread.is_alive()


def phase_of(run: Run) -> str:
    return Request.objects.get(pk=run.request_id).phase


def test_an_approved_request_becomes_a_namespace_with_all_its_logs(trial, working, approve):
    run = approve()
    working(trial)
    until(lambda: phase_of(run) == Phase.SUCCEEDED, "for success")
    namespace = Namespace.objects.get()
    assert (namespace.name, namespace.owner_request_id) == ("payments-prod", run.request_id)
    assert namespace.uid
    assert set(Step.objects.values_list("phase", flat=True)) == {"Succeeded"}
    until(lambda: fresh(run).logs_complete, "for logs")
    for log in StepLog.objects.select_related("step"):
        assert logbook.lines(log)[-1].text.startswith(("✅", "🎉"))
        assert not log.lost


def test_a_failing_step_is_explained_and_undone_and_a_retry_can_succeed(trial, working, approve, alice):
    control = Control(trial.settings.state)
    control.refuse("NetworkPolicy", "default-deny-all", "not on this cluster")
    run = approve()
    working(trial)
    until(lambda: phase_of(run) == Phase.FAILED, "for failure")
    request = Request.objects.get(pk=run.request_id)
    assert request.message.startswith("Apply network policies: The cluster refused this step: ")
    assert "not on this cluster" in request.message
    assert request.message.endswith("Roll-back: Half-created namespace removed.")
    step = run.steps.get(name="apply-network-policies")
    assert (step.phase, step.exit_code, step.for_admins) == ("Failed", 66, True)

    control.allow("NetworkPolicy", "default-deny-all")
    lifecycle.retry(request, by=alice)
    until(lambda: phase_of(run) == Phase.SUCCEEDED, "for success")
    assert [each.workflow_name[-2:] for each in Run.objects.order_by("attempt")] == ["-1", "-2"]


def test_a_step_that_cannot_pull_its_image_says_so_while_it_waits_and_can_be_cancelled(trial, working, approve, alice):
    control = Control(trial.settings.state)
    control.image_pull_fails("*")
    run = approve()
    working(trial)
    until(lambda: run.steps.filter(sentence__contains="image").exists(), "for the reason")
    request = Request.objects.get(pk=run.request_id)
    lifecycle.cancel(request, by=alice)
    control.image_pull_fails(None)
    until(lambda: phase_of(run) == Phase.CANCELLED, "for the cancellation")
    assert Request.objects.get(pk=run.request_id).message.startswith("The workflow was stopped as asked.")


def test_argo_away_is_told_and_the_request_goes_on_by_itself_when_it_is_back(trial, working, approve):
    Control(trial.settings.state).stop_argo(600)
    run = approve()
    working(trial)
    until(lambda: ArgoStatus.current().failing_since is not None, "for the outage")
    row = ArgoStatus.current()
    assert "connection refused" in row.cause
    assert row.remedy
    assert phase_of(run) == Phase.APPROVED
    Control(trial.settings.state).stop_argo(0)
    until(lambda: phase_of(run) == Phase.SUCCEEDED, "for success")
    row = ArgoStatus.current()
    assert (row.failing_since, row.cause) == (None, "")
    assert fresh(run).trouble == ""


def test_argo_away_during_a_run_costs_a_delay_only(trial, working, approve):
    run = approve()
    working(trial)
    until(lambda: fresh(run).state == RunState.SUBMITTED, "for the submission")
    Control(trial.settings.state).stop_argo(1)
    until(lambda: phase_of(run) == Phase.SUCCEEDED, "for success")
    assert len(trial.store.list("workflows", NS)) == 1


def test_the_watch_brings_a_change_without_anything_being_polled(still, working, approve, settings):
    settings.RESYNC_SECONDS = 3600.0
    run = approve()
    working(still)
    until(lambda: ArgoStatus.current().last_resync_at is not None, "for the list")
    # the watch is known to be open from its first sign of life on
    still.status(run.workflow_name, progress="0/1")
    until(lambda: ArgoStatus.current().watch_since is not None, "for the watch")
    still.show(run.workflow_name, "running-parallel")
    until(lambda: fresh(run).workflow_phase == "Running", "for the event")
    still.store.delete("workflows", NS, run.workflow_name)
    until(lambda: phase_of(run) == Phase.FAILED, "for the end")


def test_the_log_of_a_running_step_grows_while_somebody_looks(still, working, approve):
    run = approve()
    working(still)
    until(lambda: fresh(run).state == RunState.SUBMITTED, "for the submission")
    still.show(run.workflow_name, "running-parallel")
    until(lambda: run.steps.filter(phase="Running").exists(), "for the step")
    log = StepLog.objects.filter(step__run=run, phase="Running").first()
    assert log is not None
    Run.objects.filter(pk=run.pk).update(watched_until=timezone.now() + timedelta(minutes=5))
    for number in (1, 2):
        still.log(log.pod_name, run.workflow_name, f"line {number}")
        until(StepLog.objects.filter(pk=log.pk, lines=number).exists, "for the line")
    assert [line.text for line in logbook.lines(log)] == ["line 1", "line 2"]


def test_one_rows_trouble_is_that_rows_alone(trial, working, approve):
    broken, good = approve(name="payments-broken"), approve(name="payments-good")
    Request.objects.filter(pk=broken.request_id).update(rendered={})
    working(trial)
    until(lambda: phase_of(good) == Phase.SUCCEEDED, "for the good one")
    assert phase_of(broken) == Phase.APPROVED
    assert fresh(broken).trouble.startswith("Something went wrong in the portal itself")
    assert ArgoStatus.current().failing_since is None


def test_of_two_workers_one_works_and_the_other_takes_over(still, working, approve):
    first = working(still, "first")
    until(lambda: WorkerLease.current().holder == "first", "for the first")
    working(still, "second")
    run = approve()
    until(lambda: fresh(run).state == RunState.SUBMITTED, "for the submission")
    assert fresh(run).claimed_by == "first"
    first.stop()
    until(lambda: WorkerLease.current().holder == "second", "for the second")
    later = approve(name="payments-later")
    until(lambda: fresh(later).state == RunState.SUBMITTED, "for the later one")
    assert fresh(later).claimed_by == "second"


def test_a_worker_that_stops_gives_the_lease_back_and_says_that_nobody_watches(still, working, submitted):
    loop = working(still)
    until(lambda: ArgoStatus.current().last_resync_at is not None, "for the list")
    submitted()
    until(lambda: ArgoStatus.current().watch_since is not None, "for the watch")
    loop.stop()
    until(lambda: not WorkerLease.current().is_alive, "for the release")
    assert ArgoStatus.current().watch_since is None


def test_once_does_what_is_to_do_and_ends(trial, connect, approve):
    run = approve()
    loop = Loop(connect(trial), name="once")

    def done() -> bool:
        loop.once()
        return phase_of(run) == Phase.SUCCEEDED

    until(done, "for success")


def process(argo, *options: str) -> subprocess.Popen[bytes]:
    """`manage.py reconcile` on the tests' database."""
    if connection.vendor != "sqlite":
        url = os.environ["TEST_DATABASE_URL"].rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"
    else:
        url = f"sqlite:///{connection.settings_dict['NAME']}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "SECRET_KEY": live_settings.SECRET_KEY,
        "DATABASE_URL": url,
        "ARGO_WORKFLOWS_URL": argo.server.url,
        "ARGO_TOKEN": argo.token,
        "HTTPS": "false",
        "TRIAL": "true",
        "LOG_LEVEL": "ERROR",
    }
    return subprocess.Popen([sys.executable, "manage.py", "reconcile", *options], cwd=ROOT, env=environment)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_properly(still, approve, number):
    run = approve()
    worker = process(still)
    until(lambda: fresh(run).state == RunState.SUBMITTED, "for the submission")
    worker.send_signal(number)
    assert worker.wait(30) == 0
    assert not WorkerLease.current().is_alive


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_finishes(trial, approve):
    runs = [approve(name=f"payments-n{number}") for number in range(3)]
    killed = process(trial)
    until(lambda: Run.objects.filter(state=RunState.SUBMITTED).exists(), "for a submission")
    killed.kill()
    killed.wait(30)
    WorkerLease.objects.update(expires_at=timezone.now())
    worker = process(trial)
    until(lambda: all(phase_of(run) == Phase.SUCCEEDED for run in runs), "for all three")
    worker.terminate()
    assert worker.wait(30) == 0
    assert len(trial.store.list("workflows", NS)) == 3
