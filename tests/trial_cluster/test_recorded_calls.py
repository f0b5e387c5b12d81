"""Every recorded call of the real kubectl gets the same answer here and leaves the same objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from provisioning.trial.cluster import Cluster
from tests import recordings
from tests.trial_cluster import departures, state
from tests.trial_cluster.matching import differences

LARGE = "<the letter x, 262144 times>"
CALLS = {
    path.removeprefix("kubectl/").removesuffix(".json"): recording
    for path, recording in recordings.load("kubectl").items()
    if path.endswith(".json") and "/scripts/" not in path
}


@pytest.fixture
def clock() -> state.Clock:
    return state.Clock()


@pytest.fixture
def cluster(tmp_path, clock: state.Clock) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster.sqlite3", clock=clock, deletion_seconds=5, controller_seconds=1)
    yield made
    made.close()


def outage_of(name: str) -> str | None:
    """How the API server failed in a recording of the connection group."""
    words = name.split("-")[1:]
    if words[0] == "answer":
        return words[1]
    return words[0] if words[0] in ("refused", "silent", "unauthorized") else None


@pytest.mark.parametrize("name", sorted(set(CALLS) - set(departures.CALLS)))
def test_a_recorded_call_is_answered_as_it_was(name: str, cluster: Cluster, clock: state.Clock) -> None:
    recording: dict[str, Any] = CALLS[name]
    bindings = state.load(cluster, recording["before"])
    if mode := outage_of(name):
        cluster.fail(mode)

    def files(path: str) -> bytes:
        if path not in recording.get("files", {}):
            raise FileNotFoundError(path)
        return bindings.fill(recording["files"][path]).encode()

    stdin = bindings.fill(recording["stdin"] or "").replace(LARGE, "x" * 262144).replace("<rv-3>", "1")
    later = "later" in name or "answer" in name
    result = cluster.kubectl(recording["as"], recording["argv"], stdin, files, discovered=later)

    assert (result.exit_code, result.stdout, result.stderr) == (
        recording["exit_code"],
        result.stdout if bindings.text_matches(recording["stdout"], result.stdout) else recording["stdout"],
        result.stderr if bindings.text_matches(recording["stderr"], result.stderr) else recording["stderr"],
    )
    after = state.expected(recording["after"])
    if recording.get("after_waited_for") or "ResourceQuota" in str(after) or name in NEEDS_CONTROLLERS:
        clock.now += 60
        cluster.reconcile()
    assert differences(after, state.read(cluster, recording["after"]), bindings) == []


# the controllers were faster than the reading back
NEEDS_CONTROLLERS: set[str] = set()


def test_every_departure_names_a_recording() -> None:
    assert set(departures.CALLS) <= set(CALLS)
