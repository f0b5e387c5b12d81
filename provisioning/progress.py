"""How a run stands, told earlier than Argo tells it.

Argo's controller looks at a pod's change up to ten seconds later and never shows short steps as Running. What is known
before that: a step whose predecessors are done is starting, one whose log has begun is running, one whose log has ended
is finishing. Both the pages and the API show this; neither asks Argo.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from provisioning.models import MOVING, Request, Run, RunState, Step, StepLog, StepPhase
from provisioning.workflows.workflow import PLAN, PlannedStep

DONE = frozenset({StepPhase.SUCCEEDED, StepPhase.SKIPPED})


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as people see it. `state`: waiting, starting, running, finishing, retrying, or Argo's word when it ended.

    `lines` counts those of its newest attempt's log; `planned` is False for a step of the exit handler.
    """

    name: str
    title: str
    state: str
    planned: bool
    message: str
    sentence: str
    remedy: str
    for_admins: bool
    exit_code: int | None
    attempts: int
    lines: int
    started_at: dt.datetime | None
    finished_at: dt.datetime | None

    @property
    def ended(self) -> bool:
        return self.state in {"succeeded", "failed", "error", "skipped", "omitted"}

    @property
    def failed(self) -> bool:
        return self.state in {"failed", "error"}


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` planned steps; Argo's own `progress` counts attempts too and moves its goal."""

    steps: tuple[StepView, ...]
    done: int
    total: int

    @property
    def current(self) -> StepView | None:
        """Where to look first: what failed, else what runs, else what ended last."""
        for wanted in ({"failed", "error"}, {"running", "retrying", "finishing"}, {"starting"}):
            if found := next((step for step in self.steps if step.planned and step.state in wanted), None):
                return found
        ended = [step for step in self.steps if step.state == "succeeded"]
        return ended[-1] if ended else (self.steps[0] if self.steps else None)

    def get(self, name: str) -> StepView | None:
        return next((step for step in self.steps if step.name == name), None)

    def __str__(self) -> str:
        return f"{self.done}/{self.total}"


def plan_of(request: Request) -> tuple[PlannedStep, ...]:
    return PLAN[request.kind]


def of_run(request: Request, run: Run | None) -> Progress:
    """Two queries: the steps and their logs. Without a run: the plan, all waiting."""
    rows = list(run.steps.prefetch_related("logs")) if run else []
    return of_rows(request, run, rows)


def of_rows(request: Request, run: Run | None, rows: Iterable[Step]) -> Progress:
    """As `of_run`, with the steps (and their `logs`) at hand."""
    plan = plan_of(request)
    known = {row.name: row for row in rows}
    moving = run is not None and run.state == RunState.SUBMITTED and request.phase in MOVING
    done = {name for name, row in known.items() if row.phase in DONE}
    views = [
        _view(step.name, step.title, known.get(step.name), moving and done.issuperset(step.depends)) for step in plan
    ]
    names = {step.name for step in plan}
    extra = [row for row in known.values() if row.name not in names and row.phase not in {"", StepPhase.SKIPPED}]
    views += [_view(row.name, row.name.replace("-", " ").capitalize(), row, may_start=False) for row in extra]
    return Progress(tuple(views), sum(step.name in done for step in plan), len(plan))


def _view(name: str, title: str, row: Step | None, may_start: bool) -> StepView:  # noqa: FBT001
    if row is None:
        state = "starting" if may_start else "waiting"
        return StepView(name, title, state, True, "", "", "", False, None, 0, 0, None, None)  # noqa: FBT003
    logs = sorted(row.logs.all(), key=lambda log: log.attempt)
    newest = logs[-1] if logs else None
    return StepView(
        name=name,
        title=title,
        state=_state(row, newest, may_start=may_start),
        planned=row.planned,
        message=row.message,
        sentence=row.sentence,
        remedy=row.remedy,
        for_admins=row.for_admins,
        exit_code=row.exit_code,
        attempts=row.attempts,
        lines=newest.lines if newest else 0,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _state(row: Step, log: StepLog | None, *, may_start: bool) -> str:
    if row.has_ended:
        return row.phase.lower()
    if row.message.startswith("Backoff"):
        return "retrying"
    if log is not None and log.complete and log.read_at is not None:
        return "finishing"
    if log is not None and log.source_lines:
        return "running"
    if row.phase == StepPhase.RUNNING and (log is None or log.phase != StepPhase.PENDING):
        return "running"
    return "starting" if row.phase or may_start else "waiting"
