"""One pass over everything that may have to be done, in small units; each says whether there was work."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import connections

from provisioning.argo import ArgoError, WatchEvent
from provisioning.models import Check, CheckState, Run, RunState
from provisioning.reconcile import attend, checks, logs, observe, resync, selfcheck, status, submit, timers
from provisioning.reconcile.backoff import push_back
from provisioning.reconcile.context import Context
from provisioning.reconcile.copier import Copier
from provisioning.reconcile.guard import attempt, attempt_row
from provisioning.reconcile.mailbox import Mailbox
from provisioning.reconcile.outage import Every, Outage
from provisioning.reconcile.watch import Watcher

log = structlog.get_logger(__name__)

LOOK_AT_LOGS = 1.0
SWEEP_LOGS = 15.0
TIMERS = 30.0
SELF_CHECK = 300.0
TELL_STATUS = 5.0
CLOSING_SECONDS = 5.0
RESYNC_WITHOUT_WATCH = 2.0
FETCH_BATCH = 50
LOGS_AT_ONCE = 500

Row = TypeVar("Row", Run, Check)


class Worker:
    """The units in their order. `watcher` may be missing: then the list is read more often."""

    def __init__(
        self,
        context: Context,
        copier: Copier,
        mailbox: Mailbox,
        watcher: Watcher | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.context = context
        self.copier = copier
        self.mailbox = mailbox
        self.watcher = watcher
        self.outage = Outage(clock)
        self._doubtful: deque[tuple[int, datetime]] = deque()
        self._resync, self._timers, self._check = Every(clock), Every(clock), Every(clock)
        self._sweep, self._look, self._tell = Every(clock), Every(clock), Every(clock)
        self._said: object = None
        self._stopping: Callable[[], bool] = lambda: False
        self._checking: threading.Thread | None = None

    def begin(self) -> None:
        """Open the watch; it waits for the first list."""
        if self.watcher is not None:
            self.watcher.start()

    def close(self) -> None:
        """End the threads. Nothing is lost: what they had not done is due again."""
        if self.watcher is not None:
            self.watcher.close()
            status.watching(None)
        self.copier.close()
        if self._checking is not None and self._checking.is_alive():
            self._checking.join(CLOSING_SECONDS)

    def work(self, stopping: Callable[[], bool] = lambda: False) -> bool:
        """One pass. Whether there was anything to do. ArgoError ends it, and is told to the pages."""
        self._stopping = stopping
        busy = self._by_the_clock()
        if self.outage.seconds_left:
            return busy
        try:
            busy = self._with_argo() or busy
        except ArgoError as error:
            status.failed(error, self.context.now())
            self.outage.failed(error.retry_after)
            self.context.answered_at = None
            # the next pass asks something in any case, and so finds out
            self._resync.now()
            self._tell.now()
            return busy
        self._well()
        return busy

    def _by_the_clock(self) -> bool:
        """What needs no Argo."""
        self._tell_the_watch()
        if not self._timers.is_due(TIMERS):
            return False
        self._timers.done()
        return timers.run(self.context)

    def _with_argo(self) -> bool:
        """What needs it, the waiting people first. The list comes last: it also is the probe during an outage."""
        steps: tuple[Callable[[], bool], ...] = (
            self._events,
            lambda: self._rows(submit.due(self.context), submit.submit),
            lambda: self._rows(attend.due(self.context), attend.attend),
            lambda: self._rows(checks.to_submit(self.context), checks.submit),
            lambda: self._rows(checks.to_look_at(self.context), checks.look),
            self._fetch,
            self._resynchronise,
            self._logs,
            self._self_check,
        )
        busy = False
        for step in steps:
            if self._stopping():
                return busy
            busy = step() or busy
        return busy

    # ── units ────────────────────────────────────────────────────────────────────────────────────────────────

    def _events(self) -> bool:
        """What the watch saw. An event of a run that is not recorded as submitted yet is left to the list."""
        events = self.mailbox.take()
        if not events:
            return False
        runs = Run.objects.filter(workflow_name__in=list(events), state=RunState.SUBMITTED).select_related("request")
        looks = Check.objects.filter(workflow_name__in=list(events), state=CheckState.SUBMITTED)
        busy = self._rows(runs, lambda context, run: _event(context, run, events[run.workflow_name]))
        return self._rows(looks, lambda context, look: _end(context, look, events[look.workflow_name])) or busy

    def _fetch(self) -> bool:
        """Some of the runs that the list left in doubt."""
        since = dict(self._doubtful.popleft() for _ in range(min(FETCH_BATCH, len(self._doubtful))))
        runs = Run.objects.filter(pk__in=since, state=RunState.SUBMITTED).select_related("request")
        # what the watch told of meanwhile is settled; should that have been older news, the next list doubts it again
        unsettled = [run for run in runs if run.observed_at is None or run.observed_at < since[run.pk]]
        return self._rows(unsettled, _fetch)

    def _resynchronise(self) -> bool:
        well = self.watcher is not None and self.watcher.is_well
        wanted = self.watcher is not None and self.watcher.wants_list
        if not wanted and not self._resync.is_due(settings.RESYNC_SECONDS if well else RESYNC_WITHOUT_WATCH):
            return False
        asked_at = self.context.now()
        found = resync.resync(self.context)
        self._resync.done()
        status.resynced(self.context.now())
        waiting = {pk for pk, _ in self._doubtful}
        self._doubtful.extend((pk, asked_at) for pk in found.doubtful if pk not in waiting)
        ended = checks.hurry(self.context, found.going_on)
        if self.watcher is not None and (wanted or _is_behind(found, self.watcher)):
            self.watcher.follow(found.version)
        return bool(found.doubtful or ended)

    def _logs(self) -> bool:
        """Hand the copier what is due; it works beside the loop."""
        context = self.context
        if context.dirty:
            runs, context.dirty = context.dirty, set()
            self._offer(logs.incomplete().filter(step__run__in=runs).values_list("pk", flat=True))
        if self._look.is_due(LOOK_AT_LOGS):
            self._look.done()
            for pk in logs.growing(context.now()).values_list("pk", flat=True)[:LOGS_AT_ONCE]:
                self.copier.offer(pk, look=True)
        if self._sweep.is_due(SWEEP_LOGS):
            self._sweep.done()
            self._offer(logs.incomplete().order_by("pk").values_list("pk", flat=True)[:LOGS_AT_ONCE])
            logs.complete_runs(Run.objects.all())
        return False

    def _offer(self, keys: Iterable[int]) -> None:
        for pk in keys:
            self.copier.offer(pk)

    def _self_check(self) -> bool:
        """Beside the loop, as it tries every right by a call."""
        if self._check.is_due(SELF_CHECK) and (self._checking is None or not self._checking.is_alive()):
            self._check.done()
            if self.watcher is None:
                selfcheck.run(self.context)
                return False
            self._checking = threading.Thread(target=self._check_in_thread, name="self-check", daemon=True)
            self._checking.start()
        return False

    def _check_in_thread(self) -> None:
        attempt(partial(selfcheck.run, self.context), doing="check Argo")
        connections.close_all()

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _rows(self, rows: Iterable[Row], unit: Callable[[Context, Row], bool]) -> bool:
        """`unit` for each; what one row meets is that row's trouble, what Argo as a whole meets ends the pass."""
        busy = False
        for row in rows:
            if self._stopping():
                break
            busy = self._row(row, unit) or busy
        return busy

    def _row(self, row: Row, unit: Callable[[Context, Row], bool]) -> bool:
        try:
            done, error = attempt_row(lambda: unit(self.context, row), **_about(row))
        except ArgoError as trouble:
            # pushed back as well, so that a call that always fails does not stand before all others
            push_back(row, trouble, self.context.now())
            if trouble.whole_server:
                raise
            log.warning("pushed back", **_about(row), cause=trouble.cause)
            return True
        if error is not None:
            push_back(row, error, self.context.now())
        return bool(done)

    # ── how things are ───────────────────────────────────────────────────────────────────────────────────────

    def _well(self) -> None:
        self.outage.over()
        if self.context.answered_at is None or not self._tell.is_due(TELL_STATUS):
            return
        self._tell.done()
        if status.answered(self.context.answered_at):
            submit.wake_all(self.context)
            checks.wake_all(self.context)
            self._check.now()

    def _tell_the_watch(self) -> None:
        since = self.watcher.since if self.watcher is not None else None
        if since != self._said:
            self._said = since
            status.watching(since)


def _event(context: Context, run: Run, event: WatchEvent) -> bool:
    done = observe.record(context, run, event.object)
    if event.type == "DELETED":
        done = observe.fetch(context, run) or done
    return attend.conclude_if_ended(context, run) or done


def _end(context: Context, look: Check, event: WatchEvent) -> bool:
    return checks.look(context, look) if event.type == "DELETED" else checks.record(context, look, event.object)


def _about(row: Run | Check) -> dict[str, str]:
    return submit.about(row) if isinstance(row, Run) else checks.about(row)


def _fetch(context: Context, run: Run) -> bool:
    done = observe.fetch(context, run)
    return attend.conclude_if_ended(context, run) or done


def _is_behind(found: resync.Resync, watcher: Watcher) -> bool:
    """The list has seen what the watch has not, and counts from lower: it is another Argo than before."""
    both = found.version.isdigit() and watcher.version.isdigit()
    return bool(found.doubtful) and both and int(found.version) < int(watcher.version)
