"""Recorded watches: what they send, how they frame it, how they end."""

from __future__ import annotations

import json
import re
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from provisioning.trial.server.calls import Call
from provisioning.trial.server.query import Query
from provisioning.trial.server.watch import watch

from .replaying import Exchange, assert_same, comparable, exchange, headers_of, parts, put

if TYPE_CHECKING:
    import http.client

    from provisioning.trial.server import Trial
    from provisioning.trial.store import Store

    from .client import Client
    from .conftest import Clock

LIVES = [
    "700-watch-sse-life",
    "701-watch-json-no-rv-label",
    "725-watch-delete-then-silence",
    "407-nocontroller-watch-sse",
]
REPLAYS = ["710-watch-timeout-with-events-sse", "711-watch-timeout-with-events-json", "716-watch-accept-list"]
IDLE = ["709-watch-timeout-1-idle-sse", "717-watch-fields-hide-error", "721-watch-unknown-namespace"]
SILENT = ["705-watch-json-idle", "715-watch-rv-future"]


def messages(recorded: Exchange) -> list[Any]:
    return [json.loads(line.removeprefix("data: ")) for line in recorded.lines if "{" in line]


def events(recorded: Exchange) -> list[tuple[str, dict[str, Any]]]:
    results = [message["result"] for message in messages(recorded) if "result" in message]
    return [(result["type"], result["object"]) for result in results]


def applied(store: Store, clock: Clock, kind: str, item: dict[str, Any]) -> None:
    """Bring about what the event tells of."""
    name = item["metadata"]["name"]
    if kind == "ADDED":
        whole = {"creationTimestamp": "2026-11-23T16:00:00Z", "namespace": "argo", **item["metadata"]}
        put(store, clock, {"spec": {}, **item, "metadata": whole})
    elif kind == "MODIFIED":
        store.update(
            "workflows", "argo", name, lambda old: {**old, **item, "metadata": {**old["metadata"], **item["metadata"]}}
        )
    else:
        store.delete("workflows", "argo", name)


def one_line(response: http.client.HTTPResponse, lines: list[str]) -> list[str]:
    """The message's own line and the empty ones that follow it in this mode."""
    return [response.readline().decode() for _ in lines]


def alike(line: str) -> str:
    """A line of a stream without what differs from one server to the next; key order and framing stay."""
    match = re.fullmatch(r"(data: )?(\{.*\})( ?)", line, re.DOTALL)
    return f"{match[1] or ''}{json.dumps(comparable(json.loads(match[2])))}{match[3]}" if match else line


@pytest.mark.parametrize("name", LIVES)
def test_a_watch_tells_of_a_life_as_recorded(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    queue = events(recorded)
    headers, _ = parts(client, recorded)
    if "metadata.name" in str(recorded.request["query"]):
        applied(store, clock, *queue.pop(0))  # such a watch is refused before the workflow exists
    request = recorded.request
    lines = [line for line in recorded.lines if line != ":"]
    step = 3 if "Accept" in request["headers"] else 1
    with client.begin("GET", request["path"], query=request["query"], headers=headers) as connection:
        if len(queue) == len(events(recorded)):
            applied(store, clock, *queue.pop(0))
        response = connection.getresponse()
        assert response.status == recorded.response["status"]
        assert headers_of(response.getheaders()) == headers_of(recorded.response["headers"])
        for start in range(0, len(lines), step):
            expected = lines[start : start + step]
            received = one_line(response, expected)
            assert [alike(line.removesuffix("\n")) for line in received] == [alike(line) for line in expected]
            if queue:
                applied(store, clock, *queue.pop(0))


def test_a_watch_from_a_version_tells_only_of_what_is_later(client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange("702-watch-sse-rv")
    [added, modified, *_] = events(recorded)
    applied(store, clock, "ADDED", {"metadata": {"name": "earlier", "labels": {"grp": "w"}}})
    query = {**recorded.request["query"], "listOptions.resourceVersion": str(store.version())}
    headers, _ = parts(client, recorded)
    with client.begin("GET", recorded.request["path"], query=query, headers=headers) as connection:
        applied(store, clock, *added)
        applied(store, clock, *modified)
        response = connection.getresponse()
        received = [response.readline().decode().removesuffix("\n") for _ in range(6)]
    assert [alike(line) for line in received] == [alike(line) for line in recorded.lines[:6]]


@pytest.mark.parametrize("name", REPLAYS)
def test_a_watch_replays_what_exists_and_ends_with_eof(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    for kind, item in events(recorded):
        if kind == "ADDED":
            applied(store, clock, kind, item)
    headers, _ = parts(client, recorded)
    query = {**recorded.request["query"], "listOptions.timeoutSeconds": "1"}
    answer = client.call("GET", recorded.request["path"], query=query, headers=headers)
    assert answer.status == 200
    assert headers_of(answer.headers) == headers_of(recorded.response["headers"])
    body = answer.text.removesuffix("\n") if answer.text.endswith("\n") else answer.text
    assert [alike(line) for line in body.split("\n")] == [alike(line) for line in replay_and_end(recorded)]


def replay_and_end(recorded: Exchange) -> list[str]:
    """Without what the recording left out (it says so in a line), and without what changed meanwhile."""
    kept: list[str] = []
    skipping = False
    for line in recorded.lines:
        passed_over = '"type":"MODIFIED"' in line or re.fullmatch(r"\d+ lines cut here", line) is not None
        skipping = passed_over or (skipping and not line)
        if not skipping:
            kept.append(line)
    return kept


@pytest.mark.parametrize("name", IDLE)
def test_an_idle_watch_that_ends_is_429(name: str, client: Client) -> None:
    recorded = exchange(name)
    headers, _ = parts(client, recorded)
    query = {**recorded.request["query"], "listOptions.timeoutSeconds": "1"}
    assert_same(recorded, client.call("GET", recorded.request["path"], query=query, headers=headers))


def test_a_bookmark_ends_the_replay_when_it_is_asked_for(client: Client) -> None:
    recorded = exchange("720-watch-bookmarks")
    headers, _ = parts(client, recorded)
    query = {**recorded.request["query"], "listOptions.timeoutSeconds": "1"}
    answer = client.call("GET", recorded.request["path"], query=query, headers=headers)
    assert [alike(line) for line in answer.text.split("\n")] == [alike(line) for line in recorded.lines]


def test_a_version_that_is_forgotten_is_a_bad_request(client: Client) -> None:
    recorded = exchange("714-watch-rv-1")
    headers, _ = parts(client, recorded)
    answer = client.call("GET", recorded.request["path"], query=recorded.request["query"], headers=headers)
    assert answer.status == recorded.response["status"]
    assert [re.sub(r"\(\d+\)", "(N)", answer.text)] == [re.sub(r"\(\d+\)", "(N)", line) for line in recorded.lines]


def test_a_keepalive_opens_an_idle_sse_watch(client: Client, trial: Trial) -> None:
    trial.keepalive_seconds = 0.05
    recorded = exchange("704-watch-sse-idle")
    headers, _ = parts(client, recorded)
    with client.open("GET", recorded.request["path"], query=recorded.request["query"], headers=headers) as response:
        assert headers_of(response.getheaders()) == headers_of(recorded.response["headers"])
        assert [response.readline() for _ in recorded.lines] == [f"{line}\n".encode() for line in recorded.lines]


def test_a_watch_that_ends_after_a_keepalive_tells_so_in_band(client: Client, trial: Trial) -> None:
    trial.keepalive_seconds = 0.7
    recorded = exchange("712-watch-timeout-after-keepalive-sse")
    headers, _ = parts(client, recorded)
    query = {**recorded.request["query"], "listOptions.timeoutSeconds": "1"}
    assert_same(recorded, client.call("GET", recorded.request["path"], query=query, headers=headers))


@pytest.mark.parametrize("name", SILENT)
def test_a_watch_with_nothing_to_tell_sends_not_even_a_status_line(
    name: str, client: Client, clock: Clock, store: Store
) -> None:
    recorded = exchange(name)
    headers, _ = parts(client, recorded)
    path, query = recorded.request["path"], recorded.request["query"]
    with client.begin("GET", path, query=query, headers=headers) as connection:
        applied(store, clock, "ADDED", {"metadata": {"name": "other"}})
        # a second call on another connection has been answered: the first had its time
        assert client.get("/api/v1/workflows/argo").status == 200
        assert connection.sock is not None
        connection.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.sock.recv(1, socket.MSG_PEEK)


def test_a_workflow_that_leaves_the_selection_is_deleted_to_the_watch(
    client: Client, clock: Clock, store: Store
) -> None:
    applied(store, clock, "ADDED", {"metadata": {"name": "one", "labels": {"phase": "new"}}})
    query = {"listOptions.labelSelector": "phase=new", "fields": "result.type,error"}
    with client.open("GET", "/api/v1/workflow-events/argo", query=query) as response:
        assert response.readline() == b'{"result":{"type":"ADDED"}}\n'
        applied(store, clock, "MODIFIED", {"metadata": {"name": "one", "labels": {"phase": "old"}}})
        assert response.readline() == b'{"result":{"type":"DELETED"}}\n'
        applied(store, clock, "MODIFIED", {"metadata": {"name": "one", "labels": {"phase": "new"}}})
        assert response.readline() == b'{"result":{"type":"ADDED"}}\n'


def with_number(old: dict[str, Any], number: int) -> dict[str, Any]:
    return {**old, "spec": {"n": number}}


def test_a_watch_stays_young_while_only_templates_change(
    trial: Trial, client: Client, clock: Clock, store: Store
) -> None:
    caller = trial.accounts.caller(client.bearer()["Authorization"], [])
    call = Call(trial, caller, {"namespace": "argo"}, Query([]), patience=lambda: 0)
    watching = watch(call)
    store.create("workflowtemplates", {"metadata": {"name": "t", "namespace": "argo"}, "spec": {}})
    for count in range(2100):
        store.update("workflowtemplates", "argo", "t", partial(with_number, number=count))
        if count % 1000 == 0:
            assert next(watching) is None
    applied(store, clock, "ADDED", {"metadata": {"name": "two"}})
    found = next(watching)
    assert found is not None
    assert found["object"]["metadata"]["name"] == "two"
