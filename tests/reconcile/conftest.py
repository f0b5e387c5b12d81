"""Two Argos: `trial` works at once on what it gets, `still` has no controller, so that tests move workflows by hand."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.argo import ArgoWorkflowsClient
from provisioning.config import the_catalog
from provisioning.models import Request, Run, RunState, Step, User
from provisioning.reconcile import submit
from provisioning.reconcile.context import Context
from provisioning.reconcile.copier import Copier
from provisioning.trial.engine import validate
from provisioning.trial.server import Account, Accounts, Server, Trial
from provisioning.trial.server.installing import install
from provisioning.trial.server.machine import Machine, Settings
from provisioning.trial.store import Store
from provisioning.workflows import workflow
from provisioning.workflows.templates import write_templates
from tests import recordings
from tests.argo.wire import Server as Wire

CAP = 64 * 1024
NS = "argo"


class Clock:
    """Now, and as much later as a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return timezone.now() + self.ahead

    def pass_by(self, **how_long: float) -> None:
        self.ahead += timedelta(**how_long)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    write_templates(folder, the_catalog().cluster)
    return folder


@pytest.fixture
def trial(tmp_path: Path, templates: Path) -> Iterator[Machine]:
    with Machine(Settings(state=tmp_path / "trial", port=0, templates=templates, pod_seconds=0)) as machine:
        yield machine


@dataclass
class Still:
    """An Argo Server whose controller never looks."""

    store: Store
    server: Server
    token: str
    accounts: Accounts

    def show(self, name: str, recorded: str) -> dict[str, Any]:
        """Bring the workflow `name` into the state of a recorded one, whose name and times it takes over."""
        found = of_run(recorded, name)

        def change(thing: dict[str, Any]) -> dict[str, Any]:
            return {**thing, "status": found["status"], "spec": {**thing["spec"], **shutdown(found)}}

        return self.store.update("workflows", NS, name, change)

    def status(self, name: str, **status: Any) -> None:
        self.store.update("workflows", NS, name, lambda thing: {**thing, "status": {**thing["status"], **status}})

    def names(self) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.store.list("workflows", NS))

    def log(self, pod: str, name: str, *lines: str) -> None:
        self.store.put_pod(NS, pod, name)
        self.store.append_lines(NS, pod, lines)


def shutdown(found: dict[str, Any]) -> dict[str, Any]:
    return {"shutdown": found["spec"]["shutdown"]} if "shutdown" in found["spec"] else {}


def of_run(recorded: str, name: str) -> dict[str, Any]:
    """A recorded workflow under another name."""
    found: dict[str, Any] = copy.deepcopy(recordings.load("runs")[f"runs/{recorded}.json"])
    nodes = found["status"].get("nodes") or {}
    old = found["metadata"]["name"]
    for node in nodes.values():
        for key in ("name", "displayName", "id"):
            node[key] = node[key].replace(old, name)
    return found


@pytest.fixture
def still(tmp_path: Path, templates: Path) -> Iterator[Still]:
    store, accounts = Store(tmp_path / "store.sqlite3"), Accounts()
    install(store, validate, templates, NS)
    token = accounts.add(Account("platform-portal", NS, namespaces=frozenset({NS})))
    server = Server(Trial(store, validate, accounts, NS, time.time), calls_per_second=0)
    server.start()
    yield Still(store, server, token, accounts)
    server.stop()
    store.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., ArgoWorkflowsClient]]:
    clients = []

    def make(argo: Still | Machine, **settings: Any) -> ArgoWorkflowsClient:
        given: dict[str, Any] = {"token": argo.token, "timeout_ms": 10_000, "sleep": lambda seconds: None} | settings
        clients.append(ArgoWorkflowsClient(argo.server.url, NS, **given))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def context_of(client: ArgoWorkflowsClient, clock: Callable[[], datetime], name: str = "worker-1") -> Context:
    copier = Copier(0, cap_bytes=CAP)
    context = Context(client, name, copier, 10.0, now=clock)
    copier.start(context)
    return context


@pytest.fixture
def desk(still, connect, clock) -> Context:
    return context_of(connect(still), clock)


@pytest.fixture
def approve(open_request, dana) -> Callable[..., Run]:
    """An approved request's run, as the worker finds it."""

    def make(by: User | None = None, **changes: Any) -> Run:
        request: Request = open_request(by=by, **changes)
        lifecycle.approve(request, by=dana, digest=request.digest)
        run = request.current_run
        assert run is not None
        return fresh(run)

    return make


def fresh(run: Run) -> Run:
    return Run.objects.select_related("request__namespace", "request__team").get(pk=run.pk)


@pytest.fixture
def recorded_run(approve) -> Callable[[str], tuple[Run, dict[str, Any]]]:
    """A submitted run for a recorded workflow, whatever its kind, with the workflow."""

    def make(name: str) -> tuple[Run, dict[str, Any]]:
        found = recordings.load("runs")[f"runs/{name}.json"]
        kinds = {prefix: kind for kind, prefix in workflow.PREFIXES.items()}
        kind = kinds[found["metadata"]["name"].rsplit("-", 2)[0]]
        run = approve()
        run.steps.all().delete()
        Step.objects.bulk_create(
            Step(run=run, position=position, name=step.name) for position, step in enumerate(workflow.PLAN[kind])
        )
        Request.objects.filter(pk=run.request_id).update(kind=kind)
        lifecycle.claim(run, "w")
        lifecycle.submitted(run, uid=found["metadata"]["uid"])
        Run.objects.filter(pk=run.pk).update(workflow_name=found["metadata"]["name"])
        return fresh(run), found

    return make


@pytest.fixture
def submitted(desk, approve) -> Callable[..., Run]:
    """A run that `still` has."""

    def make(**changes: Any) -> Run:

        run = approve(**changes)
        assert submit.submit(desk, run)
        run = fresh(run)
        assert run.state == RunState.SUBMITTED
        return run

    return make


class Address:
    """What `connect` wants to know of a server that is no trial."""

    token = "t"

    def __init__(self, server: Any) -> None:
        self.server = server


@pytest.fixture
def wire() -> Iterator[Wire]:
    """An Argo that answers with the very bytes a test wants."""
    server = Wire()
    yield server
    server.close()


@pytest.fixture
def wired(wire, connect, clock) -> Context:
    return context_of(connect(Address(wire), timeout_ms=2_000), clock)
