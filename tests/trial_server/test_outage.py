"""Argo stopped for a while, seen by its clients: recordings 870 and 871."""

from __future__ import annotations

import http.client
import json
import threading
from typing import TYPE_CHECKING

import pytest

from .replaying import exchange, parts, put
from .test_replay_logs import entries, workflow, write

if TYPE_CHECKING:
    from provisioning.trial.server import Server
    from provisioning.trial.store import Store

    from .client import Client
    from .conftest import Clock

FOR_EVER = 3600.0
WATCHES = ["870-kill-watch-json", "870-kill-watch-sse", "871-term-watch-json", "871-term-watch-sse"]
LOGS = ["870-kill-log-follow", "870-kill-log-follow-sse", "871-term-log-follow", "871-term-log-follow-sse"]
IDLE = ["870-kill-watch-sse-idle", "871-term-watch-sse-idle"]
DOWN = ["870-kill-get-while-down", "871-term-get-while-down"]
BACK = ["870-kill-list-right-after-restart", "871-term-list-right-after-restart"]


@pytest.mark.parametrize("name", [*WATCHES, *LOGS])
def test_a_stream_that_has_begun_ends_inside_its_body(
    name: str, server: Server, client: Client, clock: Clock, store: Store
) -> None:
    recorded = exchange(name)
    assert recorded.response["ended"] == "ProtocolError: Response ended prematurely"
    other = exchange("101-submit-fixed-name").body
    if name in LOGS:
        write(store, clock, workflow(store, clock, recorded, "Running"), entries(recorded)[:1])
    else:
        put(store, clock, {**other, "metadata": {**other["metadata"], "name": "out-a"}, "status": {"phase": "Running"}})
    headers, _ = parts(client, recorded)
    with client.open("GET", recorded.request["path"], query=recorded.request["query"], headers=headers) as response:
        response.readline()
        server.pause(FOR_EVER)
        with pytest.raises(http.client.IncompleteRead):
            response.read()


@pytest.mark.parametrize("name", IDLE)
def test_an_idle_stream_is_disconnected_without_an_answer(name: str, server: Server, client: Client) -> None:
    recorded = exchange(name)
    headers, _ = parts(client, recorded)
    with client.begin("GET", recorded.request["path"], query=recorded.request["query"], headers=headers) as connection:
        assert client.get("/api/v1/version").status == 200
        server.pause(FOR_EVER)
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()


@pytest.mark.parametrize("name", DOWN)
def test_new_calls_are_refused(name: str, server: Server, client: Client) -> None:
    server.pause(FOR_EVER)
    assert server.away
    with pytest.raises(ConnectionRefusedError):
        client.call("GET", exchange(name).request["path"])


@pytest.mark.parametrize("name", BACK)
def test_afterwards_all_is_there_again(name: str, server: Server, client: Client, clock: Clock, store: Store) -> None:
    put(store, clock, exchange("101-submit-fixed-name").body)
    server.pause(FOR_EVER)
    server.pause(0)
    wait_for_return(server)
    recorded = exchange(name)
    answer = client.call("GET", recorded.request["path"], query=recorded.request["query"])
    assert answer.status == recorded.response["status"]
    assert [item["metadata"]["name"] for item in answer.json["items"]] == ["fixed-one"]


def wait_for_return(server: Server) -> None:
    """The timer's thread is the one to wait for; there is one at most."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    assert not server.away


def test_a_stop_during_a_pause_is_final(server: Server, client: Client) -> None:
    server.pause(FOR_EVER)
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        client.get("/api/v1/version")


def test_a_client_that_leaves_ends_the_work_for_it(server: Server, client: Client) -> None:
    """`join` waits for whoever is still being answered; it would wait for ever."""
    with client.begin("GET", "/api/v1/workflow-events/argo", headers=client.bearer()):
        assert json.loads(client.get("/api/v1/version").raw)
    server._wire.join()
    assert server._wire._connections == {}
