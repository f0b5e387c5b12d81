"""Whole workflows of a real Argo in every state, read as steps."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest

from provisioning.argo import Observation, Reason, StepObservation, observe, ours
from provisioning.argo.names import attempt_of, fnv32a, node_id, pod_name
from tests import recordings

RUNS = {
    name.removeprefix("runs/").removesuffix(".json"): value
    for name, value in recordings.load("runs").items()
    if name.endswith(".json")
}
LOGS = {name: text for name, text in recordings.load("runs").items() if name.endswith(".log.jsonl")}
_TAIL = ("apply-rbac", "set-resource-quotas", "apply-network-policies", "enable-monitoring", "finalize-setup")
PLANS = {
    "create": ("validate-request", "create-namespace", *_TAIL),
    "update": ("validate-request", "update-namespace", *_TAIL),
    "delete": ("validate-request", "delete-namespace", "verify-deletion"),
    "audit": ("namespace-audit",),
}
LETTERS = {
    "Succeeded": "S",
    "Failed": "F",
    "Error": "E",
    "Running": "R",
    "Pending": "P",
    "Omitted": "O",
    "Skipped": "K",
    "": "-",
}


def seen(run: str) -> Observation:
    return observe(RUNS[run], PLANS[RUNS[run]["metadata"]["name"].split("-")[0]])


def _written(step: StepObservation) -> str:
    attempts = [LETTERS[one.phase] + ("" if one.exit_code is None else str(one.exit_code)) for one in step.attempts]
    return f"{step.name}={LETTERS[step.phase]}" + (f"({','.join(attempts)})" if attempts else "")


def _expected() -> dict[str, str]:
    lines = (Path(__file__).parent / "runs.txt").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if not line.startswith("#"))


def _told() -> dict[str, tuple[str, str]]:
    """Phase and progress of each run, as the table beside the recordings tells them."""
    rows = re.findall(
        r"^\| `([\w./-]+)\.json` \| (\S+) \| (\S+) \|", recordings.load("runs")["runs/README.md"], re.MULTILINE
    )
    return {name: (phase.strip("–"), progress.strip("–")) for name, phase, progress in rows}


def test_all_runs_are_looked_at() -> None:
    assert set(_expected()) == set(RUNS) == set(_told())


@pytest.mark.parametrize("run", RUNS)
def test_a_run_has_the_phase_and_progress_of_the_table(run: str) -> None:
    observation = seen(run)
    phase, progress = _told()[run]
    assert observation.phase == phase
    assert f"{observation.progress_done}/{observation.progress_total}" == (progress or "0/0")
    assert observation.over == (phase in {"Succeeded", "Failed", "Error"})
    assert observation.succeeded == (phase == "Succeeded")
    assert observation.uid == RUNS[run]["metadata"]["uid"]


@pytest.mark.parametrize("run", RUNS)
def test_a_run_has_its_steps_with_their_attempts(run: str) -> None:
    observation = seen(run)
    steps = " ".join(_written(step) for step in observation.steps)
    exit_steps = " ".join(_written(step) for step in observation.exit_steps)
    assert f"{steps} | {exit_steps}".rstrip() == _expected()[run]


@pytest.mark.parametrize("log", LOGS)
def test_each_recorded_log_came_from_the_pod_that_is_computed(log: str) -> None:
    run, step_name, number = re.fullmatch(r"runs/(.+?)\.([\w-]+)-(\d+)\.log\.jsonl", log).groups()  # type: ignore[union-attr]
    pods = {json.loads(line)["result"]["podName"] for line in LOGS[log].splitlines()}
    observation = seen(run)
    names = {
        attempt.pod_name
        for step in (*observation.steps, *observation.exit_steps)
        if step.name == step_name
        for attempt in step.attempts
        if attempt.number == int(number)
    }
    # two recordings lie beside logs of an earlier run, and audits' logs are named after the run, not the step
    if step_name.startswith("audit"):
        assert pods == {observation.steps[0].attempts[0].pod_name} or run == "audit-succeeded"
    elif all(pod.startswith(f"{observation.name}-") for pod in pods):
        assert names == pods
    else:
        assert run in {"create-succeeded", "running-parallel"}
        assert names.isdisjoint(pods)


def test_a_planned_step_without_node_has_no_phase() -> None:
    step = seen("first-step-pending").step("finalize-setup")
    assert (step.phase, step.attempts, step.over) == ("", (), False)


def test_a_run_just_submitted_has_no_phase_and_is_not_over() -> None:
    observation = seen("just-submitted")
    assert (observation.phase, observation.over, observation.started_at) == ("", False, None)
    assert {step.phase for step in observation.steps} == {""}


def test_a_waiting_run_names_the_lock_and_who_has_it() -> None:
    observation = seen("mutex-waiting")
    assert observation.waiting_for_lock == "platform-provisioning/Mutex/namespace-mutex-ns"
    assert observation.lock_holder == "create-namespace-0d3eb252-1"


@pytest.mark.parametrize("run", ["first-step-pending", "create-succeeded", "mutex-waiting-terminated"])
def test_a_run_that_does_not_wait_names_no_lock(run: str) -> None:
    assert seen(run).waiting_for_lock is None


@pytest.mark.parametrize(
    ("run", "step", "reason", "message"),
    [
        ("image-pull-pending", "set-resource-quotas", Reason.IMAGE_PULL, "ErrImagePull: rpc error"),
        ("image-pull-pending", "enable-monitoring", Reason.STARTING, "PodInitializing"),
        ("unschedulable-pending", "apply-network-policies", Reason.UNSCHEDULABLE, "Unschedulable: 0/1 nodes"),
        ("retry-backoff", "apply-rbac", Reason.BACKOFF, "Backoff for 5 seconds"),
        ("create-conflict", "validate-request", Reason.EXIT_CODE, "retryStrategy.expression evaluated to false"),
        ("create-conflict", "finalize-setup", Reason.OMITTED, "omitted: depends condition not met"),
        ("oom-killed", "enable-monitoring", Reason.OUT_OF_MEMORY, "No more retries left"),
        ("step-timeout", "enable-monitoring", Reason.STEP_DEADLINE, "No more retries left"),
        ("deadline", "apply-rbac", Reason.RUN_DEADLINE, "retry exceeded workflow deadline"),
        ("pod-refused", "enable-monitoring", Reason.POD_REFUSED, "No more retries left"),
        ("stopped", "apply-rbac", Reason.STOPPED, "Stopped with strategy 'Stop'"),
        ("terminated", "apply-rbac", Reason.TERMINATED, "Stopped with strategy 'Terminate'"),
        ("terminated", "enable-monitoring", Reason.TERMINATED, "Stopped with strategy 'Terminate'"),
        ("mutex-stopped-after-wait", "validate-request", Reason.STOPPED, "Stopped with strategy 'Stop'"),
        ("create-succeeded", "rollback", Reason.SKIPPED, "when ''Succeeded' != 'Succeeded'' evaluated false"),
        ("create-succeeded", "apply-rbac", Reason.NONE, ""),
    ],
)
def test_a_step_says_why_it_is_where_it_is(run: str, step: str, reason: Reason, message: str) -> None:
    found = seen(run).step(step)
    assert found.reason is reason
    assert found.message.startswith(message)


def test_times_are_aware_and_outputs_are_read() -> None:
    observation = seen("create-after-terminate")
    step = observation.step("finalize-setup")
    assert step.started_at == dt.datetime(2026, 11, 23, 16, 56, 3, tzinfo=dt.UTC)
    assert step.finished_at == dt.datetime(2026, 11, 23, 16, 56, 15, tzinfo=dt.UTC)
    assert step.outputs["summary"].splitlines()[0] == "serviceaccount/platform-user"
    assert seen("audit-missing").step("namespace-audit").outputs == {"live": ""}


def test_request_attempt_template_and_digest_are_read() -> None:
    observation = seen("create-after-terminate")
    assert observation.request_id == RUNS["create-after-terminate"]["metadata"]["labels"]["platform.io/request-id"]
    assert (observation.attempt, observation.template) == (2, "namespace-provisioning")
    assert len(observation.digest) == 64
    assert observation.steps == seen("create-after-terminate").steps


def _changed(run: str, change: Any) -> dict[str, Any]:
    workflow: dict[str, Any] = copy.deepcopy(RUNS[run])
    change(workflow)
    return workflow


def _set_parameter(workflow: dict[str, Any], name: str, value: str | None) -> None:
    parameters = workflow["spec"]["arguments"]["parameters"]
    parameters[:] = [one for one in parameters if one["name"] != name]
    if value is not None:
        parameters.append({"name": name, "value": value})


def test_a_workflow_is_ours_by_request_attempt_and_digest() -> None:
    run = RUNS["just-submitted"]
    observation = observe(run)
    request, digest = observation.request_id, observation.digest
    assert ours(run, request, 1, digest)
    assert not ours(run, request, 2, digest)
    assert not ours(run, request, 1, "0" * 64)
    assert not ours(run, request.replace("1", "2"), 1, digest)


def test_a_foreign_workflow_of_our_name_is_not_ours() -> None:
    observation = observe(RUNS["just-submitted"])
    request, digest = observation.request_id, observation.digest

    def without_label(workflow: dict[str, Any]) -> None:
        del workflow["metadata"]["labels"]["platform.io/request-id"]

    def without_both(workflow: dict[str, Any]) -> None:
        without_label(workflow)
        _set_parameter(workflow, "requestId", None)

    def other_label(workflow: dict[str, Any]) -> None:
        workflow["metadata"]["labels"]["platform.io/request-id"] = "another"

    def other_parameter(workflow: dict[str, Any]) -> None:
        _set_parameter(workflow, "requestId", "another")

    assert ours(_changed("just-submitted", without_label), request, 1, digest)
    for change in (without_both, other_label, other_parameter):
        assert not ours(_changed("just-submitted", change), request, 1, digest)


def test_an_object_with_nothing_in_it_is_read_as_nothing() -> None:
    for thing in ({}, {"metadata": None, "spec": None, "status": None}, {"status": {"nodes": [], "progress": "x/y"}}):
        observation = observe(thing)
        assert (observation.phase, observation.steps, observation.progress_total) == ("", (), 0)
        assert not ours(thing, "r", 1, "")


def test_a_run_that_was_shut_down_before_any_step_is_no_success() -> None:
    """Argo before 4.0.10 ends a terminated run that waited for its lock as Succeeded (argo-workflows #16776)."""

    def old(workflow: dict[str, Any]) -> None:
        workflow["status"]["phase"] = "Succeeded"

    observation = observe(_changed("mutex-waiting-terminated", old))
    assert observation.over
    assert not observation.succeeded


def test_names_follow_the_formula_of_argo() -> None:
    workflow = "create-namespace-abc12"
    golden = {
        "validate-request": 1561071943,
        "create-namespace": 1152277479,
        "apply-rbac": 3494917066,
        "set-resource-quotas": 267441464,
        "apply-network-policies": 1374303469,
        "enable-monitoring": 729106651,
        "finalize-setup": 1027574715,
    }
    for task, number in golden.items():
        node = {"name": f"{workflow}.{task}", "templateName": task, "id": f"{workflow}-{number}"}
        assert node_id(workflow, node["name"]) == node["id"]
        assert pod_name(workflow, node) == f"{workflow}-{task}-{number}"
        assert pod_name(workflow, node, "v1") == node["id"]
    assert fnv32a("steps-lqh2p[1].loop(0:x)") == 3041401172
    assert pod_name("single-h9rd5", {"name": "single-h9rd5", "templateName": "main"}) == "single-h9rd5"
    referenced = {"name": "wf.a", "templateName": "mine", "templateRef": {"name": "t", "template": "theirs"}}
    assert pod_name("wf", referenced) == f"wf-theirs-{fnv32a('wf.a')}"
    assert len(pod_name("w" * 63, {"name": "x", "templateName": "t" * 250})) <= 253


def test_all_recorded_node_ids_follow_it_too() -> None:
    checked = 0
    for run in RUNS.values():
        for key, node in (run["status"].get("nodes") or {}).items():
            assert node_id(run["metadata"]["name"], node["name"]) == key
            checked += 1
    assert checked > 700


def test_the_attempt_is_the_number_at_the_end_of_the_name() -> None:
    assert attempt_of("create-namespace-3f2c8f1e-12") == 12
    assert attempt_of("platform-api-test-x7k2p") is None


def _workflow(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "wf"}, "status": {"phase": "Running", "nodes": {node["name"]: node for node in nodes}}}


def test_a_retry_around_the_whole_dag_is_no_step() -> None:
    found = observe(
        _workflow(
            {"name": "wf", "displayName": "wf", "type": "Retry", "phase": "Running"},
            {"name": "wf(0)", "displayName": "wf(0)", "type": "DAG", "phase": "Running"},
            {"name": "wf(0).a", "displayName": "a", "type": "Retry", "phase": "Running"},
            {"name": "wf(0).a(1)", "displayName": "a(1)", "type": "Pod", "phase": "Running"},
            {"name": "wf(0).a(0)", "displayName": "a(0)", "type": "Pod", "phase": "Failed"},
        )
    )
    assert [step.name for step in found.steps] == ["a"]
    assert [(one.number, one.phase) for one in found.steps[0].attempts] == [(0, "Failed"), (1, "Running")]


def test_items_of_a_loop_are_steps_and_not_attempts() -> None:
    found = observe(
        _workflow(
            {"name": "wf", "displayName": "wf", "type": "DAG", "phase": "Running"},
            {"name": "wf.fan", "displayName": "fan", "type": "TaskGroup", "phase": "Running"},
            {"name": "wf.fan(0:a)", "displayName": "fan(0:a)", "type": "Pod", "phase": "Succeeded"},
            {"name": "wf.fan(1)", "displayName": "fan(1)", "type": "Pod", "phase": "Running"},
        )
    )
    assert [step.name for step in found.steps] == ["fan(0:a)", "fan(1)"]


@pytest.mark.parametrize(
    "message", ["Error (exit code 3)", "main: Error (exit code 3)", "main: Error (exit code 3): with a message"]
)
def test_the_exit_code_is_found_in_the_message_of_any_version(message: str) -> None:
    node = {"name": "wf", "displayName": "wf", "type": "Pod", "templateName": "main", "phase": "Failed"}
    step = observe(_workflow({**node, "message": message})).step("main")
    assert (step.exit_code, step.reason) == (3, Reason.EXIT_CODE)
