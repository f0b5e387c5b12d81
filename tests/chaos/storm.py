"""Two workers behind faulty networks, killed now and then; and what must be true when the weather is fair again."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from provisioning import logbook
from provisioning.models import AuditEvent, Phase, Request, Run, RunState, StepLog, WorkerLease
from tests.support.faults import FAIR, Fault, Proxy, Seen, Weather
from tests.support.trials import Trial
from tests.support.waiting import until
from tests.support.workers import Process

# Long enough that a slow machine is not taken for an absent Argo, short enough that hanging calls end soon.
TIMEOUT_MS = "2000"


class Victim:
    """A worker process and the network between it and Argo. Killed at calls that the seed chooses: in the middle of
    whatever its threads are doing at that moment."""

    def __init__(self, trial: Trial, seed: int, number: int, *, rate: float, every: int) -> None:
        self._dice = random.Random(f"{seed}/{number}")
        self._weather = Weather(seed * 100 + number, rate)
        self._every = every
        self._calls_left = self._next()
        self._lock = threading.Lock()
        self.killed = 0
        self.fair = False
        self.proxy = Proxy(trial.server.port, self._plan)
        self.process = Process(self.proxy.url, trial.token, ARGO_TIMEOUT=TIMEOUT_MS, LOG_LEVEL="WARNING")

    def _next(self) -> int:
        return self._dice.randint(self._every // 4, self._every)

    def _plan(self, seen: Seen) -> Fault:
        if self.fair:
            return FAIR
        with self._lock:
            self._calls_left -= 1
            if self._calls_left <= 0:
                self._calls_left = self._next()
                self.killed += 1
                self.process.signal_kill()
        return self._weather(seen)

    @contextmanager
    def living(self) -> Iterator[Victim]:
        with self.proxy, self.process:
            yield self

    def tend(self) -> None:
        """Start it again if it was killed."""
        if not self.process.is_alive:
            self.process.restart()

    def cease(self, *, fresh: bool) -> None:
        self.fair = True
        self.proxy.cease()
        if fresh:
            self.process.kill()
        self.tend()


@dataclass(frozen=True, slots=True)
class Force:
    """How bad the weather is: the share of calls that meet a fault, after how many calls at most a worker is killed,
    how many are killed at least, and how many seconds it lasts at most. With `fresh`, workers are killed once more when
    it ends, so that nobody has to wait until they dare to ask again."""

    rate: float
    every: int
    kills: int
    seconds: float
    fresh: bool = False


def blow(trial: Trial, seed: int, force: Force, over: Callable[[], bool], *, settle_seconds: float) -> list[Victim]:
    """Let two workers work in bad weather until `over`, then in fair weather until everything has settled."""
    dice = random.Random(seed)
    deadline = time.monotonic() + force.seconds
    with ExitStack() as stack:
        victims = [
            stack.enter_context(Victim(trial, seed, number, rate=force.rate, every=force.every).living())
            for number in range(2)
        ]
        pause = threading.Event()
        while time.monotonic() < deadline:
            done = over()
            if done and sum(victim.killed for victim in victims) >= force.kills:
                break
            for victim in victims:
                victim.tend()
            if dice.random() < 0.2:
                _take_the_lease_away()
            pause.wait(0.1)
        for victim in victims:
            victim.cease(fresh=force.fresh)
        _settle(victims, settle_seconds)
    return victims


def _take_the_lease_away() -> None:
    """Whoever has it does not notice before its next beat: for a moment two workers work."""
    WorkerLease.objects.filter(pk=1).update(holder="", expires_at=timezone.now())


def _settle(victims: list[Victim], seconds: float) -> None:
    def settled() -> bool:
        for victim in victims:
            victim.tend()
        return not Run.objects.exclude(state=RunState.FINISHED).exists() and not _unread().exists()

    with contextlib.suppress(AssertionError):
        until(settled, seconds, "all runs are over and their logs stored")


# ── what must be true ────────────────────────────────────────────────────────────────────────────────────────────


def unsettled() -> list[str]:
    """Runs that have not come to their end, and logs that are not stored whole."""
    rows = Run.objects.exclude(state=RunState.FINISHED)
    going_on = [f"{run.workflow_name}: {run.state}, {run.workflow_phase}, {run.trouble}" for run in rows]
    return going_on + [f"{log.pod_name}: not whole" for log in _unread()]


def _unread() -> QuerySet[StepLog]:
    return StepLog.objects.filter(complete=False)


def adopted() -> int:
    """Runs whose answer never came, and which were found again."""
    events = AuditEvent.objects.filter(action="run.submitted")
    return sum(bool(after["adopted"]) for after in events.values_list("after", flat=True))


def wrong_workflows(trial: Trial) -> list[str]:
    """Attempts that do not have exactly the one workflow that the portal knows; workflows that belong to none."""
    there = {item["metadata"]["name"]: item["metadata"]["uid"] for item in trial.workflows()}
    found = []
    for run in Run.objects.select_related("request"):
        uid = there.pop(run.workflow_name, None)
        never = run.submitted_at is None and run.request.cancel_requested_at is None
        if uid != (run.workflow_uid or None) and not (never and uid is None):
            found.append(f"{run.workflow_name}: portal {run.workflow_uid or 'none'}, Argo {uid}")
    return found + [f"{name}: nobody's" for name in there]


def wrong_phases(trial: Trial) -> list[str]:
    """Requests whose phase is not that of their newest attempt's workflow."""
    phases = trial.phases()
    found = []
    for run in Run.objects.select_related("request"):
        if run.attempt != run.request.attempt or run.submitted_at is None:
            continue
        expected = expected_phase(run.request, phases[run.workflow_name], trial.workflow(run.workflow_name))
        if run.request.phase != expected or run.workflow_phase != phases[run.workflow_name]:
            found.append(f"{run.workflow_name}: {run.request.phase}, Argo {phases[run.workflow_name]}")
    return found


def expected_phase(request: Request, phase: str, workflow: dict[str, object]) -> str:
    if phase == "Succeeded":
        return Phase.SUCCEEDED
    spec = workflow["spec"]
    stopped = isinstance(spec, dict) and "shutdown" in spec
    return Phase.CANCELLED if request.cancel_requested_at is not None and stopped else Phase.FAILED


def wrong_logs(trial: Trial, expected: Callable[[StepLog], list[str]]) -> list[str]:
    """Logs that are not what their step wrote, or are missing for a pod that ran."""
    found = []
    logs = StepLog.objects.select_related("step__run__request").exclude(pod_name="")
    known = {log.pod_name for log in logs}
    for log in logs:
        told = [line.text for line in logbook.lines(log, limit=100_000)]
        if told != expected(log):
            found.append(f"{log.pod_name}: {len(told)} lines, {told[-1:]}; wrote {expected(log)[-1:]}")
    ran = [pod for item in trial.workflows() for pod in trial.pods(item["metadata"]["name"])]
    return found + [f"{pod}: no log" for pod in ran if pod not in known and trial.written(pod)]
