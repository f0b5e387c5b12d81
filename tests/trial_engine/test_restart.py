"""The trial is stopped, or killed, in the middle of runs: every run ends, and nothing happens twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from provisioning.trial.engine import Engine
from provisioning.trial.engine.process import identity
from provisioning.trial.store import Store

from .conftest import World, dag, script, task

KILLED = """
import sys, time
from pathlib import Path
from provisioning.trial.engine import Engine
from provisioning.trial.store import Store
store = Store(sys.argv[1])
engine = Engine(store, pod_seconds=0)
engine.start()
print("ready", flush=True)
time.sleep(600)
"""


def test_a_run_goes_on_after_a_restart(world: World, gate: Any, tmp_path: Path) -> None:
    marks, pipe = tmp_path / "marks", gate("g")
    short = script("short", f"echo short >> {marks}")
    long = script("long", f"echo start >> {marks}; cat {pipe}; echo end >> {marks}")
    world.submit("w", [dag(task("a", "short"), task("b", "long", "a"), task("c", "short", "b")), short, long])
    world.until("w", ".b", "Running")
    descriptor = pipe.arrived()
    world.restart()
    os.close(descriptor)
    world.until("w", ".b", "Running")
    pipe.open()
    world.finish()
    assert world.status("w")["phase"] == "Succeeded"
    assert world.status("w")["progress"] == "3/3"
    assert marks.read_text().split() == ["short", "start", "start", "end", "short"]


def test_what_had_ended_is_not_run_again(world: World, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    world.submit("w", [script("main", f"echo run >> {marks}")])
    # the container ends, but the controller does not come to look any more
    world.engine.settle(lambda: world.store.log_ended("argo", "w"))
    world.restart()
    world.finish()
    assert world.status("w")["phase"] == "Succeeded"
    assert marks.read_text().split() == ["run"]


def test_a_back_off_goes_on_after_a_restart(world: World) -> None:
    retry = {"limit": "1", "backoff": {"duration": "5s"}}
    world.submit("w", [script("main", "exit 1", retryStrategy=retry)])
    due = world.engine.settle()
    world.restart()
    assert world.engine.settle() == due
    world.finish()
    assert set(world.nodes("w")) == {"", "(0)", "(1)"}


def test_locks_are_held_and_waited_for_after_a_restart(world: World, gate: Any) -> None:
    pipe = gate("g")
    lock = {"mutexes": [{"name": "m"}]}
    world.submit("a", [script("main", f"cat {pipe}")], synchronization=lock)
    world.until("a", "", "Running")
    descriptor = pipe.arrived()
    for name in ("b", "c"):
        world.submit(name, [script("main", "true")], synchronization=lock)
        world.clock.advance(1)
    world.engine.work()
    world.restart()
    os.close(descriptor)
    world.until("a", "", "Running")
    assert world.status("b")["phase"] == world.status("c")["phase"] == "Pending"
    pipe.open()
    world.finish()
    ends = [world.status(name)["finishedAt"] for name in ("a", "b", "c")]
    assert ends == sorted(ends)
    assert {world.status(name)["phase"] for name in ("a", "b", "c")} == {"Succeeded"}


def test_a_deletion_that_is_due_happens_after_a_restart(world: World) -> None:
    world.submit("w", [script("main", "true")], ttlStrategy={"secondsAfterCompletion": 60})
    world.engine.settle()
    world.restart()
    world.clock.advance(60)
    world.engine.settle()
    assert world.store.list("workflows") == []


def test_a_killed_trial_leaves_nothing_running_and_its_runs_end(gate: Any, tmp_path: Path) -> None:
    marks, pipe = tmp_path / "marks", gate("g")
    text = f"echo start >> {marks}; cat {pipe}; echo end >> {marks}"
    store = Store(tmp_path / "store.db")
    meta = {"name": "w", "namespace": "argo"}
    spec = {"entrypoint": "main", "templates": [script("main", text)]}
    store.create("workflows", {"metadata": meta, "spec": spec})
    store.close()
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "store.db")], stdout=subprocess.PIPE) as trial:
        descriptor = pipe.arrived()
        os.kill(trial.pid, signal.SIGKILL)
    store = Store(tmp_path / "store.db")
    pod = store.pods("argo", "w")[0].data
    assert identity(pod["pid"]) == pod["identity"]  # the script outlives the trial
    engine = Engine(store, pod_seconds=0)
    os.close(descriptor)
    engine.work()
    pipe.open()
    engine.settle()
    assert identity(pod["pid"]) != pod["identity"] or _is_zombie(pod["pid"])
    assert store.get("workflows", "argo", "w")["status"]["phase"] == "Succeeded"
    assert marks.read_text().split() == ["start", "start", "end"]
    engine.stop()
    store.close()


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


class Crash(BaseException):
    """The trial is gone: nothing catches this."""


class DyingStore(Store):
    """After so many writes nothing can be written any more, by any thread."""

    def __init__(self, path: Path, clock: Callable[[], float], writes: int) -> None:
        self.left = 10**9
        super().__init__(path, clock)
        self.left = writes

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self.left -= 1
            if self.left < 0:
                raise Crash
        with super()._writing() as connection:
            yield connection


@pytest.mark.parametrize("writes", range(45))
def test_whatever_was_the_last_write_the_run_ends_as_it_should(tmp_path: Path, writes: int) -> None:
    marks = tmp_path / "marks"
    world = World(tmp_path)
    retry = {"limit": "2", "backoff": {"duration": "5s"}}
    first = script("first", f"echo first >> {marks}; [ {{{{retries}}}} = 1 ]", retryStrategy=retry)
    templates = [dag(task("a", "first"), task("b", "second", "a")), first, script("second", f"echo second >> {marks}")]
    world.submit("w", templates, synchronization={"mutexes": [{"name": "m"}]})
    world.engine.stop()
    dying = DyingStore(tmp_path / "store.db", world.clock, writes)
    engine = Engine(dying, pod_seconds=0, clock=world.clock)
    with suppress(Crash):
        while (due := engine.settle()) is not None:
            world.clock.now = max(world.clock.now, due)
    engine.stop()
    dying.close()
    world.engine = Engine(world.store, **world.options)
    world.finish()
    assert world.phases("w") == {
        "": "Succeeded",
        ".a": "Succeeded",
        ".a(0)": "Failed",
        ".a(1)": "Succeeded",
        ".b": "Succeeded",
    }
    assert world.status("w")["progress"] == "2/3"
    assert len(world.store.pods("argo", "w")) == 3
    words = marks.read_text().split()
    assert words == sorted(words)
    # a container whose end was not written down is run again, once
    assert len(words) in {3, 4}
    world.close()


def test_a_workflow_that_the_engine_fails_on_ends_in_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.store.create("workflowtemplates", {"metadata": {"name": "broken", "namespace": "argo"}})
    world.engine.start()
    version = world.store.version()
    world.submit("w", workflowTemplateRef={"name": "broken"})
    for event in world.store.watch("workflows", "argo", version, timeout=30):
        if event.object.get("status", {}).get("phase"):
            break
    assert world.status("w")["phase"] == "Error"
    assert world.status("w")["message"] == "trial: internal error, see the trial's log"
    assert "a look at workflow" in caplog.text


def test_a_pod_that_cannot_be_started_is_an_error(world: World) -> None:
    env = [{"name": f"V{index}", "value": "x" * 100_000} for index in range(2)]
    env[0]["value"] *= 2  # one environment string of a process has 128 KiB at most
    world.submit("w", [script("main", "true", container={"env": env})])
    world.finish()
    assert world.status("w")["phase"] == "Error"
    assert world.status("w")["message"].startswith("trial: the pod could not be run: ")


def test_threads_carry_a_run_to_its_end(world: World) -> None:
    world.engine.start()
    version = world.store.version()
    world.submit("w", [script("main", "echo hi")])
    phases = []
    for event in world.store.watch("workflows", "argo", version, timeout=30):
        phases.append(event.object["status"].get("phase"))
        if phases[-1] == "Succeeded":
            break
    assert phases[-1] == "Succeeded"


def test_some_hundred_workflows_are_no_trouble(world: World) -> None:
    for index in range(200):
        world.submit(f"w{index}", [dag(task("a", "ok"), task("b", "ok", "a")), script("ok", "true")])
    world.finish()
    assert {workflow["status"]["phase"] for workflow in world.store.list("workflows")} == {"Succeeded"}
    assert {workflow["status"]["progress"] for workflow in world.store.list("workflows")} == {"2/2"}
