from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections

from provisioning import logbook
from provisioning.models import LogChunk, Request, Run, RunState, StepLog, StepPhase
from provisioning.reconcile import ending, logs
from provisioning.reconcile.copier import Copier
from provisioning.reconcile.text import LogText
from tests.argo.wire import http, problem
from tests.reconcile.conftest import CAP, NS, Address, context_of, fresh

pytestmark = pytest.mark.django_db

CLOSED = 'time=2026-11-24T12:00:00Z level=INFO msg="sub-process exited" argo=true error=<nil>'
OPENED = 'time=2026-11-24T12:00:00Z level=INFO msg="waiting for signals" argo=true signalPath=/var/run/argo'


@pytest.fixture
def log_of(submitted):
    """The log of a run's first step, as if its pod were in that phase."""

    def make(phase: str, **columns) -> StepLog:
        run = submitted()
        step = run.steps.get(name="validate-request")
        step.attempts = 1
        step.save(update_fields=["attempts"])
        return StepLog.objects.create(step=step, pod_name=f"{run.workflow_name}-pod", phase=phase, **columns)

    return make


def wrote(still, log, *lines):
    still.log(log.pod_name, log.step.run.workflow_name, *lines)


def copy(desk, log, **how):
    return logs.copy(desk, log.pk, cap_bytes=CAP, **how)


def own(log):
    return [(line.number, line.text) for line in logbook.lines(StepLog.objects.get(pk=log.pk), limit=10**6)]


def test_the_log_of_an_ended_step_is_stored_whole_with_the_executors_lines_apart(desk, still, log_of):
    log = log_of("Succeeded", exit_code=0)
    wrote(still, log, OPENED, "🔍 Validating", "", "✅ Validation successful", CLOSED)
    assert copy(desk, log) is True
    log = StepLog.objects.get(pk=log.pk)
    assert own(log) == [(1, "🔍 Validating"), (2, ""), (3, "✅ Validation successful")]
    assert [line.text for line in logbook.executor_lines(log)] == [OPENED, CLOSED]
    assert (log.lines, log.source_lines, log.complete, log.lost) == (3, 5, True, False)


def test_a_growing_log_loses_and_doubles_no_line(desk, still, log_of, clock):
    log = log_of("Running")
    everything = [f"line {number} {'x' * 100}" for number in range(1, 401)]
    for start in range(0, 400, 37):
        wrote(still, log, *everything[start : start + 37])
        copy(desk, log, look=True)
        assert own(log) == list(enumerate(everything[: start + 37], start=1))
    StepLog.objects.filter(pk=log.pk).update(phase="Succeeded", finished_at=clock())
    clock.pass_by(seconds=11)
    assert copy(desk, log) is True
    assert own(log) == list(enumerate(everything, start=1))


@pytest.mark.parametrize(
    "at_the_end",
    [
        pytest.param(["one", "two", "three", CLOSED], id="ordered otherwise"),
        pytest.param(["three", CLOSED, "four"], id="as many lines as before"),
        pytest.param(["five", CLOSED], id="begun anew by the kubelet"),
    ],
)
def test_a_log_is_stored_as_argo_has_it_at_the_end(desk, still, log_of, at_the_end):
    log = log_of("Running")
    wrote(still, log, "one", "three", "two")
    copy(desk, log, look=True)
    still.store.delete_pod(NS, log.pod_name)
    wrote(still, log, *at_the_end)
    StepLog.objects.filter(pk=log.pk).update(phase="Failed", exit_code=1)
    copy(desk, log)
    assert [text for _, text in own(log)] == [line for line in at_the_end if line != CLOSED]


def test_the_closing_exit_line_of_the_executor_is_not_the_steps(desk, still, log_of):
    log = log_of("Running")
    wrote(still, log, "❌ refused by the cluster", "Error: exit status 66")
    copy(desk, log, look=True)
    wrote(still, log, CLOSED)
    StepLog.objects.filter(pk=log.pk).update(phase="Failed", exit_code=66)
    copy(desk, log)
    assert own(log) == [(1, "❌ refused by the cluster")]


def test_nobody_looking_means_that_a_running_steps_log_is_left_alone(desk, still, log_of):
    log = log_of("Running")
    wrote(still, log, "one")
    assert copy(desk, log) is False
    assert own(log) == []


def test_a_log_that_has_closed_before_the_controller_looked_is_told_to_pages(desk, still, log_of):
    log = log_of("Running")
    wrote(still, log, "done", CLOSED)
    before = Request.objects.get(pk=log.step.run.request_id).version
    assert copy(desk, log, look=True) is True
    log = StepLog.objects.get(pk=log.pk)
    assert log.complete
    assert log.read_at is not None
    assert Request.objects.get(pk=log.step.run.request_id).version > before


def test_the_first_line_moves_the_page_and_the_second_does_not(desk, still, log_of):
    log = log_of("Running")
    request = Request.objects.get(pk=log.step.run.request_id)
    wrote(still, log, "one")
    copy(desk, log, look=True)
    first = Request.objects.get(pk=request.pk).version
    wrote(still, log, "two")
    copy(desk, log, look=True)
    assert (first, Request.objects.get(pk=request.pk).version) == (request.version + 1, first)


def test_a_log_without_closing_words_is_read_again_until_it_has_settled(desk, still, log_of, clock):
    log = log_of("Failed", exit_code=137, finished_at=clock())
    wrote(still, log, "killed in the middle")
    assert copy(desk, log) is False
    wrote(still, log, "late")
    clock.pass_by(seconds=11)
    assert copy(desk, log) is True
    assert own(log) == [(1, "killed in the middle"), (2, "late")]


def test_a_log_whose_pod_was_gone_before_is_lost_and_says_so(desk, log_of, clock):
    log = log_of("Succeeded", exit_code=0, finished_at=clock())
    assert copy(desk, log) is False
    clock.pass_by(seconds=11)
    assert copy(desk, log) is True
    log.refresh_from_db()
    assert (log.complete, log.lost) == (True, True)


def test_a_pod_that_never_ran_has_no_log_to_lose(desk, log_of, clock):
    log = log_of("Failed", exit_code=None, finished_at=clock() - timedelta(minutes=1))
    copy(desk, log)
    log.refresh_from_db()
    assert (log.complete, log.lost) == (True, False)


def test_a_pod_that_went_after_its_log_had_closed_lost_nothing(desk, still, log_of, clock):
    log = log_of("Running")
    wrote(still, log, "all of it", CLOSED)
    copy(desk, log, look=True)
    still.store.delete_pod(NS, log.pod_name)
    StepLog.objects.filter(pk=log.pk).update(
        phase="Succeeded", exit_code=0, finished_at=clock() - timedelta(minutes=1), complete=False
    )
    copy(desk, log)
    log.refresh_from_db()
    assert (own(log), log.complete, log.lost) == ([(1, "all of it")], True, False)


def test_a_workflow_that_is_gone_ends_its_logs(desk, still, log_of):
    log = log_of("Succeeded", exit_code=0)
    still.store.delete("workflows", NS, log.step.run.workflow_name)
    assert copy(desk, log) is True
    log.refresh_from_db()
    assert log.lost


def test_a_log_over_the_cap_keeps_head_and_tail_and_says_what_is_missing(desk, still, log_of):
    log = log_of("Succeeded", exit_code=0)
    wrote(still, log, *[f"line {number:05}" for number in range(1, 20_001)], CLOSED)
    copy(desk, log)
    log.refresh_from_db()
    kept = own(log)
    numbers = [number for number, _ in kept if number]
    assert (log.lines, numbers[0], numbers[-1]) == (20_000, 1, 20_000)
    assert log.omitted_lines == 20_000 - len(numbers)
    assert sum(len(text) for text in LogChunk.objects.values_list("text", flat=True)) <= CAP + 200
    left_out = f"… {log.omitted_lines:,} lines, {log.omitted_bytes / 1024:,.0f} KiB were left out here"
    assert [text.partition(":")[0] for number, text in kept if not number] == [left_out]


def test_secrets_are_masked_before_they_are_stored(desk, still, log_of):
    log = log_of("Succeeded", exit_code=0)
    secret = "npt_" + "A1b2C3d4E5f6G7h8"
    wrote(still, log, f"token {secret}", CLOSED)
    copy(desk, log)
    assert secret not in "".join(LogChunk.objects.values_list("text", flat=True))


def test_a_failed_step_quotes_its_log_once_it_is_there(desk, still, log_of):
    log = log_of("Failed", exit_code=65, message="main: Error (exit code 65)")
    log.step.phase, log.step.exit_code = StepPhase.FAILED, 65
    log.step.save(update_fields=["phase", "exit_code"])
    wrote(still, log, "❌ the namespace belongs to another request", "Error: exit status 65", CLOSED)
    copy(desk, log)
    log.step.refresh_from_db()
    assert log.step.sentence == "The namespace belongs to another request."


def test_a_finished_run_whose_logs_are_all_there_says_so(desk, still, log_of):
    log = log_of("Succeeded", exit_code=0)
    run = log.step.run
    Run.objects.filter(pk=run.pk).update(state=RunState.FINISHED)
    wrote(still, log, "one", CLOSED)
    copy(desk, log)
    assert fresh(run).logs_complete


def test_a_run_that_ends_when_all_its_logs_are_there_says_so_at_once(desk, still, log_of):
    log = log_of("Succeeded", exit_code=0)
    wrote(still, log, "one", CLOSED)
    copy(desk, log)
    run = fresh(log.step.run)
    run.workflow_phase = "Succeeded"
    assert not run.logs_complete
    assert ending.conclude(desk, run)
    assert fresh(run).logs_complete


def test_a_finished_run_without_any_log_is_complete_as_well(submitted):
    run = submitted()
    Run.objects.filter(pk=run.pk).update(state=RunState.FINISHED)
    assert logs.complete_runs(Run.objects.all()) == 1


def test_what_grows_is_due_only_while_somebody_looks(desk, log_of, clock):
    log = log_of("Running")
    run = log.step.run
    assert list(logs.growing(clock())) == []
    Run.objects.filter(pk=run.pk).update(watched_until=clock() + timedelta(seconds=30))
    assert list(logs.growing(clock())) == [log]
    StepLog.objects.filter(pk=log.pk).update(phase="Succeeded")
    assert list(logs.growing(clock())) == []
    assert list(logs.incomplete()) == [log]


def test_a_worker_that_read_less_and_comes_last_takes_nothing_away(desk, still, log_of, clock):
    log = log_of("Running")
    slow, text = StepLog.objects.select_related("step__run").get(pk=log.pk), LogText(CAP)
    text.add("one", executor=False)
    wrote(still, log, "one", "two")
    copy(desk, log, look=True)
    assert logs._store(slow, text, clock(), ended=False, complete=False) is False
    assert own(log) == [(1, "one"), (2, "two")]


@pytest.mark.django_db(transaction=True)
def test_two_workers_copying_the_same_log_double_nothing(still, connect, clock, log_of):
    log = log_of("Succeeded", exit_code=0)
    lines = [f"line {number}" for number in range(5_000)]
    wrote(still, log, *lines, CLOSED)
    begin = threading.Barrier(2)

    def work() -> None:
        desk = context_of(connect(still), clock)
        begin.wait()
        logs.copy(desk, log.pk, cap_bytes=1024 * 1024)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert own(log) == list(enumerate(lines, start=1))


@pytest.mark.django_db(transaction=True)
def test_the_copiers_threads_copy_what_they_are_offered(still, connect, clock, log_of):
    log = log_of("Succeeded", exit_code=0)
    wrote(still, log, "one", CLOSED)
    copied = threading.Event()
    copier = Copier(2, cap_bytes=CAP, wake=copied.set)
    copier.start(context_of(connect(still), clock))
    copier.offer(log.pk)
    assert copied.wait(20)
    copier.close()
    assert own(log) == [(1, "one")]


def test_a_log_that_could_not_be_read_is_left_alone_for_a_while(wire, connect, clock, log_of):
    log = log_of("Succeeded", exit_code=0)
    wire.will(http(503, problem(14, "away")))
    seconds = [0.0]
    copier = Copier(0, cap_bytes=CAP, clock=lambda: seconds[0])
    copier.start(context_of(connect(Address(wire)), clock))
    copier.offer(log.pk)
    asked = len(wire.seen)
    copier.offer(log.pk)
    assert len(wire.seen) == asked > 0
    seconds[0] = 1.5
    copier.offer(log.pk)
    assert len(wire.seen) == 2 * asked


def test_a_log_that_takes_long_to_read_is_looked_at_less_often(still, connect, clock, log_of):
    log = log_of("Running")
    wrote(still, log, "one")
    ticks = iter(range(0, 10_000, 10))
    copier = Copier(0, cap_bytes=CAP, clock=lambda: float(next(ticks)))
    copier.start(context_of(connect(still), clock))
    copier.offer(log.pk, look=True)
    wrote(still, log, "two")
    copier.offer(log.pk, look=True)
    assert own(log) == [(1, "one")]
