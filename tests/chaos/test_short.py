"""Whatever the seed: once the weather is fair again, everything is as Argo has it. `make chaos` does it at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning import audit, lifecycle
from provisioning.models import Phase, Request, Run, RunState, StepLog, Team, User
from tests.chaos import scripts, storm
from tests.support import trials
from tests.support.asking import approve_all, open_many
from tests.support.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 25
FORCE = storm.Force(rate=0.07, every=40, kills=2, seconds=20, fresh=True)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trials.templates_with(tmp_path_factory.mktemp("quick"), scripts.script)


@pytest.mark.parametrize("seed", [1, 2])
def test_after_faults_and_kills_everything_is_as_argo_has_it(
    tmp_path: Path, quick: Path, payments: Team, alice: User, dana: User, seed: int
):
    requests = open_many(COUNT, payments, alice)
    with trials.running(tmp_path / "trial", quick) as trial:
        approve_all(requests[:20], dana)
        late = iter(requests[20:])

        def over() -> bool:
            """People go on meanwhile: one more is approved, another one is cancelled, what failed is tried again."""
            if (request := next(late, None)) is not None:
                approve_all([request], dana)
                _cancel(requests[4], dana)
                return False
            _retry_failed(alice)
            return Run.objects.filter(state=RunState.FINISHED).count() >= COUNT // 3

        storm.blow(trial, seed, FORCE, over, settle_seconds=40)
        _check(trial)


def _cancel(request: Request, by: User) -> None:
    try:
        lifecycle.cancel(Request.objects.get(pk=request.pk), by=by)
    except lifecycle.Conflict:
        return


def _retry_failed(by: User) -> None:
    for request in Request.objects.filter(phase=Phase.FAILED, attempt=1):
        lifecycle.retry(request, by=by)


def _check(trial: Trial) -> None:
    assert storm.unsettled() == []
    assert storm.wrong_workflows(trial) == []
    assert storm.wrong_phases(trial) == []
    assert storm.wrong_logs(trial, _written) == []
    failed = {request.name for request in Request.objects.filter(phase=Phase.FAILED)}
    assert failed <= {name for name in Request.objects.values_list("name", flat=True) if scripts.fails(name)}
    assert audit.verify().ok


def _written(log: StepLog) -> list[str]:
    return scripts.written(log.step.name, log.step.run.request.name)
