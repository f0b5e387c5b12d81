from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from provisioning.argo import ArgoWorkflowsClient
from tests.argo.wire import Server

TOKEN = "tok-" + "3f2c8f1e" * 4


@pytest.fixture
def server() -> Iterator[Server]:
    with contextlib.closing(Server()) as running:
        yield running


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[..., ArgoWorkflowsClient]]:
    """A client of `server` that never really pauses; keywords go to its constructor."""
    clients: list[ArgoWorkflowsClient] = []

    def make(url: str = "", **settings: Any) -> ArgoWorkflowsClient:
        given: dict[str, Any] = {"token": TOKEN, "timeout_ms": 20_000, "sleep": lambda seconds: None} | settings
        clients.append(ArgoWorkflowsClient(url or server.url, "argo", **given))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., ArgoWorkflowsClient]) -> ArgoWorkflowsClient:
    return connect()
