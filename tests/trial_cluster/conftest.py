"""A cluster of its own for every test, with a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.trial.cluster import Cluster, KubectlResult
from tests.trial_cluster import state

PROVISIONER, DECOMMISSIONER, AUDITOR = "namespace-provisioner", "namespace-decommissioner", "namespace-auditor"
Kubectl = Callable[..., KubectlResult]


@pytest.fixture
def clock() -> state.Clock:
    return state.Clock()


@pytest.fixture
def cluster(tmp_path: Path, clock: state.Clock) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster.sqlite3", clock=clock, deletion_seconds=state.DELETION_SECONDS)
    yield made
    made.close()


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    """One call, by default the provisioner's; `files` are contents by path."""

    def call(
        *argv: str, stdin: str = "", account: str = PROVISIONER, files: dict[str, str] | None = None, **more: Any
    ) -> KubectlResult:
        def read(path: str) -> bytes:
            if path not in (files or {}):
                raise FileNotFoundError(path)
            return (files or {})[path].encode()

        return cluster.kubectl(account, list(argv), stdin, read, **more)

    return call
