from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.trial.engine import Engine
from provisioning.trial.store import Store

NAMESPACE = "argo"
START = 1_800_000_000.0


class Clock:
    """Seconds since 1970; goes on only when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class World:
    """A store and an engine in the test's own thread; containers are real processes."""

    def __init__(self, directory: Path, namespace: str = NAMESPACE, **options: Any) -> None:
        self.directory, self.namespace = directory, namespace
        self.clock = Clock()
        self.store = Store(directory / "store.db", self.clock)
        defaults: dict[str, Any] = {"pod_seconds": 0.0, "clock": self.clock, "grace_seconds": 2.0}
        self.options = defaults | options
        self.engine = Engine(self.store, **self.options)

    def close(self) -> None:
        self.engine.stop()
        self.store.close()

    def restart(self) -> None:
        """Stop the engine in the middle of whatever it does, and begin with another one."""
        self.engine.stop()
        self.engine = Engine(self.store, **self.options)

    def submit(self, name: str, templates: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
        body = {"entrypoint": "main", "arguments": {}, **spec}
        if templates is not None:
            body["templates"] = templates
        meta = {"name": name, "namespace": self.namespace}
        return self.store.create("workflows", {"metadata": meta, "spec": body, "status": {"startedAt": None}})

    def change(self, name: str, **spec: Any) -> None:
        def mutate(workflow: dict[str, Any]) -> dict[str, Any]:
            workflow["spec"] |= spec
            return workflow

        self.store.update("workflows", self.namespace, name, mutate)

    def finish(self, rounds: int = 100) -> None:
        """Run on, the clock jumping to whatever is due next, until nothing is or all workflows are over."""
        for _ in range(rounds):
            due = self.engine.settle()
            if due is None or not self.unfinished():
                return
            self.clock.now = max(self.clock.now, due)
        raise AssertionError("it never ends")

    def unfinished(self) -> list[str]:
        return [
            workflow["metadata"]["name"]
            for workflow in self.store.list("workflows")
            if not workflow.get("status", {}).get("finishedAt")
        ]

    def until(self, name: str, node: str, phase: str) -> None:
        """Run on until a node has a phase."""
        self.engine.settle(lambda: self.nodes(name).get(node, {}).get("phase") == phase)
        assert self.nodes(name)[node]["phase"] == phase

    def workflow(self, name: str) -> dict[str, Any]:
        return self.store.get("workflows", self.namespace, name)

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.workflow(name)["status"]
        return status

    def nodes(self, name: str) -> dict[str, dict[str, Any]]:
        """Nodes by name, the workflow's own name left out: `.task`, `[0].step`, `` for the root."""
        nodes = self.workflow(name).get("status", {}).get("nodes", {}).values()
        return {node["name"].removeprefix(name): node for node in nodes}

    def phases(self, name: str) -> dict[str, str]:
        return {key: node["phase"] for key, node in self.nodes(name).items()}

    def log(self, pod: str) -> list[str]:
        """A pod's own lines, without the executor's."""
        return [
            line.content
            for line in self.store.read_log(self.namespace, pod)
            if "argo=true" not in line.content and not line.content.startswith("Error: exit status")
        ]


class Gate:
    """A named pipe at which a script stands: `cat <gate>` ends when it opens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)

    def __str__(self) -> str:
        return str(self.path)

    def arrived(self) -> int:
        """Waits for the script to arrive; it stays until the returned descriptor is closed."""
        return os.open(self.path, os.O_WRONLY)

    def open(self) -> None:
        """Waits for the script to arrive, then lets it pass."""
        os.close(self.arrived())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def gate(tmp_path: Path) -> Callable[[str], Gate]:
    return lambda name: Gate(tmp_path / name)


def script(name: str, text: str, **more: Any) -> dict[str, Any]:
    container = {"image": "alpine:3.18", "command": ["/bin/sh", "-c"], "args": [text]}
    container |= more.pop("container", {})
    return {"name": name, "container": container, **more}


def dag(*tasks: dict[str, Any], name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "dag": {"tasks": list(tasks)}, **more}


def task(name: str, template: str, *dependencies: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "template": template, "dependencies": list(dependencies), **more}
