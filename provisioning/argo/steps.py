"""The nodes of a Workflow object, read as steps with attempts. Pure.

Rules: a step is the node whose displayName is the task's name; with a retryStrategy that is a node of type Retry,
whose Pod children are the attempts `NAME(0)`, `NAME(1)`, …. Phase and times of a step are the Retry node's, as a Pod
may have succeeded under a failed Retry. Nodes below `WORKFLOW.onExit` belong to the exit handler. A task that was not
reached has no node.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioning.argo.errors import cut
from provisioning.argo.names import pod_name
from provisioning.argo.reasons import Reason, reason_of

TERMINAL = frozenset({"Succeeded", "Failed", "Error"})
STEP_OVER = TERMINAL | {"Skipped", "Omitted"}
LONGEST_MESSAGE = 2_000
# Argo keeps outputs in the workflow object, twice with a retryStrategy, and etcd takes 1.5 MB of it: nothing is cut.
LONGEST_OUTPUT = 1024 * 1024
_EXIT_CODE = re.compile(r"exit code (\d+)")
_NUMBERED = re.compile(r"\((\d+)\)\Z")
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


class Reader:
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
    code = part(node, "outputs").get("exitCode")
    if isinstance(code, str | int) and re.fullmatch(r"-?\d{1,9}", str(code)):
        return int(code)
    found = _EXIT_CODE.search(str(node.get("message") or ""))
    return int(found.group(1)) if found else None


def _outputs(node: Json) -> dict[str, str]:
    parameters = part(node, "outputs").get("parameters") or []
    return {
        str(one["name"]): cut(str(one.get("value") or ""), LONGEST_OUTPUT)
        for one in parameters
        if isinstance(one, Mapping) and "name" in one
    }


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


def part(whole: Json, key: str) -> Json:
    """A member that is an object, empty when it is absent, null or something else."""
    part = whole.get(key)
    return part if isinstance(part, Mapping) else {}
