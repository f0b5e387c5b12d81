"""Fixtures for tests that go the whole way; a folder's conftest imports those it wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.argo import ArgoWorkflowsClient
from tests.support import trials, workers
from tests.support.faults import Proxy
from tests.support.trials import Trial
from tests.support.workers import Clock, Passes


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trials.shipped_templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def trial(tmp_path: Path, templates: Path) -> Iterator[Trial]:
    with trials.running(tmp_path / "trial", templates) as found:
        yield found


@pytest.fixture
def still(tmp_path: Path, templates: Path) -> Iterator[Trial]:
    """An Argo Server whose controller never looks."""
    with trials.standing_still(tmp_path / "still", templates) as found:
        yield found


@pytest.fixture
def faults(trial: Trial) -> Iterator[Proxy]:
    """A proxy before the trial, with fair weather until a test says otherwise."""
    with Proxy(trial.server.port) as proxy:
        yield proxy


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect() -> Iterator[Callable[..., ArgoWorkflowsClient]]:
    """`connect(trial or proxy, token)`: a client that is closed at the end of the test."""
    made: list[ArgoWorkflowsClient] = []

    def make(url: str, token: str, **given: Any) -> ArgoWorkflowsClient:
        made.append(workers.client_of(url, token, **given))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def worker(trial: Trial, connect: Callable[..., ArgoWorkflowsClient], clock: Clock) -> Passes:
    """A worker that does one pass when told to."""
    return Passes(connect(trial.url, trial.token), clock=clock)
