"""A trial's server on a free port: its store is filled by the tests, no controller runs unless one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning.trial.engine import validate
from provisioning.trial.server import Account, Accounts, Server, Trial
from provisioning.trial.server.accounts import READ_VERBS
from provisioning.trial.store import Store

from .client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytest.register_assert_rewrite("tests.trial_server.replaying")


class Clock:
    """Stands still at a moment that a test chooses."""

    def __init__(self) -> None:
        self.now = 1_795_449_600.0

    def __call__(self) -> float:
        return self.now

    def set(self, moment: float) -> None:
        self.now = moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite3", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def trial(store: Store, clock: Clock) -> Trial:
    return Trial(store, validate, Accounts(), "argo", clock, keepalive_seconds=15.0)


@pytest.fixture
def server(trial: Trial) -> Iterator[Server]:
    serving = Server(trial, calls_per_second=0)
    serving.start()
    yield serving
    serving.stop()


@pytest.fixture
def client(server: Server) -> Client:
    """Its accounts are those of the recordings: `argo-server` may do everything everywhere."""
    accounts, here = server.trial.accounts, frozenset({"argo"})
    tokens = {
        "argo-server": accounts.add(Account("argo-server", "argo")),
        "portal": accounts.add(Account("portal", "argo", namespaces=here)),
        "readonly": accounts.add(Account("readonly", "argo", READ_VERBS, here)),
        "norights": accounts.add(Account("norights", "argo", frozenset())),
        "deleted-serviceaccount": Accounts().add(Account("gone", "argo")),
    }
    return Client(server.port, tokens)
