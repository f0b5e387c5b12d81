"""What people are told about a step, from the recorded runs and their recorded logs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from provisioning.argo import Attempt, Reason, StepObservation, explain, explain_run, observe
from tests import recordings
from tests.argo.test_nodes import RUNS, seen


def log_of(run: str, step: str, attempt: int) -> list[str]:
    text = recordings.load("runs").get(f"runs/{run}.{step}-{attempt}.log.jsonl", "")
    return [json.loads(line)["result"].get("content", "") for line in text.splitlines()]


def told(run: str, name: str) -> tuple[str, str]:
    step = seen(run).step(name)
    explanation = explain(step, log_of(run, name, len(step.attempts) - 1))
    return explanation.sentence, explanation.audience


@pytest.mark.parametrize(
    ("run", "step", "sentence", "audience"),
    [
        (
            "create-reserved-name",
            "validate-request",
            "The request was not accepted: namespace name is reserved.",
            "person",
        ),
        (
            "create-wrong-digest",
            "validate-request",
            "What was submitted is not what was approved. Nothing was created.",
            "admin",
        ),
        (
            "create-conflict",
            "validate-request",
            "The namespace exists and is not managed by the platform.",
            "person",
        ),
        ("create-name-of-other-request", "validate-request", "The namespace belongs to another request.", "person"),
        (
            "delete-not-empty",
            "validate-request",
            "The namespace is not empty; approve the deletion with force to go on.",
            "person",
        ),
        ("update-of-deleted", "validate-request", "The namespace does not exist.", "person"),
        ("oom-killed", "enable-monitoring", "The step ran out of memory (platform setting).", "admin"),
        ("step-timeout", "enable-monitoring", "The step took longer than it may.", "admin"),
        (
            "image-pull-failed",
            "set-resource-quotas",
            "The step took longer than it may, and its container never started.",
            "admin",
        ),
        (
            "deadline",
            "apply-rbac",
            "The run took longer than it may as a whole, and was ended during this step.",
            "admin",
        ),
        ("stopped", "apply-rbac", "The run was stopped before this step had ended.", "person"),
        ("terminated", "enable-monitoring", "The run was terminated before this step had ended.", "person"),
        (
            "create-conflict",
            "finalize-setup",
            "The step was not started, as an earlier one did not succeed.",
            "person",
        ),
        ("create-succeeded", "rollback", "The step was not needed.", "person"),
        ("create-succeeded", "apply-rbac", "", "person"),
        ("first-step-pending", "finalize-setup", "", "person"),
        ("running-parallel", "apply-rbac", "", "person"),
        (
            "retry-backoff",
            "apply-rbac",
            "Attempt 1 failed (the API server is unavailable); the next one starts after 5 seconds.",
            "person",
        ),
    ],
)
def test_a_step_is_explained(run: str, step: str, sentence: str, audience: str) -> None:
    assert told(run, step) == (sentence, audience)


@pytest.mark.parametrize(
    ("run", "step", "start", "audience"),
    [
        (
            "create-failed-step-rolled-back",
            "apply-network-policies",
            'The cluster refused this step: error: error validating "STDIN": error validating data',
            "admin",
        ),
        (
            "create-name-taken-meanwhile",
            "create-namespace",
            'The cluster refused this step: The namespaces "raced-ns" is invalid: : ValidatingAdmissionPolicy',
            "admin",
        ),
        (
            "create-failed-rollback-off",
            "apply-rbac",
            "The cluster refused this step: Error from server (Forbidden): ",
            "admin",
        ),
        (
            "update-refused-by-dry-run",
            "validate-request",
            'The cluster refused this step: The LimitRange "compute-limit-range" is invalid',
            "admin",
        ),
        (
            "v3.5.5/create-failed-step-rolled-back",
            "apply-network-policies",
            'The cluster refused this step: error: error validating "STDIN"',
            "admin",
        ),
        (
            "delete-held-by-finalizer",
            "verify-deletion",
            "The namespace is still terminating: NamespaceContentRemaining: Some resources are remaining: configmaps. ",
            "admin",
        ),
        (
            "update-failed",
            "enable-monitoring",
            "The step failed after 4 attempts: error: the server doesn't have a resource type",
            "person",
        ),
        (
            "image-pull-pending",
            "set-resource-quotas",
            "The step waits for its image, which cannot be pulled: ErrImagePull: ",
            "admin",
        ),
        (
            "unschedulable-pending",
            "apply-network-policies",
            "No node of the cluster takes the step: Unschedulable: 0/1 nodes are available",
            "admin",
        ),
        (
            "pod-refused",
            "enable-monitoring",
            'The cluster refused to start the step: pods "create-namespace-f8fc27a2-1-apply-priv-',
            "admin",
        ),
    ],
)
def test_a_step_is_explained_with_what_the_cluster_said(run: str, step: str, start: str, audience: str) -> None:
    sentence, seen_audience = told(run, step)
    assert sentence.startswith(start)
    assert seen_audience == audience


def _failed(exit_code: int | None, message: str = "", attempts: int = 1) -> StepObservation:
    one = Attempt(0, "Failed", message, exit_code, "pod", "node", None, None)
    reason = Reason.EXIT_CODE if exit_code else Reason.UNKNOWN
    return StepObservation(
        "apply-rbac",
        "Failed",
        message,
        reason,
        exit_code,
        attempts=tuple(replace(one, number=number) for number in range(attempts)),
    )


@pytest.mark.parametrize(
    ("code", "lines", "sentence", "audience"),
    [
        (
            2,
            ["sh: syntax error: unexpected }"],
            "The step's script has an error: sh: syntax error: unexpected }.",
            "admin",
        ),
        (127, ["sh: kubectl: not found"], "A program is missing in the step's image: sh: kubectl: not found.", "admin"),
        (137, ["working"], "The step was killed from outside.", "admin"),
        (
            75,
            ["⏳ the previous namespace of this name is still terminating"],
            "The name is not free yet, the old namespace is being removed; try again in a few minutes.",
            "person",
        ),
        (1, ["one", "two", "three", "four"], "The step failed: two / three / four", "person"),
        (1, [], "The step failed: its log says nothing, the exit code is 1", "person"),
        (64, [], "The request was not accepted: the log does not say why.", "person"),
        (66, [], "The cluster refused this step: the log does not say why", "admin"),
    ],
)
def test_an_exit_code_is_put_in_words(code: int, lines: list[str], sentence: str, audience: str) -> None:
    executor = ['time=2026-11-23T16:48:21Z level=INFO msg="sub-process exited" argo=true', f"Error: exit status {code}"]
    explanation = explain(_failed(code), [*lines, *executor])
    assert (explanation.sentence, explanation.audience) == (sentence, audience)


def test_a_step_without_exit_code_is_explained_by_its_message() -> None:
    assert explain(_failed(None, "something new")).sentence == "The step could not run: something new"
    assert explain(_failed(None)).sentence == "The step could not run: Argo does not say why"


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("pod deleted", "The step's pod was deleted while it ran."),
        ("Pod was terminated in response to imminent node shutdown.", "The node that ran the step was lost."),
        ("The node was low on resource: memory.", "The cluster moved the step's pod away while it ran."),
        (
            'pods "x" is forbidden: exceeded quota: q, requested: pods=1',
            'A quota kept the step from starting: pods "x" is forbidden: exceeded quota: q, requested: pods=1',
        ),
    ],
)
def test_a_lost_pod_is_explained_from_argos_message(message: str, sentence: str) -> None:
    node = {"name": "wf.a", "displayName": "a", "type": "Pod", "phase": "Error", "message": message}
    step = observe({"metadata": {"name": "wf"}, "status": {"nodes": {"x": node}}}).step("a")
    assert explain(step).sentence == sentence
    assert explain(step).remedy


def test_every_failed_step_of_every_run_is_explained() -> None:
    checked = 0
    for run in RUNS:
        for step in (*seen(run).steps, *seen(run).exit_steps):
            if step.phase in {"Failed", "Error", "Omitted"}:
                explanation = explain(step, log_of(run, step.name, len(step.attempts) - 1))
                assert explanation.sentence
                assert len(explanation.sentence) < 600
                checked += 1
    assert checked > 90


@pytest.mark.parametrize(
    ("run", "start", "audience"),
    [
        (
            "mutex-waiting",
            "The run waits until another run on the same namespace (create-namespace-0d3eb252-1)",
            "person",
        ),
        ("stopped", "The run was stopped.", "person"),
        ("terminated", "The run was terminated; what it had created was left as it is.", "person"),
        ("create-invalid-label", "Argo did not start the run, a value of the request cannot be a label: ", "admin"),
        ("v3.5.5/mutexes-not-known", "Argo did not start the run, it does not know the lock", "admin"),
        ("create-succeeded", "", "person"),
        ("create-conflict", "", "person"),
        ("running-parallel", "", "person"),
    ],
)
def test_a_run_is_explained_when_no_step_is_the_cause(run: str, start: str, audience: str) -> None:
    explanation = explain_run(seen(run))
    assert explanation.sentence.startswith(start)
    assert bool(explanation.sentence) == bool(start)
    assert explanation.audience == audience


def test_a_message_of_any_size_is_cut() -> None:
    assert len(explain(_failed(1), ["x" * 1_000_000]).sentence) < 600
    assert len(explain(_failed(None, "y" * 1_000_000)).sentence) < 600
