"""A Workflow object as Argo gives it, read as steps with attempts. Pure.

Rules: a step is the node whose displayName is the task's name; with a retryStrategy that is a node of type Retry,
whose Pod children are the attempts `NAME(0)`, `NAME(1)`, …. Phase and times of a step are the Retry node's, as a Pod
may have succeeded under a failed Retry. Nodes below `WORKFLOW.onExit` belong to the exit handler. A task that was not
reached has no node.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioning.argo.errors import cut
from provisioning.argo.names import attempt_of, pod_name
from provisioning.argo.reasons import Reason, reason_of

TERMINAL = frozenset({"Succeeded", "Failed", "Error"})
STEP_OVER = TERMINAL | {"Skipped", "Omitted"}
LONGEST_MESSAGE = 2_000
LONGEST_OUTPUT = 256 * 1024
REQUEST_LABEL = "platform.io/request-id"
_POD_NAME_FORMAT = "workflows.argoproj.io/pod-name-format"
_EXIT_CODE = re.compile(r"exit code (\d+)")
_NUMBERED = re.compile(r"\((\d+)\)\Z")
_LOCK = re.compile(r"Waiting for (\S+) lock")
_GROUPS = frozenset({"DAG", "Steps", "StepGroup", "TaskGroup"})

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One pod of a step. `number` counts from 0; `node_id` is Argo's, `pod_name` is what `/log` wants."""

    number: int
    phase: str
    message: str
    exit_code: int | None
    pod_name: str
    node_id: str
    started_at: dt.datetime | None
    finished_at: dt.datetime | None

    @property
    def over(self) -> bool:
        return self.phase in STEP_OVER


@dataclass(frozen=True, slots=True)
class StepObservation:
    """A task of the DAG or of the exit handler. `phase` is Argo's, or empty while there is no node.

    `message` is the last attempt's while it waits or when the step has none of its own; `reason` sorts it.
    """

    name: str
    phase: str = ""
    message: str = ""
    reason: Reason = Reason.NONE
    exit_code: int | None = None
    started_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.phase in STEP_OVER


@dataclass(frozen=True, slots=True)
class Observation:
    """A run as one answer or event of Argo tells it. `phase` is empty until a controller has looked at it.

    Times are aware datetimes in UTC. `attempt`, `template` and `digest` are empty or None where the answer left them
    out. `waiting_for_lock` is the lock's name (NAMESPACE/Mutex/NAME) while the run waits for one, `lock_holder` the
    workflow that has it.
    """

    name: str
    phase: str
    message: str
    progress_done: int
    progress_total: int
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    shutdown: str
    uid: str
    resource_version: str
    request_id: str
    attempt: int | None
    template: str
    digest: str
    waiting_for_lock: str | None
    lock_holder: str | None
    steps: tuple[StepObservation, ...]
    exit_steps: tuple[StepObservation, ...]

    @property
    def over(self) -> bool:
        """Argo 3.5 may show a terminal phase a second before `finishedAt`, so the phase alone counts."""
        return self.phase in TERMINAL

    @property
    def succeeded(self) -> bool:
        """A run that was shut down while it waited for its lock says Succeeded before 4.0.10, without a step done."""
        return self.phase == "Succeeded" and not (self.shutdown and not self.steps)

    def step(self, name: str) -> StepObservation:
        """The step of that name, of the DAG or of the exit handler; one without phase when there is none."""
        found = (step for step in (*self.steps, *self.exit_steps) if step.name == name)
        return next(found, StepObservation(name))


def observe(workflow: Json, plan: Iterable[str] = ()) -> Observation:
    """`workflow` as answered by get, list or a watch. Steps come in the order of `plan`, then by their start.

    A planned step without node has an empty phase.
    """
    metadata, spec, status = _part(workflow, "metadata"), _part(workflow, "spec"), _part(workflow, "status")
    parameters = _parameters(spec)
    steps, exit_steps = _steps(workflow, tuple(plan))
    done, _, total = str(status.get("progress") or "0/0").partition("/")
    lock, holder = _lock(status)
    return Observation(
        name=str(metadata.get("name", "")),
        phase=str(status.get("phase") or ""),
        message=cut(str(status.get("message") or ""), LONGEST_MESSAGE),
        progress_done=_whole_number(done),
        progress_total=_whole_number(total),
        started_at=moment(status.get("startedAt")),
        finished_at=moment(status.get("finishedAt")),
        shutdown=str(spec.get("shutdown") or ""),
        uid=str(metadata.get("uid", "")),
        resource_version=str(metadata.get("resourceVersion", "")),
        request_id=str(_part(metadata, "labels").get(REQUEST_LABEL) or parameters.get("requestId", "")),
        attempt=attempt_of(str(metadata.get("name", ""))),
        template=str(_part(spec, "workflowTemplateRef").get("name", "")),
        digest=parameters.get("manifestDigest", ""),
        waiting_for_lock=lock,
        lock_holder=holder,
        steps=steps,
        exit_steps=exit_steps,
    )


def ours(workflow: Json, request_id: str, attempt: int, digest: str) -> bool:
    """Did this portal submit `workflow` for that attempt of that request? Asked when a submit answered 409.

    Needs the whole object, or one read with `fields.GET`. The parameters decide: they are what the run works with.
    The label agrees or is absent. `digest` may be empty for kinds of runs that have none.
    """
    seen = observe(workflow)
    parameters = _parameters(_part(workflow, "spec"))
    labelled = _part(_part(workflow, "metadata"), "labels").get(REQUEST_LABEL, request_id)
    if parameters.get("requestId", labelled) != request_id or labelled != request_id:
        return False
    if REQUEST_LABEL not in _part(_part(workflow, "metadata"), "labels") and "requestId" not in parameters:
        return False
    return seen.attempt == attempt and seen.digest == digest


def moment(text: object) -> dt.datetime | None:
    """Argo's RFC 3339 times; None for null, for Go's zero time and for what is no time."""
    if not isinstance(text, str):
        return None
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if value.tzinfo is None or value.year == 1:
        return None
    return value.astimezone(dt.UTC)


def _steps(workflow: Json, plan: tuple[str, ...]) -> tuple[tuple[StepObservation, ...], tuple[StepObservation, ...]]:
    name = str(_part(workflow, "metadata").get("name", ""))
    nodes = [node for node in _part(_part(workflow, "status"), "nodes").values() if isinstance(node, Mapping)]
    annotations = _part(_part(workflow, "metadata"), "annotations")
    reader = _Reader(name, nodes, str(annotations.get(_POD_NAME_FORMAT) or "v2"))
    main = [reader.step(node) for node in reader.tasks(exit_handler=False)]
    return _ordered(main, plan), _ordered([reader.step(node) for node in reader.tasks(exit_handler=True)], ())


def _ordered(steps: list[StepObservation], plan: tuple[str, ...]) -> tuple[StepObservation, ...]:
    latest = dt.datetime.max.replace(tzinfo=dt.UTC)
    by_name = {step.name: step for step in steps}
    planned = [by_name.pop(name, StepObservation(name)) for name in plan]
    return (*planned, *sorted(by_name.values(), key=lambda step: (step.started_at or latest, step.name)))


class _Reader:
    """The nodes of one workflow."""

    def __init__(self, workflow: str, nodes: list[Json], pod_name_format: str) -> None:
        self._workflow = workflow
        self._nodes = nodes
        self._format = pod_name_format
        self._retries = {str(node.get("name", "")) for node in nodes if node.get("type") == "Retry"}

    def tasks(self, *, exit_handler: bool) -> list[Json]:
        """What counts as a step: no groups, no attempts. A run without DAG has its root as its only step."""
        prefix = f"{self._workflow}.onExit"
        return [
            node
            for node in self._nodes
            if node.get("type") not in _GROUPS
            and not self._is_attempt(node)
            and str(node.get("name", "")).startswith(prefix) == exit_handler
            and not self._holds_group(node)
        ]

    def step(self, node: Json) -> StepObservation:
        attempts = self._attempts(node)
        last = attempts[-1] if attempts else None
        message = cut(str(node.get("message") or ""), LONGEST_MESSAGE)
        exit_code = _exit_code(node)
        if exit_code is None and last:
            exit_code = last.exit_code
        waits = last is not None and last.phase == "Pending"
        return StepObservation(
            name=self._task_name(node),
            phase=str(node.get("phase") or ""),
            message=(last.message if last and (waits or not message) else message) or message,
            reason=reason_of(str(node.get("phase") or ""), message, last.message if last else "", exit_code),
            exit_code=exit_code,
            started_at=moment(node.get("startedAt")),
            finished_at=moment(node.get("finishedAt")),
            attempts=attempts,
            outputs=_outputs(node),
        )

    def _task_name(self, node: Json) -> str:
        shown = str(node.get("displayName") or node.get("name", ""))
        return str(node.get("templateName") or shown) if shown == self._workflow else shown

    def _is_attempt(self, node: Json) -> bool:
        return self._parent_of_attempt(node) is not None

    def _parent_of_attempt(self, node: Json) -> str | None:
        """A loop's item is named alike, `fan(0)`, but its parent is no Retry."""
        name = str(node.get("name", ""))
        base = _NUMBERED.sub("", name)
        return base if base != name and base in self._retries else None

    def _holds_group(self, node: Json) -> bool:
        """Is it a Retry around a whole DAG, as a retryStrategy of the workflow makes it?"""
        name = str(node.get("name", ""))
        return any(each.get("type") in _GROUPS and self._parent_of_attempt(each) == name for each in self._nodes)

    def _attempts(self, node: Json) -> tuple[Attempt, ...]:
        if node.get("type") == "Pod":
            return (self._attempt(node, 0),)
        name = str(node.get("name", ""))
        children = [each for each in self._nodes if self._parent_of_attempt(each) == name]
        found = [self._attempt(each, _number(str(each["name"]))) for each in children]
        return tuple(sorted(found, key=lambda attempt: attempt.number))

    def _attempt(self, node: Json, number: int) -> Attempt:
        return Attempt(
            number=number,
            phase=str(node.get("phase") or ""),
            message=cut(str(node.get("message") or ""), LONGEST_MESSAGE),
            exit_code=_exit_code(node),
            pod_name=pod_name(self._workflow, node, self._format),
            node_id=str(node.get("id", "")),
            started_at=moment(node.get("startedAt")),
            finished_at=moment(node.get("finishedAt")),
        )


def _number(name: str) -> int:
    found = _NUMBERED.search(name)
    return int(found.group(1)) if found else 0


def _exit_code(node: Json) -> int | None:
    """`outputs.exitCode` is a string; 3.5 to 4.1 write the number into the message as well."""
    code = _part(node, "outputs").get("exitCode")
    if isinstance(code, str | int) and re.fullmatch(r"-?\d{1,9}", str(code)):
        return int(code)
    found = _EXIT_CODE.search(str(node.get("message") or ""))
    return int(found.group(1)) if found else None


def _outputs(node: Json) -> dict[str, str]:
    parameters = _part(node, "outputs").get("parameters") or []
    return {
        str(one["name"]): cut(str(one.get("value") or ""), LONGEST_OUTPUT)
        for one in parameters
        if isinstance(one, Mapping) and "name" in one
    }


def _parameters(spec: Json) -> dict[str, str]:
    parameters = _part(spec, "arguments").get("parameters") or []
    return {
        str(one["name"]): str(one.get("value") or "")
        for one in parameters
        if isinstance(one, Mapping) and "name" in one
    }


def _lock(status: Json) -> tuple[str | None, str | None]:
    """The lock a Pending run waits for, and its holder. A run that has its lock does not wait, whatever is listed."""
    found = _LOCK.search(str(status.get("message") or ""))
    if status.get("phase") != "Pending" or not found:
        return None, None
    locks = _part(status, "synchronization")
    waiting = [*(_part(locks, "mutex").get("waiting") or []), *(_part(locks, "semaphore").get("waiting") or [])]
    holders = [str(one.get("holder") or "") for one in waiting if isinstance(one, Mapping)]
    holder = next((each.rsplit("/", 1)[-1] for each in holders if each), None)
    return found.group(1), holder


def _part(whole: Json, key: str) -> Json:
    """A member that is an object, empty when it is absent, null or something else."""
    part = whole.get(key)
    return part if isinstance(part, Mapping) else {}


def _whole_number(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,9}", text) else 0
