"""A Workflow object as Argo gives it: what the run is, whose it is, how far it is. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioning.argo.errors import cut
from provisioning.argo.names import attempt_of
from provisioning.argo.steps import (
    LONGEST_MESSAGE,
    STEP_OVER,
    TERMINAL,
    Attempt,
    Json,
    Reader,
    StepObservation,
    moment,
    part,
)

__all__ = ["STEP_OVER", "TERMINAL", "Attempt", "Observation", "StepObservation", "moment", "observe", "ours"]

REQUEST_LABEL = "platform.io/request-id"
_POD_NAME_FORMAT = "workflows.argoproj.io/pod-name-format"
_LOCK = re.compile(r"Waiting for (\S+) lock")


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
    metadata, spec, status = part(workflow, "metadata"), part(workflow, "spec"), part(workflow, "status")
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
        request_id=str(part(metadata, "labels").get(REQUEST_LABEL) or parameters.get("requestId", "")),
        attempt=attempt_of(str(metadata.get("name", ""))),
        template=str(part(spec, "workflowTemplateRef").get("name", "")),
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
    parameters = _parameters(part(workflow, "spec"))
    labelled = part(part(workflow, "metadata"), "labels").get(REQUEST_LABEL, request_id)
    if parameters.get("requestId", labelled) != request_id or labelled != request_id:
        return False
    if REQUEST_LABEL not in part(part(workflow, "metadata"), "labels") and "requestId" not in parameters:
        return False
    return seen.attempt == attempt and seen.digest == digest


def _steps(workflow: Json, plan: tuple[str, ...]) -> tuple[tuple[StepObservation, ...], tuple[StepObservation, ...]]:
    name = str(part(workflow, "metadata").get("name", ""))
    nodes = [node for node in part(part(workflow, "status"), "nodes").values() if isinstance(node, Mapping)]
    annotations = part(part(workflow, "metadata"), "annotations")
    reader = Reader(name, nodes, str(annotations.get(_POD_NAME_FORMAT) or "v2"))
    main = [reader.step(node) for node in reader.tasks(exit_handler=False)]
    return _ordered(main, plan), _ordered([reader.step(node) for node in reader.tasks(exit_handler=True)], ())


def _ordered(steps: list[StepObservation], plan: tuple[str, ...]) -> tuple[StepObservation, ...]:
    latest = dt.datetime.max.replace(tzinfo=dt.UTC)
    by_name = {step.name: step for step in steps}
    planned = [by_name.pop(name, StepObservation(name)) for name in plan]
    return (*planned, *sorted(by_name.values(), key=lambda step: (step.started_at or latest, step.name)))


def _parameters(spec: Json) -> dict[str, str]:
    parameters = part(spec, "arguments").get("parameters") or []
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
    locks = part(status, "synchronization")
    waiting = [*(part(locks, "mutex").get("waiting") or []), *(part(locks, "semaphore").get("waiting") or [])]
    holders = [str(one.get("holder") or "") for one in waiting if isinstance(one, Mapping)]
    holder = next((each.rsplit("/", 1)[-1] for each in holders if each), None)
    return found.group(1), holder


def _whole_number(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,9}", text) else 0
