"""A request as it is answered: short in lists, whole on its own, and as the founding calls have it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Literal

from pydantic import Field

from provisioning import access, progress
from provisioning.api.answers import Answer
from provisioning.api.shapes.asking import SpecAnswer, spec_answer
from provisioning.manifests.encoding import objects_of
from provisioning.models import MOVING, AuditEvent, Decision, Kind, Phase, Request, Run, User
from provisioning.policy import Result, Verdict
from provisioning.spec import NamespaceSpec

MOST_EVENTS = 200


class Receipt(Answer):
    """What became of a call that asked for something."""

    request_id: uuid.UUID
    status: Phase
    workflow_name: str | None = Field(description="Of Argo; null until it was submitted.")


class StepAnswer(Answer):
    """One step of the run: a task of Argo's DAG."""

    name: str
    title: str
    state: str = Field(
        description="waiting, starting, running, finishing, retrying, succeeded, failed, error, skipped or omitted"
    )
    planned: bool = Field(description="False for a step that only a failure brings about.")
    message: str = Field(description="Argo's own, unchanged.")
    reason: str = Field(description="Why it failed, for people.")
    remedy: str
    remedy_is_for_admins: bool
    exit_code: int | None
    attempts: int
    lines: int = Field(description="Lines in its newest log.")
    started_at: dt.datetime | None
    finished_at: dt.datetime | None


class RequestStatus(Receipt):
    """Where a request is. `status` is the portal's phase, `workflowPhase` is Argo's, unchanged."""

    workflow_phase: str | None
    progress: str = Field(description="Planned steps that are done, of all planned ones.", examples=["3/7"])
    steps: list[StepAnswer]
    message: str = Field(description="What there is to know beyond the status, for people.")
    started_at: dt.datetime | None
    finished_at: dt.datetime | None


class PolicyAnswer(Answer):
    """Who must decide, and why."""

    result: Result
    rule: str
    reasons: list[str]
    sentence: str


class RequestSummary(Receipt):
    """A request in a list."""

    kind: Kind
    namespace_name: str
    team: str
    resource_tier: str
    features: list[str]
    lease_days: int
    requester: str
    policy: PolicyAnswer
    revision: int
    attempt: int
    message: str
    created_at: dt.datetime
    waiting_since: dt.datetime
    decided_at: dt.datetime | None
    cancel_requested_at: dt.datetime | None
    finished_at: dt.datetime | None
    updated_at: dt.datetime


class DecisionAnswer(Answer):
    answer: Decision.Answer
    by: str = Field(description="A person, or the rule that decided.")
    by_rule: bool
    revision: int
    comment: str
    digest: str
    granted: SpecAnswer
    at: dt.datetime


class EventAnswer(Answer):
    at: dt.datetime
    action: str
    actor: str
    role: str
    note: str
    before: dict[str, Any]
    after: dict[str, Any]


class RunAnswer(Answer):
    """One attempt: one workflow of Argo."""

    attempt: int
    workflow_name: str
    submitted: bool
    workflow_phase: str | None
    digest: str
    trouble: str = Field(description="What keeps it from going on, in words; empty when nothing does.")
    started_at: dt.datetime | None
    finished_at: dt.datetime | None


class RequestDetail(RequestSummary):
    """A request with all there is to know of it."""

    asked: SpecAnswer
    granted: SpecAnswer
    digest: str = Field(description="sha256 of the objects, as a decision has to name it.")
    objects: list[dict[str, Any]] = Field(description="The Kubernetes objects that it makes.")
    parameters: dict[str, str] = Field(
        description="The same, byte for byte as submitted: the digest is that of these texts, one after another."
    )
    decisions: list[DecisionAnswer]
    progress: str
    steps: list[StepAnswer]
    runs: list[RunAnswer]
    events: list[EventAnswer] = Field(description=f"The newest {MOST_EVENTS}, oldest first.")
    you_may: list[Literal["decide", "cancel", "retry"]]


# ── from rows ────────────────────────────────────────────────────────────────────────────────────────────────


def newest_run(request: Request) -> Run | None:
    """Of the newest attempt; no query when `runs` is prefetched."""
    return next((run for run in request.runs.all() if run.attempt == request.attempt), None)


def _receipt(request: Request, run: Run | None) -> dict[str, Any]:
    name = run.workflow_name if run is not None and _is_in_argo(run) else None
    return {"request_id": request.pk, "status": request.phase, "workflow_name": name}


def _is_in_argo(run: Run) -> bool:
    """Or was. A run that another worker submitted may be seen to end before anybody recorded that it began."""
    return bool(run.submitted_at or run.workflow_uid or run.workflow_phase)


def receipt(request: Request) -> Receipt:
    return Receipt(**_receipt(request, newest_run(request)))


def status(request: Request) -> RequestStatus:
    run = newest_run(request)
    made = progress.of_run(request, run)
    return RequestStatus(
        **_receipt(request, run),
        workflow_phase=(run.workflow_phase or None) if run else None,
        progress=str(made),
        steps=[_step(step) for step in made.steps],
        message=_message(request, run, made),
        started_at=run.started_at if run else None,
        finished_at=request.finished_at,
    )


def _message(request: Request, run: Run | None, made: progress.Progress) -> str:
    """The most telling: what holds it up, what was said of it, why a step failed, who has to decide."""
    if run is not None and run.trouble and request.phase in MOVING:
        return run.trouble
    if request.message:
        return request.message
    if request.phase == Phase.FAILED and (failed := next((step for step in made.steps if step.failed), None)):
        return failed.sentence or failed.message
    return f"It {request.verdict['sentence']}" if request.phase == Phase.PENDING else ""


def _step(step: progress.StepView) -> StepAnswer:
    return StepAnswer(
        name=step.name,
        title=step.title,
        state=step.state,
        planned=step.planned,
        message=step.message,
        reason=step.sentence,
        remedy=step.remedy,
        remedy_is_for_admins=step.for_admins,
        exit_code=step.exit_code,
        attempts=step.attempts,
        lines=step.lines,
        started_at=step.started_at,
        finished_at=step.finished_at,
    )


def _summary(request: Request) -> dict[str, Any]:
    spec, verdict = request.spec, Verdict.from_json(request.verdict)
    columns = ("kind", "revision", "attempt", "message", "created_at", "waiting_since", "decided_at")
    more = ("cancel_requested_at", "finished_at", "updated_at")
    return {
        **_receipt(request, newest_run(request)),
        **{name: getattr(request, name) for name in columns + more},
        "namespace_name": request.name,
        "team": request.team.name,
        "resource_tier": spec.tier,
        "features": list(spec.features),
        "lease_days": spec.lease_days,
        "requester": request.requester.username,
        "policy": PolicyAnswer(**verdict.to_json()),
    }


def summary(request: Request) -> RequestSummary:
    """Needs `team`, `requester` and `runs` at hand, or asks for them."""
    return RequestSummary(**_summary(request))


def detail(request: Request, viewer: User) -> RequestDetail:
    made = progress.of_run(request, newest_run(request))
    return RequestDetail(
        **_summary(request),
        asked=spec_answer(request.asked_spec),
        granted=spec_answer(request.spec),
        digest=request.digest,
        objects=objects_of(request.rendered),
        parameters=request.rendered,
        decisions=[_decision(row) for row in request.decisions.select_related("by")],
        progress=str(made),
        steps=[_step(step) for step in made.steps],
        runs=[_run(run) for run in request.runs.all()],
        events=[_event(event) for event in reversed(request.events.order_by("-id")[:MOST_EVENTS])],
        you_may=_allowed(request, viewer),
    )


def _decision(row: Decision) -> DecisionAnswer:
    columns = {name: getattr(row, name) for name in ("answer", "revision", "comment", "digest", "at")}
    return DecisionAnswer(
        **columns,
        by=row.by.username if row.by else row.rule,
        by_rule=row.by is None,
        granted=spec_answer(NamespaceSpec.from_json(row.granted)),
    )


def _run(run: Run) -> RunAnswer:
    return RunAnswer(
        attempt=run.attempt,
        workflow_name=run.workflow_name,
        submitted=_is_in_argo(run),
        workflow_phase=run.workflow_phase or None,
        digest=run.digest,
        trouble=run.trouble,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def _event(event: AuditEvent) -> EventAnswer:
    return EventAnswer(
        at=event.at,
        action=event.action,
        actor=event.actor_name,
        role=event.actor_role,
        note=event.note,
        before=event.before,
        after=event.after,
    )


def _allowed(request: Request, viewer: User) -> list[Any]:
    asked = {"decide": access.may_decide, "cancel": access.may_cancel, "retry": access.may_retry}
    return [name for name, may in asked.items() if may(viewer, request)]
