"""The watch against a server of the trial without controller, and against one that says what a test wants."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable

import pytest

from provisioning.argo import WatchEvent
from provisioning.reconcile.mailbox import Mailbox
from provisioning.reconcile.watch import Watcher
from tests.argo.wire import chunked, http
from tests.reconcile.conftest import NS, Address, Still

LONGEST = 20.0


class Told:
    """Waits for what the watch does, instead of sleeping."""

    def __init__(self) -> None:
        self._wakes: queue.Queue[None] = queue.Queue()

    def wake(self) -> None:
        self._wakes.put(None)

    def until(self, holds: Callable[[], bool]) -> bool:
        while not holds():
            self._wakes.get(timeout=LONGEST)
        return True


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def mailbox(told) -> Mailbox:
    return Mailbox(told.wake)


@pytest.fixture
def watching(mailbox, told, connect):
    """A watcher of that server."""
    watchers = []

    def make(server) -> Watcher:
        watcher = Watcher(connect(server, silence_seconds=LONGEST), mailbox, wake=told.wake)
        watchers.append(watcher)
        watcher.start()
        return watcher

    yield make
    for watcher in watchers:
        watcher.close()


def made(still: Still, name: str, **labels: str) -> None:
    still.store.create(
        "workflows",
        {
            "metadata": {
                "name": name,
                "namespace": NS,
                "labels": {"platform.io/type": "namespace-provisioning", **labels},
            },
            "spec": {"workflowTemplateRef": {"name": "namespace-provisioning"}},
            "status": {"startedAt": None, "finishedAt": None},
        },
    )


def test_what_changes_arrives_in_the_mailbox_the_latest_of_each(still, watching, mailbox, told):
    watcher = watching(still)
    watcher.follow(str(still.store.version()))
    made(still, "a")
    still.status("a", phase="Running")
    seen: dict[str, WatchEvent] = {}

    def running() -> bool:
        seen.update(mailbox.take())
        return "a" in seen and seen["a"].object["status"].get("phase") == "Running"

    assert told.until(running)
    assert watcher.is_well


def test_looks_at_namespaces_are_watched_and_workflows_of_others_are_not(still, watching, mailbox, told):
    watching(still).follow(str(still.store.version()))
    still.store.create("workflows", {"metadata": {"name": "foreign", "namespace": NS}, "spec": {}, "status": {}})
    made(still, "audit", **{"platform.io/type": "namespace-audit"})
    made(still, "mine")
    seen: dict[str, WatchEvent] = {}

    def arrived() -> bool:
        seen.update(mailbox.take())
        return "mine" in seen

    assert told.until(arrived)
    assert set(seen) == {"audit", "mine"}


def test_it_waits_for_a_list_before_it_watches(still, watching):
    watcher = watching(still)
    assert watcher.wants_list
    assert not watcher.is_well


def event(name: str, version: int) -> bytes:
    thing = {"metadata": {"name": name, "resourceVersion": str(version)}, "status": {}}
    return f"data: {json.dumps({'result': {'type': 'MODIFIED', 'object': thing}})} \n\n\n".encode()


STREAM = [("Content-Type", "text/event-stream")]
EOF = json.dumps({"error": {"grpc_code": 8, "http_code": 429, "message": "EOF", "http_status": "Too Many Requests"}})
TOO_OLD = {
    "error": {"grpc_code": 3, "http_code": 400, "message": "too old resource version: 1 (7)", "http_status": "x"}
}


def test_after_the_ordinary_end_it_goes_on_from_the_last_event(wire, watching, mailbox, told):
    wire.will(
        chunked(200, [event("a", 7), f"data: {EOF} \n\n".encode()], STREAM),
        chunked(200, [event("b", 9)], STREAM, end="hang", whole=False),
    )
    watching(Address(wire)).follow("5")
    seen: dict[str, WatchEvent] = {}

    def both() -> bool:
        seen.update(mailbox.take())
        return set(seen) == {"a", "b"}

    assert told.until(both)
    assert [one.query["listOptions.resourceVersion"] for one in wire.seen] == ["5", "7"]


def test_a_stream_cut_in_the_middle_of_a_line_goes_on_from_the_last_whole_event(wire, watching, mailbox, told):
    wire.will(
        chunked(200, [event("a", 7), event("b", 8)[:20]], STREAM, whole=False),
        chunked(200, [event("b", 8)], STREAM, end="hang", whole=False),
    )
    watching(Address(wire)).follow("5")
    seen: dict[str, WatchEvent] = {}

    def both() -> bool:
        seen.update(mailbox.take())
        return set(seen) == {"a", "b"}

    assert told.until(both)
    assert [one.query["listOptions.resourceVersion"] for one in wire.seen] == ["5", "7"]


@pytest.mark.parametrize(
    "answer", [http(400, TOO_OLD), http(403, TOO_OLD | {"error": {"grpc_code": 7, "http_code": 403, "message": "no"}})]
)
def test_when_it_cannot_go_on_it_asks_for_a_list(wire, watching, told, answer):
    wire.will(answer)
    watcher = watching(Address(wire))
    watcher.follow("5")
    assert told.until(lambda: watcher.wants_list)
    assert not watcher.is_well


def test_a_full_mailbox_slows_the_stream_down_instead_of_growing(told):
    mailbox = Mailbox(told.wake, room=2)
    stop = threading.Event()

    def fill() -> None:
        for number in range(5):
            mailbox.put(f"w{number}", WatchEvent("ADDED", {}), stop)

    thread = threading.Thread(target=fill)
    thread.start()
    seen: dict[str, WatchEvent] = {}

    def all_of_them() -> bool:
        taken = mailbox.take()
        assert len(taken) <= 2
        seen.update(taken)
        return len(seen) == 5

    assert told.until(all_of_them)
    thread.join()


def test_a_newer_event_of_the_same_workflow_needs_no_room():
    mailbox, stop = Mailbox(room=1), threading.Event()
    mailbox.put("a", WatchEvent("ADDED", {}), stop)
    mailbox.put("a", WatchEvent("MODIFIED", {}), stop)
    assert mailbox.take()["a"].type == "MODIFIED"
