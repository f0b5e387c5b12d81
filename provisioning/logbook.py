"""Reading what the worker has stored of a step's log: for pages, downloads and the API alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import F
from django.utils import timezone

from provisioning.models import LogChunk, Run, RunState, StepLog

PAGE = 2000
# How long a look at a log keeps the worker reading it as it grows, and how often that is written down.
LOOKED_AT = dt.timedelta(seconds=20)
WRITTEN_EVERY = dt.timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1 within its kind; 0 for the mark of what was left out."""

    number: int
    text: str


def lines(log: StepLog, *, after: int = 0, limit: int = PAGE, executor: bool = False) -> list[Line]:
    """At most `limit` lines after number `after`, with a mark where lines were left out. One query."""
    found: list[Line] = []
    for line in _walk(log, after=after, executor=executor):
        found.append(line)
        if len(found) >= limit:
            break
    return found


def text(log: StepLog) -> Iterator[str]:
    """The step's own lines for a file, chunk by chunk: nothing of it is in memory at once."""
    for line in _walk(log, after=0, executor=False):
        yield f"{line.text}\n"


def executor_lines(log: StepLog, limit: int = 200) -> list[Line]:
    return lines(log, limit=limit, executor=True)


def _walk(log: StepLog, *, after: int, executor: bool) -> Iterator[Line]:
    chunks = LogChunk.objects.filter(log=log, executor=executor).order_by("first_line")
    expected = after + 1
    for chunk in (
        chunks.annotate(end=F("first_line") + F("line_count")).filter(end__gt=after + 1).iterator(chunk_size=20)
    ):
        if chunk.first_line > expected:
            yield Line(0, _left_out(log, chunk.first_line - expected))
        for offset, content in enumerate(chunk.text.split("\n")):
            number = chunk.first_line + offset
            if number > after:
                yield Line(number, content)
        expected = chunk.first_line + chunk.line_count


def _left_out(log: StepLog, count: int) -> str:
    size = f", {log.omitted_bytes / 1024:,.0f} KiB" if log.omitted_bytes else ""
    return f"… {count:,} lines{size} were left out here: the log was longer than what is kept of one …"


def logs_of(run: Run, step: str) -> list[StepLog]:
    """The logs of a step's attempts, first to last, with `step` at hand. One query."""
    return list(StepLog.objects.filter(step__run=run, step__name=step).select_related("step").order_by("attempt"))


def tail(log: StepLog, count: int = 8) -> list[Line]:
    """The last lines. One query for the last two chunks."""
    chunks = list(LogChunk.objects.filter(log=log, executor=False).order_by("-first_line")[:2])
    found = [
        Line(chunk.first_line + offset, content)
        for chunk in reversed(chunks)
        for offset, content in enumerate(chunk.text.split("\n"))
    ]
    return found[-count:]


def looked_at(run: Run) -> None:
    """Tell the worker that somebody reads this run's logs now; written once in a while only."""
    if run.state == RunState.FINISHED:
        return
    now = timezone.now()
    stale = Run.objects.filter(pk=run.pk, watched_until__lt=now + LOOKED_AT - WRITTEN_EVERY)
    stale.update(watched_until=now + LOOKED_AT)
