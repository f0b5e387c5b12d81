"""Logs become rows: read from the beginning and compared with what is stored, so that no line is lost or doubled.

Argo merges what a pod wrote by its times, and a later look may order lines differently; so a log is never taken up from
where it was left, but read whole, and only what differs is written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from provisioning.argo import NotFound
from provisioning.models import STEP_ENDED, LogChunk, Request, Run, RunState, StepLog
from provisioning.reconcile import steps
from provisioning.reconcile.context import Context
from provisioning.reconcile.text import LogText, Piece

log = structlog.get_logger(__name__)

# A log without the executor's closing words may still be on its way for this long after the step's end.
SETTLES_IN = timedelta(seconds=10)


def copy(
    context: Context, log_id: int, *, cap_bytes: int, stop: threading.Event | None = None, look: bool = False
) -> bool:
    """Read one log and store what is new. Whether it is whole. Raises ArgoError; then nothing was stored.

    `look` is for a log that still grows. A pod that is gone ends the log where it is.
    """
    row = StepLog.objects.select_related("step__run").filter(pk=log_id, complete=False).first()
    if row is None:
        return True
    ended = has_ended(row)
    if not ended and not look:
        return False
    text, gone = _read(context, row, cap_bytes, stop)
    if text is None:
        return False
    complete = text.closed or gone or (ended and _has_settled(row, context.now()))
    stored = _store(row, text, context.now(), ended=ended, complete=complete)
    if stored and complete and ended:
        _is_whole(row)
    return stored and complete


def has_ended(row: StepLog) -> bool:
    """No line can follow: the attempt is over, or its run is."""
    return row.phase in STEP_ENDED or row.step.run.state == RunState.FINISHED


def _read(context: Context, row: StepLog, cap_bytes: int, stop: threading.Event | None) -> tuple[LogText | None, bool]:
    """The log as Argo has it now, and whether its workflow is gone. (None, False) when stopped meanwhile."""
    text = LogText(cap_bytes)
    name = row.step.run.workflow_name
    try:
        for line in context.client.get_workflow_logs(name, row.pod_name, stop=stop):
            text.add(line.content, executor=line.executor)
            if stop is not None and stop.is_set():
                return None, False
    except NotFound as error:
        if error.what != "workflow":
            raise
        return text, True
    return text, False


def _has_settled(row: StepLog, now: datetime) -> bool:
    return row.finished_at is None or now >= row.finished_at + SETTLES_IN


def _store(row: StepLog, text: LogText, now: datetime, *, ended: bool, complete: bool) -> bool:
    """Compare and set: False when somebody else stored meanwhile, or Argo told that the attempt has ended."""
    news = text.source_lines > row.source_lines or (ended and text.source_lines > 0)
    columns: dict[str, Any] = {"read_at": now, "complete": complete}
    if news:
        columns |= _counters(text)
    elif complete:
        columns["lost"] = ended and row.exit_code is not None and not _was_closed(row)
    with transaction.atomic():
        unchanged = StepLog.objects.filter(pk=row.pk, source_lines=row.source_lines, phase=row.phase, complete=False)
        if unchanged.update(**columns) != 1:
            return False
        if news:
            _write_chunks(row, text.pieces())
    if complete or (news and row.source_lines == 0):
        Request(pk=row.step.run.request_id).touch()
    return True


def _counters(text: LogText) -> dict[str, int]:
    return {
        "lines": text.own.count,
        "stored_bytes": text.own.stored_bytes,
        "omitted_lines": text.own.omitted_lines,
        "omitted_bytes": text.own.omitted_bytes,
        "source_lines": text.source_lines,
    }


def _was_closed(row: StepLog) -> bool:
    """The stored part ends with the executor's closing words, so it is all there was."""
    return LogChunk.objects.filter(log=row, executor=True, text__contains="sub-process exited").exists()


def _write_chunks(row: StepLog, pieces: Iterable[Piece]) -> None:
    stored = {(chunk.executor, chunk.first_line): chunk for chunk in row.chunks.all()}
    new, changed = [], []
    for piece in pieces:
        chunk = stored.pop((piece.executor, piece.first_line), None)
        if chunk is None:
            new.append(_chunk(row, piece))
        elif (chunk.line_count, chunk.text) != (piece.line_count, piece.text):
            chunk.line_count, chunk.text = piece.line_count, piece.text
            changed.append(chunk)
    LogChunk.objects.filter(pk__in=[chunk.pk for chunk in stored.values()]).delete()
    LogChunk.objects.bulk_update(changed, ["line_count", "text"])
    LogChunk.objects.bulk_create(new)


def _chunk(row: StepLog, piece: Piece) -> LogChunk:
    return LogChunk(
        log=row,
        executor=piece.executor,
        first_line=piece.first_line,
        line_count=piece.line_count,
        text=piece.text,
    )


def _is_whole(row: StepLog) -> None:
    if row.phase not in {"Succeeded", "Skipped", "Omitted"} and steps.explain_again(row.step):
        Request(pk=row.step.run.request_id).touch()
    complete_runs(Run.objects.filter(pk=row.step.run_id))


# ── which logs are due ───────────────────────────────────────────────────────────────────────────────────────


def incomplete() -> QuerySet[StepLog]:
    """Logs that have ended and are not stored whole."""
    over = Q(phase__in=STEP_ENDED) | Q(step__run__state=RunState.FINISHED)
    return StepLog.objects.filter(over, complete=False, step__run__logs_complete=False)


def growing(now: datetime) -> QuerySet[StepLog]:
    """Logs that somebody looks at, of attempts that have not ended. Few are looked at, however many go on: so the runs
    come first, in a query of their own."""
    watched = list(Run.objects.filter(state=RunState.SUBMITTED, watched_until__gt=now).values_list("pk", flat=True))
    return StepLog.objects.filter(complete=False, step__run__in=watched).exclude(phase__in=STEP_ENDED)


def complete_runs(runs: QuerySet[Run]) -> int:
    """Note which finished runs have all their logs."""
    missing = StepLog.objects.filter(step__run=OuterRef("pk"), complete=False)
    finished = runs.filter(state=RunState.FINISHED, logs_complete=False).exclude(Exists(missing))
    found = list(finished.values_list("pk", "request_id"))
    for pk, request_id in found:
        if Run.objects.filter(pk=pk, logs_complete=False).update(logs_complete=True):
            Request(pk=request_id).touch()
    return len(found)
