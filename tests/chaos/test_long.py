"""`make chaos`: a thousand requests through the real scripts, while calls fail and workers are killed.

CHAOS_REQUESTS and CHAOS_SEED make it shorter, or another one.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from provisioning import audit, lifecycle
from provisioning.models import Phase, Request, Run, RunState, StepLog, Team, User
from tests.chaos import storm
from tests.support import trials
from tests.support.asking import approve_all, open_many
from tests.support.trials import Trial

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

COUNT = int(os.environ.get("CHAOS_REQUESTS", "1000"))
SEED = int(os.environ.get("CHAOS_SEED", "0"))
FORCE = storm.Force(rate=0.15, every=150, kills=COUNT // 50, seconds=3600)
# As many are on their way at once, so that approving goes on during the storm.
AT_ONCE = 60


class People:
    """Ask and approve as room becomes free, cancel one in fifteen, retry what failed."""

    def __init__(self, requests: list[Request], dana: User, alice: User, seed: int) -> None:
        self._waiting = list(requests)
        self._total = len(requests)
        self._dana, self._alice = dana, alice
        self._dice = random.Random(seed)
        self._told = 0.0

    def go_on(self) -> bool:
        """Whether the storm has done its work: everything was approved and is over."""
        moving = Run.objects.exclude(state=RunState.FINISHED).count()
        more = [self._waiting.pop() for _ in range(min(len(self._waiting), AT_ONCE - moving))]
        approve_all(more, self._dana)
        for request in more:
            if self._dice.random() < 1 / 15:
                self._cancel(request)
        for request in Request.objects.filter(phase=Phase.FAILED, attempt=1):
            lifecycle.retry(request, by=self._alice)
        self._tell(moving)
        return not self._waiting and not Run.objects.exclude(state=RunState.FINISHED).exists()

    def _cancel(self, request: Request) -> None:
        try:
            lifecycle.cancel(Request.objects.get(pk=request.pk), by=self._alice)
        except lifecycle.Conflict:
            return

    def _tell(self, moving: int) -> None:
        if time.monotonic() - self._told < 15:
            return
        self._told = time.monotonic()
        print(f"{self._total - len(self._waiting)} approved, {moving} on their way", flush=True)  # noqa: T201


def test_a_thousand_requests_in_bad_weather(
    tmp_path: Path, templates: Path, payments: Team, alice: User, dana: User, capsys: pytest.CaptureFixture[str]
):
    requests = open_many(COUNT, payments, alice)
    with capsys.disabled(), trials.running(tmp_path / "trial", templates) as trial:
        for request in requests[::40]:
            trial.control.foreign_namespace(request.name)
        people = People(requests, dana, alice, SEED)
        victims = storm.blow(trial, SEED, FORCE, people.go_on, settle_seconds=600)
        _tell(trial, victims)
        assert storm.unsettled() == []
        assert storm.wrong_workflows(trial) == []
        assert storm.wrong_phases(trial) == []
        assert storm.wrong_logs(trial, lambda log: _written(trial, log)) == []
        assert audit.verify().ok


def _written(trial: Trial, log: StepLog) -> list[str]:
    """The step's own lines, as the trial's pod has them."""
    return [line for line in trial.written(log.pod_name) if not _is_executors(line)]


def _is_executors(line: str) -> bool:
    return (line.startswith("time=") and "argo=true" in line) or line.startswith("Error: exit status")


def _tell(trial: Trial, victims: list[storm.Victim]) -> None:
    faults = [fault.do for victim in victims for _, fault in victim.proxy.log if fault.do != "pass"]
    calls = sum(len(victim.proxy.log) for victim in victims)
    kills = sum(victim.killed for victim in victims)
    print(  # noqa: T201
        f"{len(trial.names())} workflows, {storm.adopted()} of them adopted; {calls} calls, {len(faults)} of them with "
        f"faults; {kills} kills"
    )
