"""The scripts of the four workflow templates, run by `sh` with the shim, do what they did with the real kubectl."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning import catalog
from provisioning.trial.cluster import Cluster
from provisioning.trial.cluster.outcome import KubectlResult
from provisioning.workflows import templates
from tests import recordings
from tests.trial_cluster import departures, state
from tests.trial_cluster.matching import Bindings, differences

SCRIPTS = {
    path.removeprefix("kubectl/scripts/").removesuffix(".json"): recording
    for path, recording in recordings.load("kubectl").items()
    if path.endswith(".json") and "/scripts/" in path
}
# The scripts poll every two seconds; here the clock goes on when they sleep, and nobody waits.
SLEEP = '#!/bin/sh\necho "$1" >> "$SLEPT"\n'
BYTES = re.compile(r"collected \d+ bytes")


class Clock(state.Clock):
    """Goes on by what the scripts have slept."""

    def __init__(self, slept: Path) -> None:
        super().__init__()
        self._slept = slept
        slept.touch()

    def __call__(self) -> float:
        return self.now + sum(map(float, self._slept.read_text().split()))


class Recorder(Cluster):
    """Keeps the calls that come in over the socket."""

    calls: list[dict[str, Any]]

    def _answer(self, request: dict[str, Any]) -> tuple[KubectlResult, bool]:
        answered = super()._answer(request)
        result = answered[0]
        self.calls.append(
            {
                "argv": ["kubectl", *request["argv"]],
                "exit_code": result.exit_code,
                "stdout": result.stdout,
                "stderr": result.stderr,
            }
        )
        return answered


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "slept")


@pytest.fixture
def cluster(tmp_path: Path, clock: Clock) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "cluster.sqlite3", clock=clock, deletion_seconds=state.DELETION_SECONDS)
    made.calls = []
    made.install(tmp_path / "bin")
    sleep = tmp_path / "bin" / "sleep"
    sleep.write_text(SLEEP)
    sleep.chmod(0o755)
    made.serve(tmp_path / "socket")
    yield made
    made.close()


def template_of(recording: dict[str, Any]) -> dict[str, Any]:
    """The container template of the recorded task, as it is installed on a cluster."""
    for workflow in templates.workflow_templates(catalog.load().cluster):
        if workflow["metadata"]["name"] == recording["template"]:
            found = [item for item in workflow["spec"]["templates"] if item["name"] == recording["task"]]
            return dict(found[0])
    raise AssertionError(recording["template"])


def run(recording: dict[str, Any], work: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value.replace("<work>", str(work)) for name, value in recording["env"].items()}
    env |= {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "SLEPT": str(tmp_path / "slept"),
        "TRIAL_CLUSTER_SOCKET": str(tmp_path / "socket"),
        "TRIAL_ACCOUNT": recording["as"],
    }
    script = template_of(recording)["container"]["args"][0]
    if marker := departures.LATER.get(recording["template"]):
        script = script[: script.index(marker)]
    return subprocess.run(
        ["/bin/sh", "-c", script], env=env, cwd=work, capture_output=True, text=True, check=False, timeout=120
    )


def outputs_of(recording: dict[str, Any], work: Path) -> dict[str, str]:
    found = {}
    for parameter in template_of(recording).get("outputs", {}).get("parameters", []):
        if parameter["name"] in departures.LATER_FILES:
            continue
        file = work / parameter["valueFrom"]["path"].removeprefix("/tmp/")
        found[parameter["name"]] = file.read_text() if file.exists() else ""
    return found


def left_in(work: Path) -> dict[str, str]:
    return {
        path.name: path.read_text() for path in work.iterdir() if path.name not in {".kube", *departures.LATER_FILES}
    }


def shortened(calls: list[dict[str, Any]], recording: dict[str, Any]) -> list[dict[str, Any]]:
    """Polling is shortened in the recordings: the first six calls and the last three."""
    return calls[:6] + calls[-3:] if "calls_left_out" in recording else calls


def wrong(recording: dict[str, Any], actual: dict[str, Any], bindings: Bindings) -> list[str]:
    names = ("exit_code", "stdout", "stderr", "calls", "files", "outputs")
    expected = {name: recording[name] for name in names}
    expected["stdout"] = BYTES.sub("collected N bytes", expected["stdout"])
    return differences(expected, actual, bindings)


def before_of(name: str) -> dict[str, Any]:
    before: dict[str, Any] = SCRIPTS[name]["before"]
    if name in departures.BORROWED:
        lender = recordings.load("kubectl")[f"kubectl/{departures.BORROWED[name]}.json"]
        namespace = lender["before"]["objects"][0]["metadata"]["name"]
        borrowed = json.dumps(lender["before"]).replace(namespace, SCRIPTS[name]["env"]["NAMESPACE_NAME"])
        before = json.loads(borrowed)
    return before


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_recorded_script_does_what_it_did(name: str, cluster: Recorder, clock: Clock, tmp_path: Path) -> None:
    recording = SCRIPTS[name]
    before = before_of(name)
    bindings = state.load(cluster, before)
    work = tmp_path / "work"
    work.mkdir()
    bindings.bind("<work>", str(work))
    for word, mode in (("unreachable", "refused"), ("unauthorized", "unauthorized")):
        if word in name:
            cluster.fail(mode)

    done = run(recording, work, tmp_path)

    actual = {
        "exit_code": done.returncode,
        "stdout": BYTES.sub("collected N bytes", done.stdout),
        "stderr": done.stderr,
        "calls": shortened(cluster.calls, recording),
        "files": left_in(work),
        "outputs": outputs_of(recording, work),
    }
    assert wrong(recording, actual, bindings) == []
    assert len(cluster.calls) == recording["calls_total"]
    after = before if name in departures.UNCHANGED else recording["after"]
    assert state.left_over(cluster, clock, after, bindings) == []


def test_every_exception_names_a_script() -> None:
    assert set(departures.BORROWED) <= set(SCRIPTS)
    assert {name for name in departures.UNCHANGED if not name[0].isdigit()} <= set(SCRIPTS)
