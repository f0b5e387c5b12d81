"""What `/status/` shows, from rows alone: a fixed number of queries."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Min, Prefetch
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from provisioning.models import ArgoStatus, Phase, Request, Run, RunState, Step, WorkerLease
from provisioning.progress import Progress, of_rows

SHOWN = 20
SILENT = "Silent"
# The worker resyncs every half minute: without a word from Argo for this long something is the matter.
QUIET = dt.timedelta(minutes=2)
# An approved request is submitted within a second or two.
LONG_QUEUED = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Tile:
    """`big` with its icon; below it `small` and, if any, how long ago `at` was."""

    title: str
    tone: str
    icon: str
    big: str
    small: str
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, since when, and what to do about it."""

    tone: str
    title: str
    text: str
    advice: str
    since: dt.datetime | None = None

    @property
    def remedy(self) -> SafeString:
        return with_code(self.advice)


@dataclass(frozen=True, slots=True)
class RunRow:
    run: Run
    progress: Progress

    @property
    def busy(self) -> str:
        """The steps that go on now, by name."""
        names = [step.name for step in self.progress.steps if step.state in {"running", "finishing", "retrying"}]
        return ", ".join(names)


@dataclass(frozen=True, slots=True)
class StatusView:
    argo: ArgoStatus
    lease: WorkerLease
    now: dt.datetime
    queued: int
    queued_since: dt.datetime | None
    in_flight: int
    undecided: int
    undecided_since: dt.datetime | None
    logs_open: int
    runs: list[RunRow]
    troubled: list[Run]

    @property
    def known_at(self) -> dt.datetime | None:
        """Set while nobody keeps the rows current: as of when they are."""
        return None if self.lease.is_alive else self.lease.heartbeat_at

    @property
    def argo_url(self) -> str:
        return without_password(self.argo.url or settings.ARGO_WORKFLOWS_URL)

    @property
    def argo_namespace(self) -> str:
        return self.argo.namespace or str(settings.ARGO_NAMESPACE)

    @property
    def is_trial(self) -> bool:
        return bool(settings.TRIAL) or "trial" in self.argo.version

    @property
    def verifies_tls(self) -> bool:
        return bool(settings.ARGO_VERIFY_TLS)

    @property
    def uses_tls(self) -> bool:
        return self.argo_url.startswith("https://")

    @property
    def token_from(self) -> str:
        if settings.ARGO_TOKEN_FILE:
            return "a file, read again on every use"
        return "ARGO_TOKEN" if settings.ARGO_TOKEN else "none"

    @property
    def checks(self) -> list[dict[str, Any]]:
        """Those that failed come first."""
        found = sorted((check for check in self.argo.checks if isinstance(check, dict)), key=_is_fine)
        return [{**check, "remedy": with_code(str(check.get("remedy", "")))} for check in found]

    @property
    def checks_fine(self) -> int:
        return sum(_is_fine(check) for check in self.checks)

    @property
    def tiles(self) -> list[Tile]:
        return [self._argo_tile(), self._worker_tile(), self._queue_tile(), self._flight_tile()]

    @property
    def problems(self) -> list[Problem]:
        return list(self._problems())

    @property
    def summary(self) -> str:
        """For people who hear the page; said again only when it changes."""
        return f"Argo: {self._argo_tile().big}. Worker: {self._worker_tile().big}."

    @property
    def version(self) -> str:
        """Differs when anything that is shown does."""
        shown = (
            *(self.argo.last_success_at, self.argo.failing_since, self.argo.cause, self.argo.remedy),
            *(self.argo.watch_since, self.argo.last_resync_at, self.argo.checked_at, self.argo.version),
            *(self.lease.holder, self.lease.heartbeat_at, self.lease.is_alive, self._argo_tile(), self._queue_tile()),
            *(self.in_flight, self.undecided, self.logs_open),
            [(row.run.pk, row.run.observed_at, row.run.request.version) for row in self.runs],
            [(run.pk, run.trouble, run.failures) for run in self.troubled],
        )
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]

    def _argo_tile(self) -> Tile:
        argo, title = self.argo, "Argo Workflows"
        if argo.failing_since is not None:
            return Tile(title, "bad", "x-circle", "Failing", "it began", argo.failing_since)
        if argo.last_success_at is None:
            return Tile(title, "mute", "question", "Not known", "the worker has not reached it yet")
        if not self.lease.is_alive:
            return Tile(title, "mute", "question", "Not known", "it last answered", argo.last_success_at)
        if self.now - argo.last_success_at > QUIET:
            return Tile(title, "warn", "warning", SILENT, "it last answered", argo.last_success_at)
        return Tile(title, "ok", "check-circle", "Reachable", "it last answered", argo.last_success_at)

    def _worker_tile(self) -> Tile:
        lease, title = self.lease, "Worker"
        if lease.heartbeat_at is None:
            return Tile(title, "bad", "x-circle", "Never seen", "none has started")
        if not lease.is_alive:
            return Tile(title, "bad", "x-circle", "Away", "last heartbeat", lease.heartbeat_at)
        return Tile(title, "ok", "check-circle", "Alive", "last heartbeat", lease.heartbeat_at)

    def _queue_tile(self) -> Tile:
        title = "Waiting to be submitted"
        if self.queued_since is None:
            return Tile(title, "ok", "check-circle", "0", "nothing waits")
        late = self.now - self.queued_since > LONG_QUEUED
        return Tile(title, "warn" if late else "info", "clock", str(self.queued), "the oldest", self.queued_since)

    def _flight_tile(self) -> Tile:
        tone, icon = ("info", "in-flight") if self.in_flight else ("ok", "check-circle")
        logs = f"logs of {self.logs_open} still copied" if self.logs_open else "all logs are stored"
        return Tile("Runs in flight", tone, icon, str(self.in_flight), logs)

    def _problems(self) -> Iterator[Problem]:
        argo, lease = self.argo, self.lease
        if not lease.is_alive:
            text = "Nothing is submitted or followed: what is approved waits, and pages show what was known last."
            remedy = "Start `manage.py reconcile`; its log says why it ended."
            yield Problem("bad", "No worker holds the lease", text, remedy, lease.heartbeat_at)
        if argo.failing_since is not None:
            yield Problem("bad", "Argo does not work", argo.cause, argo.remedy, argo.failing_since)
        elif self._argo_tile().big == SILENT:
            text = "The worker is alive but has heard nothing from Argo for a while."
            yield Problem("warn", "Argo is silent", text, "Look at the worker's log.", argo.last_success_at)
        elif lease.is_alive and argo.last_success_at and argo.watch_since is None:
            text = "Changes are found by listing, so pages are up to half a minute late."
            yield Problem(
                "warn", "No watch is open", text, "It is opened again by itself; proxies must let streams by."
            )
        if self.uses_tls and not self.verifies_tls:
            text = "Anybody between the portal and Argo can read its token and answer in its place."
            remedy = "Give ARGO_CA_FILE and take ARGO_VERIFY_TLS=false away."
            yield Problem("warn", "TLS certificates are not verified", text, remedy)


def read() -> StatusView:
    queue = Run.objects.filter(state=RunState.QUEUED).aggregate(count=Count("pk"), since=Min("created_at"))
    undecided = Request.objects.filter(phase=Phase.PENDING).aggregate(count=Count("pk"), since=Min("waiting_since"))
    flying = Run.objects.filter(state=RunState.SUBMITTED)
    return StatusView(
        argo=ArgoStatus.current(),
        lease=WorkerLease.current(),
        now=timezone.now(),
        queued=queue["count"],
        queued_since=queue["since"],
        in_flight=flying.count(),
        undecided=undecided["count"],
        undecided_since=undecided["since"],
        logs_open=Run.objects.filter(state=RunState.FINISHED, logs_complete=False).count(),
        runs=_in_flight(),
        troubled=_troubled(),
    )


def _in_flight() -> list[RunRow]:
    """The newest; three queries."""
    steps = Prefetch("steps", Step.objects.prefetch_related("logs"))
    rows = Run.objects.filter(state=RunState.SUBMITTED).select_related("request__team").prefetch_related(steps)
    shown = rows.defer("request__rendered").order_by("-id")[:SHOWN]
    return [RunRow(run, of_rows(run.request, run, run.steps.all())) for run in shown]


def _troubled() -> list[Run]:
    rows = Run.objects.filter(state__in=[RunState.QUEUED, RunState.SUBMITTED]).exclude(trouble="")
    return list(rows.select_related("request__team").defer("request__rendered").order_by("id")[:SHOWN])


def _is_fine(check: dict[str, Any]) -> bool:
    return bool(check.get("ok"))


def with_code(text: str) -> SafeString:
    """What stands between backticks as code; all of it escaped."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )


def without_password(url: str) -> str:
    """The address as people may see it."""
    host = urlsplit(url).netloc
    return url.replace(host, f"…@{host.rpartition('@')[2]}", 1) if "@" in host else url
