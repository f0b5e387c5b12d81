"""The log of a step, as the portal keeps it: lines for programs, a file for people."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from ninja import Query, Router
from pydantic import Field

from provisioning import logbook, progress
from provisioning.api.answers import Answer, Envelope, operation
from provisioning.api.auth import person
from provisioning.api.rows import request_of
from provisioning.models import Request, Run, Scope, StepLog

router = Router(tags=["Requests"])
MOST_LINES = 2000
LARGEST = 2**31 - 1
TEXT = {"schema": {"type": "string"}, "example": "Validating namespace payments-checkout-dev\n"}
Number = Annotated[int, Field(ge=0, le=LARGEST)]


class LogLine(Answer):
    number: int = Field(description="From 1; 0 for the mark of what was left out.")
    text: str


class LogAnswer(Answer):
    """Lines of one try of one step."""

    step: str
    state: str
    run: int | None = Field(description="The attempt of the request; null before the first.")
    attempt: int | None = Field(description="The step's own try, from 0; null before the first.")
    attempts: list[int] = Field(description="The tries that have a log.")
    lines: list[LogLine]
    next_after: int = Field(description="Send it as `after` to get what follows.")
    more: bool = Field(description="More lines are there already.")
    complete: bool = Field(description="The step has ended, and all of its log is here.")
    lost: bool = Field(description="The pod was gone before its log could be read.")


class Which(Answer):
    after: Annotated[Number, Field(description="Lines after this one.")] = 0
    attempt: Annotated[Number | None, Field(description="Which try of the step, from 0; left out: the newest.")] = None
    run: Annotated[Number | None, Field(description="Which attempt of the request; left out: the newest.")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_LINES, description="At most so many lines.")] = MOST_LINES


@router.get(
    "/requests/{request_id}/steps/{step}/log",
    summary="Read a step's log",
    operation_id="readLog",
    openapi_extra={"responses": {200: {"content": {"text/plain": TEXT}}}},
    **operation(
        Scope.READ,
        LogAnswer,
        404,
        description="JSON with the lines after `after`; with `Accept: text/plain` the whole log as a file.",
    ),
)
def log(
    request: HttpRequest, request_id: uuid.UUID, step: str, query: Query[Which]
) -> Envelope[LogAnswer] | StreamingHttpResponse:
    row = request_of(person(request), request_id)
    run = _run(row, query.run)
    view = progress.of_run(row, run).get(step)
    if view is None:
        raise Http404
    logs = logbook.logs_of(run, step) if run else []
    chosen = _chosen(logs, query.attempt)
    if run is not None:
        logbook.looked_at(run)
    if request.get_preferred_type(["application/json", "text/plain"]) == "text/plain":
        return _file(row, run, step, chosen)
    return _lines(view, run, logs, chosen, query)


def _run(row: Request, wanted: int | None) -> Run | None:
    """Raises Http404 for an attempt of the request that never was."""
    number = row.attempt if wanted is None else wanted
    found = next((run for run in row.runs.all() if run.attempt == number), None)
    if found is None and wanted is not None:
        raise Http404
    return found


def _chosen(logs: list[StepLog], wanted: int | None) -> StepLog | None:
    """Raises Http404 for a try of the step that never was."""
    if wanted is None:
        return logs[-1] if logs else None
    found = next((one for one in logs if one.attempt == wanted), None)
    if found is None:
        raise Http404
    return found


def _lines(
    view: progress.StepView, run: Run | None, logs: list[StepLog], chosen: StepLog | None, query: Which
) -> Envelope[LogAnswer]:
    found = logbook.lines(chosen, after=query.after, limit=query.limit + 1) if chosen else []
    shown = found[: query.limit]
    data = LogAnswer(
        step=view.name,
        state=view.state,
        run=run.attempt if run else None,
        attempt=chosen.attempt if chosen else None,
        attempts=[one.attempt for one in logs],
        lines=[LogLine(number=line.number, text=line.text) for line in shown],
        next_after=max((line.number for line in shown), default=0) or query.after,
        more=len(found) > query.limit,
        complete=bool(chosen and chosen.complete),
        lost=bool(chosen and chosen.lost),
    )
    count = len(shown)
    return Envelope(message=f"{count} line{'' if count == 1 else 's'} of {view.name}.", data=data)


def _file(row: Request, run: Run | None, step: str, chosen: StepLog | None) -> StreamingHttpResponse:
    content: Any = logbook.text(chosen) if chosen else []
    response = StreamingHttpResponse(content, content_type="text/plain; charset=utf-8")
    name = f"{run.workflow_name if run else row.short_id}.{step}-{chosen.attempt if chosen else 0}.log"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
