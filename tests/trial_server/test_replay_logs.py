"""Recorded logs: whole, cut down by options, followed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from .replaying import Exchange, assert_same, exchange, lines_of, listed, names, parts, put, send

if TYPE_CHECKING:
    from provisioning.trial.store import Store

    from .client import Client
    from .conftest import Clock

OF_LOG_MIX = listed("""
800-log-mixed 801-log-mixed-sse 802-log-no-container 804-log-container-nope 805-log-podname 806-log-podname-path
807-log-podname-unknown 810-log-grep 811-log-grep-bad 812-log-sincetime 814-log-sinceseconds
815-log-sinceseconds-large 816-log-limitbytes 817-log-follow-finished 821-log-selector 822-log-bad-bool
824-log-bad-container-follow 825-log-fields
""")
OF_THEMSELVES = [
    name
    for name in names()
    if (re.match(r"(2|5)\d\d-.*-log", name) and not name.startswith("231"))
    or name in {"832-log-running-nofollow", "847-log-failed", "881-controller-down-log"}
]
WITHOUT_LINES = listed("""
405-nocontroller-log 830-log-not-started 839-log-after-podgc 852-log-imagepull 857-log-unschedulable 862-quota-log
""")
FOLLOWED = listed("""
831-log-follow-from-start 834-log-follow-workflow-deleted 835-log-follow-workflow-terminated
836-log-follow-pod-deleted 841-log-dag-follow
""")
Entry = tuple[str, str]


def entries(recorded: Exchange) -> list[Entry]:
    """(pod, line)"""
    found = []
    for line in recorded.lines:
        if "{" in line:
            result = json.loads(line.removeprefix("data: "))["result"]
            found.append((result["podName"], result.get("content", "")))
    return found


def workflow(store: Store, clock: Clock, recorded: Exchange, phase: str) -> str:
    """The workflow that the log was asked of, in this phase."""
    other = exchange("101-submit-fixed-name").body
    name = str(recorded.request["path"].split("/")[5])
    put(store, clock, {**other, "metadata": {**other["metadata"], "name": name}, "status": {"phase": phase}})
    return name


def write(store: Store, clock: Clock, name: str, lines: list[Entry]) -> None:
    """Line by line, a second apart."""
    for pod, line in lines:
        if pod not in [found.name for found in store.pods("argo", name)]:
            store.put_pod("argo", pod, name)
        clock.now += 1
        store.append_lines("argo", pod, [line])


@pytest.mark.parametrize("name", OF_LOG_MIX)
def test_the_log_of_one_finished_pod_is_as_recorded(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    write(store, clock, workflow(store, clock, recorded, "Succeeded"), entries(exchange("800-log-mixed")))
    clock.now += 600
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", OF_THEMSELVES)
def test_a_recorded_log_is_read_back_to_the_letter(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    write(store, clock, workflow(store, clock, recorded, "Running"), entries(recorded))
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", WITHOUT_LINES)
def test_a_workflow_without_lines_has_an_empty_log(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    recorded_ns = recorded.request["path"].split("/")[4]
    other = exchange("101-submit-fixed-name").body
    metadata = {**other["metadata"], "name": recorded.request["path"].split("/")[5], "namespace": recorded_ns}
    put(store, clock, {**other, "metadata": metadata})
    assert_same(recorded, send(client, recorded))


def test_timestamps_stand_before_each_line(client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange("809-log-timestamps")
    lines = entries(exchange("800-log-mixed"))
    write(store, clock, workflow(store, clock, recorded, "Succeeded"), lines)
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
    assert [stamp.sub("<time> ", line, count=1) for line in lines_of(send(client, recorded).raw)] == [
        stamp.sub("<time> ", line, count=1) for line in recorded.lines
    ]


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_followed_log_grows_and_ends_with_the_workflow(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    named = workflow(store, clock, recorded, "Running")
    headers, _ = parts(client, recorded)
    path, query = recorded.request["path"], recorded.request["query"]
    with client.begin("GET", path, query=query, headers=headers) as connection:
        [first, *later] = zip(entries(recorded), recorded.lines, strict=True)
        write(store, clock, named, [first[0]])
        response = connection.getresponse()
        assert response.readline().decode() == f"{first[1]}\n"
        for entry, line in later:
            write(store, clock, named, [entry])
            assert response.readline().decode() == f"{line}\n"
        end(name, store, named)
        assert response.read() == b""


def end(name: str, store: Store, workflow_name: str) -> None:
    if name.startswith("834"):
        store.delete("workflows", "argo", workflow_name)
        return
    if name.startswith("836"):
        store.delete_pod("argo", workflow_name)
    for pod in store.pods("argo", workflow_name):
        store.end_log("argo", pod.name)
    store.update("workflows", "argo", workflow_name, lambda old: {**old, "status": {"phase": "Failed"}})


@pytest.mark.parametrize("name", ["842-log-dag-tail2", "844-log-by-node-id"])
def test_options_hold_for_each_pod_by_itself(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    named = workflow(store, clock, recorded, "Succeeded")
    write(store, clock, named, entries(exchange("841-log-dag-follow")))
    assert_same(recorded, send(client, recorded))


def test_the_remainder_of_a_very_long_line_comes_last(client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange("845-log-over-1mib")
    [first, (pod, long), *others, _] = entries(recorded)
    assert long == "<1048545 y>"
    write(store, clock, workflow(store, clock, recorded, "Succeeded"), [first, (pod, "y" * 1_500_000), *others])
    shown = [json.loads(line)["result"]["content"] for line in lines_of(send(client, recorded).raw)]
    assert [re.sub(r"y{9,}", lambda match: f"<{len(match[0])} y>", line) for line in shown] == [
        content for _, content in entries(recorded)
    ]


def test_twenty_thousand_lines_are_all_there(client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange("846-log-20000-lines")
    named = workflow(store, clock, recorded, "Succeeded")
    first, *_ = (json.loads(line)["result"]["content"] for _, line in recorded.body["first"])
    last = [json.loads(line)["result"]["content"] for _, line in recorded.body["last"]][1:]
    store.put_pod("argo", named, named)
    store.append_lines("argo", named, [first, *(str(number) for number in range(1, 20_001)), *last])
    lines = lines_of(send(client, recorded).raw)
    assert len(lines) == recorded.body["lines"]
    assert lines[:3] == [line for _, line in recorded.body["first"]]
    assert lines[-3:] == [line for _, line in recorded.body["last"]]


def test_a_follow_before_the_first_line_sends_not_even_a_status_line(
    client: Client, clock: Clock, store: Store
) -> None:
    recorded = exchange("406-nocontroller-log-follow")
    named = workflow(store, clock, recorded, "Running")
    headers, _ = parts(client, recorded)
    path, query = recorded.request["path"], recorded.request["query"]
    with client.begin("GET", path, query=query, headers=headers) as connection:
        assert client.get("/api/v1/workflows/argo").status == 200
        assert connection.sock is not None
        connection.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.sock.recv(1)
        connection.sock.setblocking(True)
        write(store, clock, named, [(named, "first")])
        assert json.loads(connection.getresponse().readline()) == {"result": {"content": "first", "podName": named}}


def test_previous_logs_are_never_there(client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange("800-log-mixed")
    write(store, clock, workflow(store, clock, recorded, "Succeeded"), entries(recorded))
    query: dict[str, Any] = {**recorded.request["query"], "logOptions.previous": "true"}
    answer = client.call("GET", recorded.request["path"], query=query)
    assert (answer.status, answer.raw) == (200, b"")
