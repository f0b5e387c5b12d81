"""The trial as tests want it: at once, on a free port, with a state of its own."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from provisioning.config import the_catalog
from provisioning.trial.cluster import Cluster
from provisioning.trial.control import Control
from provisioning.trial.engine import validate
from provisioning.trial.server import Account, Accounts, Server
from provisioning.trial.server import Trial as Served
from provisioning.trial.server.installing import install
from provisioning.trial.server.machine import Machine, Settings
from provisioning.trial.store import Store
from provisioning.workflows.templates import workflow_templates, write_templates

NS = "argo"
OVER = frozenset({"Succeeded", "Failed", "Error"})

Json = dict[str, Any]


class Trial:
    """A trial that is running, and what a test asks it behind the portal's back."""

    def __init__(self, store: Store, server: Server, token: str, state: Path, cluster: Cluster | None = None) -> None:
        self.store, self.server, self.token, self.state, self.cluster = store, server, token, state, cluster

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def control(self) -> Control:
        return Control(self.state)

    def cluster_object(self, kind: str, name: str, namespace: str = "") -> Json | None:
        """What the trial's cluster has."""
        assert self.cluster is not None
        return self.cluster.get(kind, namespace, name)

    def labels(self, namespace: str) -> dict[str, str]:
        """Of a namespace that must be there."""
        found = self.cluster_object("Namespace", namespace)
        assert found is not None, f"no namespace {namespace}"
        return dict(found["metadata"]["labels"])

    def workflows(self) -> list[Json]:
        return self.store.list("workflows", NS)

    def names(self) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.workflows())

    def workflow(self, name: str) -> Json:
        return self.store.get("workflows", NS, name)

    def phases(self) -> dict[str, str]:
        return {item["metadata"]["name"]: item.get("status", {}).get("phase", "") for item in self.workflows()}

    def written(self, pod: str) -> list[str]:
        """The lines of a pod's container `main`, the executor's own among them."""
        return [line.content for line in self.store.read_log(NS, pod, "main")]

    def pods(self, workflow: str) -> list[str]:
        """Names of the pods that were made for a workflow."""
        return [pod.name for pod in self.store.pods(NS, workflow)]

    def news(self, seconds: float) -> None:
        """Wait until anything happens to a workflow, `seconds` at most."""
        self.store.events("workflows", NS, self.store.version(), seconds)


def shipped_templates(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_templates(folder, the_catalog().cluster)
    return folder


def templates_with(folder: Path, script: Callable[[str], str]) -> Path:
    """The shipped templates with the same DAGs, retries and exit handlers, but other scripts: `script(name of the
    template)` is what `sh` runs in place of the real one."""
    folder.mkdir(parents=True, exist_ok=True)
    for template in workflow_templates(the_catalog().cluster):
        changed = copy.deepcopy(template)
        for one in changed["spec"]["templates"]:
            if "container" in one:
                one["container"] = {
                    **one["container"],
                    "command": ["sh", "-c"],
                    "args": [script(one["name"])],
                }
        (folder / f"{template['metadata']['name']}.yaml").write_text(yaml.safe_dump(changed))
    return folder


@contextmanager
def running(state: Path, templates: Path, **settings: Any) -> Iterator[Trial]:
    """The whole trial, whose pods start at once and whose namespaces go at once."""
    given = {"state": state, "port": 0, "templates": templates, "pod_seconds": 0, "calls_per_second": 0, **settings}
    with Machine(Settings(**given)) as machine:
        # a namespace that terminates is gone at once
        machine.cluster._deletion_seconds = 0.0
        yield Trial(machine.store, machine.server, machine.token, state, machine.cluster)


@contextmanager
def standing_still(folder: Path, templates: Path) -> Iterator[Trial]:
    """Argo's server without a controller: workflows stay as they were submitted."""
    folder.mkdir(parents=True, exist_ok=True)
    store, accounts = Store(folder / "store.sqlite3"), Accounts()
    install(store, validate, templates, NS)
    token = accounts.add(Account("platform-portal", NS, namespaces=frozenset({NS})))
    server = Server(Served(store, validate, accounts, NS, time.time), calls_per_second=0)
    server.start()
    try:
        yield Trial(store, server, token, folder)
    finally:
        server.stop()
        store.close()
