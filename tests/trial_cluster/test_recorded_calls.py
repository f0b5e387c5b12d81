"""Every recorded call of the real kubectl gets the same answer here and leaves the same objects."""

from __future__ import annotations

import pytest

from provisioning.trial.cluster import Cluster, KubectlResult
from tests import recordings
from tests.trial_cluster import departures, state
from tests.trial_cluster.matching import Bindings

LARGE = "<the letter x, 262144 times>"
CALLS = {
    path.removeprefix("kubectl/").removesuffix(".json"): recording
    for path, recording in recordings.load("kubectl").items()
    if path.endswith(".json") and "/scripts/" not in path
}


def outage_of(name: str) -> str | None:
    """How the API server failed in a recording of the connection group."""
    words = name.split("-")[1:]
    if words[0] == "answer":
        return words[1]
    return words[0] if words[0] in ("refused", "silent", "unauthorized") else None


def play(cluster: Cluster, name: str, bindings: Bindings) -> KubectlResult:
    recording = CALLS[name]
    if mode := outage_of(name):
        cluster.fail(mode)

    def files(path: str) -> bytes:
        if path not in recording.get("files", {}):
            raise FileNotFoundError(path)
        return bindings.fill(recording["files"][path]).encode()

    # <rv-3> stands in one input only, as a version that is not the object's
    stdin = bindings.fill(recording["stdin"] or "").replace(LARGE, "x" * 262144).replace("<rv-3>", "1")
    later = "later" in name or "answer" in name
    return cluster.kubectl(recording["as"], recording["argv"], stdin, files, discovered=later)


def said(name: str, text: str) -> str:
    return "\n".join(sorted(text.splitlines())) if name in departures.UNORDERED else text


@pytest.mark.parametrize("name", sorted(set(CALLS) - set(departures.CALLS)))
def test_a_recorded_call_is_answered_as_it_was(name: str, cluster: Cluster, clock: state.Clock) -> None:
    recording = CALLS[name]
    bindings = state.load(cluster, recording["before"])
    result = play(cluster, name, bindings)
    assert result.exit_code == recording["exit_code"], result.stderr
    for expected, actual in ((recording["stdout"], result.stdout), (recording["stderr"], result.stderr)):
        if not bindings.text_matches(said(name, expected), said(name, actual)):
            assert actual == expected
    after = recording["before" if name in departures.UNCHANGED else "after"]
    assert state.left_over(cluster, clock, after, bindings) == []


def test_every_departure_names_a_recording_and_a_reason() -> None:
    assert set(departures.CALLS) | set(departures.UNORDERED) <= set(CALLS)
    assert all([*departures.CALLS.values(), *departures.UNORDERED.values()])


@pytest.mark.parametrize("name", sorted(departures.CALLS))
def test_a_departure_is_still_one(name: str, cluster: Cluster) -> None:
    recording = CALLS[name]
    bindings = state.load(cluster, recording["before"])
    result = play(cluster, name, bindings)
    same = bindings.text_matches(recording["stdout"], result.stdout) and bindings.text_matches(
        recording["stderr"], result.stderr
    )
    assert not same, "the trial answers this one now: take it off the table"
