from __future__ import annotations

import copy
import json
from datetime import timedelta

import pytest

from provisioning import lifecycle
from provisioning.models import Phase, Request, Run, RunState, StepLog
from provisioning.reconcile import attend, ending, observe
from provisioning.workflows import workflow
from tests import recordings
from tests.reconcile.conftest import fresh

pytestmark = pytest.mark.django_db

RUNS = sorted(
    path.removeprefix("runs/").removesuffix(".json")
    for path in recordings.texts("runs")
    if path.endswith(".json") and "/audit" not in path and not path.endswith("index.json")
)


def version(found, number):
    found = copy.deepcopy(found)
    found["metadata"]["resourceVersion"] = str(number)
    return found


def tasks(found):
    """Phase and number of attempts of each task, told as simply as can be from the nodes."""
    nodes = (found["status"].get("nodes") or {}).values()
    shown = {}
    for node in nodes:
        is_handler = ".onExit" in node["name"]
        if node["type"] in {"Retry", "Skipped"} and not (is_handler and node["type"] == "Skipped"):
            attempts = sum(each["type"] == "Pod" and each["name"].startswith(node["name"] + "(") for each in nodes)
            shown[node["displayName"]] = (node["phase"], attempts, is_handler)
    return shown


@pytest.mark.parametrize("name", RUNS)
def test_every_recorded_state_gives_the_right_rows(desk, recorded_run, name):
    run, found = recorded_run(name)
    assert observe.record(desk, run, found) is True
    run = fresh(run)
    status, expected = found["status"], tasks(found)
    assert (run.workflow_phase, run.workflow_message) == (status.get("phase", ""), status.get("message", ""))
    assert (run.started_at is None) == (status.get("startedAt") is None)
    rows = {step.name: (step.phase, step.attempts, not step.planned) for step in run.steps.all()}
    for step in workflow.PLAN[run.request.kind]:
        expected.setdefault(step.name, ("", 0, False))
    assert rows == expected
    logs = StepLog.objects.filter(step__run=run)
    assert logs.count() == sum(attempts for _, attempts, _ in expected.values())
    assert all(log.pod_name.startswith(run.workflow_name) for log in logs)


@pytest.mark.parametrize("name", RUNS)
def test_seeing_the_same_again_writes_nothing(desk, recorded_run, name, django_assert_num_queries):
    run, found = recorded_run(name)
    observe.record(desk, run, found)
    run = fresh(run)
    before = Request.objects.get(pk=run.request_id).version
    with django_assert_num_queries(0):
        assert observe.record(desk, run, found) is False
    # Another version of the same content moves no page
    if run.workflow_phase not in observe.ENDED:
        observe.record(desk, run, version(found, 10**9))
    assert Request.objects.get(pk=run.request_id).version == before


def test_a_visible_change_raises_the_version(desk, recorded_run):
    run, found = recorded_run("first-step-pending")
    before = Request.objects.get(pk=run.request_id).version
    observe.record(desk, run, found)
    assert Request.objects.get(pk=run.request_id).version == before + 1


def test_an_older_object_changes_nothing(desk, recorded_run):
    run, later = recorded_run("running-parallel")
    earlier = version(later, int(later["metadata"]["resourceVersion"]) - 1)
    earlier["status"]["nodes"] = {}
    observe.record(desk, run, later)
    assert observe.record(desk, fresh(run), earlier) is False
    assert fresh(run).steps.exclude(phase="").count() > 0


def test_a_step_that_has_ended_never_goes_back(desk, recorded_run):
    run, found = recorded_run("running-parallel")
    observe.record(desk, run, found)
    ended = run.steps.get(name="validate-request")
    assert ended.phase == "Succeeded"
    worse = version(found, 10**9)
    for node in worse["status"]["nodes"].values():
        node["phase"], node["finishedAt"] = "Running", None
    observe.record(desk, fresh(run), worse)
    now = run.steps.get(name="validate-request")
    assert (now.phase, now.finished_at) == (ended.phase, ended.finished_at)
    assert StepLog.objects.get(step=now).phase == "Succeeded"


def test_less_in_a_newer_object_takes_nothing_away(desk, recorded_run):
    run, found = recorded_run("running-parallel")
    observe.record(desk, run, found)
    rows = list(run.steps.values_list("name", "phase", "started_at"))
    empty = version(found, 10**9)
    empty["status"]["nodes"] = {}
    observe.record(desk, fresh(run), empty)
    assert list(run.steps.values_list("name", "phase", "started_at")) == rows


def test_a_workflow_of_the_same_name_that_is_not_the_submitted_one_is_ignored(desk, recorded_run):
    run, found = recorded_run("create-succeeded")
    other = copy.deepcopy(found)
    other["metadata"]["uid"] = "another"
    assert observe.record(desk, run, other) is False
    assert fresh(run).workflow_phase == ""


def test_a_pending_step_says_at_once_why(desk, recorded_run):
    run, found = recorded_run("image-pull-pending")
    observe.record(desk, run, found)
    step = run.steps.get(phase="Running", message__contains="ImagePull")
    assert "image" in step.sentence
    assert step.for_admins
    assert step.remedy


def test_a_run_that_waits_for_a_lock_says_for_what_until_it_starts(desk, recorded_run):
    run, found = recorded_run("mutex-waiting")
    observe.record(desk, run, found)
    request = Request.objects.get(pk=run.request_id)
    assert request.message.startswith("The run waits until another run on the same namespace")
    started = version(found, 10**9)
    started["status"] |= {"phase": "Running", "message": "", "startedAt": "2026-11-23T17:00:00Z"}
    observe.record(desk, fresh(run), started)
    request.refresh_from_db()
    assert request.message == ""


def test_a_run_that_goes_on_is_due_when_it_should_be_over(desk, recorded_run):
    run, found = recorded_run("running-parallel")
    observe.record(desk, run, found)
    run = fresh(run)
    assert run.started_at is not None
    assert run.next_try_at == run.started_at + timedelta(minutes=17)


SAID = {
    "create-conflict": ("Failed", "Validate request: The namespace exists and is not managed by the platform."),
    "create-wrong-digest": ("Failed", "Validate request: What was submitted is not what was approved."),
    "create-failed-step-rolled-back": ("Failed", "Apply network policies: The cluster refused this step: "),
    "create-retries-exhausted-rolled-back": ("Failed", "after 4 attempts"),
    "create-invalid-label": ("Failed", "Argo did not start the run, a value of the request cannot be a label"),
    "oom-killed": ("Failed", "The step ran out of memory"),
    "deadline": ("Failed", "The run took longer than it may as a whole"),
    "stopped": ("Failed", "Somebody stopped the workflow in Argo directly."),
    "terminated": ("Failed", "Somebody terminated the workflow in Argo directly."),
    "pod-refused": ("Failed", "The cluster refused to start the step: "),
    "v3.5.5/create-failed-step-rolled-back": ("Failed", "Apply network policies: The cluster refused this step: "),
    "v3.5.5/mutexes-not-known": ("Failed", "Argo did not start the run, it does not know the lock"),
    "update-failed": ("Failed", "Enable monitoring: The step failed after 4 attempts: error: the server doesn't have"),
    "update-refused-by-dry-run": ("Failed", "The cluster refused this step"),
    "delete-held-by-finalizer": ("Failed", "Verify deletion: The namespace is still terminating: "),
    "delete-not-empty": ("Failed", "Validate request: "),
    "create-succeeded": ("Succeeded", ""),
    "create-again-after-success": ("Succeeded", ""),
    "create-retried-step": ("Succeeded", ""),
}
UNDONE = {
    "create-failed-step-rolled-back": "Roll-back: Half-created namespace removed.",
    "create-conflict": "Roll-back: Not this request's namespace: left as it is.",
    "create-wrong-digest": "Roll-back: Nothing to roll back.",
    "update-failed": "What was changed so far stays as it is.",
    "update-refused-by-dry-run": "Nothing was changed.",
    "delete-held-by-finalizer": "The namespace is terminating.",
    "terminated": "Roll-back did not run: what was made so far is still there.",
}


def with_logs(run, name, still):
    """The recorded logs, where the worker reads them."""
    for step in run.steps.all():
        for log in step.logs.all():
            lines = recordings.texts("runs").get(f"runs/{name}.{step.name}-{log.attempt}.log.jsonl", "").splitlines()
            results = [recordings_line(line) for line in lines]
            if results:
                still.log(log.pod_name, run.workflow_name, *results)


def recordings_line(line):
    return json.loads(line)["result"].get("content", "")


@pytest.mark.parametrize("name", sorted(SAID))
def test_an_ended_run_is_concluded_with_a_sentence(desk, recorded_run, still, name):
    run, found = recorded_run(name)
    still.store.create(
        "workflows", {"metadata": {"name": run.workflow_name, "namespace": "argo"}, "spec": {}, "status": {}}
    )
    observe.record(desk, run, found)
    run = fresh(run)
    with_logs(run, name, still)
    assert ending.conclude(desk, run) is True
    request = Request.objects.get(pk=run.request_id)
    phase, said = SAID[name]
    assert (request.phase, fresh(run).state) == (phase, RunState.FINISHED)
    assert said in request.message
    if undone := UNDONE.get(name):
        assert request.message.endswith(undone)
    if phase == "Succeeded":
        assert request.namespace is not None
        assert request.namespace.uid == found_uid(found)


def found_uid(found):
    nodes = found["status"]["nodes"].values()
    node = next(node for node in nodes if node["displayName"] == "create-namespace" and node["type"] == "Retry")
    return next(one["value"] for one in node["outputs"]["parameters"] if one["name"] == "namespaceUid")


def test_a_stop_that_somebody_asked_for_here_is_a_cancellation(desk, recorded_run, still, alice):
    run, found = recorded_run("stopped")
    lifecycle.cancel(run.request, by=alice)
    observe.record(desk, run, found)
    attend.conclude_if_ended(desk, fresh(run))
    request = Request.objects.get(pk=run.request_id)
    assert request.phase == Phase.CANCELLED
    assert request.message.startswith("The workflow was stopped as asked.")


def test_a_run_that_failed_by_itself_before_the_stop_has_failed(desk, recorded_run, alice):
    run, found = recorded_run("create-conflict")
    lifecycle.cancel(run.request, by=alice)
    observe.record(desk, run, found)
    attend.conclude_if_ended(desk, fresh(run))
    assert Request.objects.get(pk=run.request_id).phase == Phase.FAILED


def test_a_run_that_succeeded_although_a_stop_was_asked_has_succeeded(desk, recorded_run, alice):
    run, found = recorded_run("create-succeeded")
    lifecycle.cancel(run.request, by=alice)
    Run.objects.filter(pk=run.pk).update(stop_asked_at=desk.now())
    observe.record(desk, run, found)
    attend.conclude_if_ended(desk, fresh(run))
    assert Request.objects.get(pk=run.request_id).phase == Phase.SUCCEEDED


def test_a_terminated_waiting_run_is_no_success_though_old_versions_say_so(desk, recorded_run, alice):
    run, found = recorded_run("mutex-waiting-terminated")
    lifecycle.cancel(run.request, by=alice)
    old = copy.deepcopy(found)
    old["status"]["phase"] = "Succeeded"
    observe.record(desk, run, old)
    attend.conclude_if_ended(desk, fresh(run))
    assert Request.objects.get(pk=run.request_id).phase == Phase.CANCELLED


def test_a_log_that_cannot_be_read_keeps_the_end_waiting_only_for_a_while(desk, recorded_run, still, clock):
    run, found = recorded_run("create-conflict")
    observe.record(desk, run, found)
    still.server.stop()
    run = fresh(run)
    assert ending.conclude(desk, run) is False
    assert fresh(run).state == RunState.SUBMITTED
    clock.pass_by(seconds=11)
    assert ending.conclude(desk, fresh(run)) is True
    request = Request.objects.get(pk=run.request_id)
    assert request.phase == Phase.FAILED
    assert request.message.startswith("Validate request: ")
