"""The proxy does what its faults say, the same for the same seed, and the portal's client names each of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from provisioning.argo import (
    ArgoError,
    ArgoWorkflowsClient,
    BadAnswer,
    ServerError,
    StreamEnded,
    Timeout,
    TooManyRequests,
    Unreachable,
)
from tests.argo.wire import drained
from tests.support.faults import (
    CLOSED_BEFORE,
    FAIR,
    HANGS,
    HANGS_AFTER,
    LOST,
    MUTE,
    RESET_AFTER,
    RESET_BEFORE,
    SLOW,
    TRUNCATED,
    Fault,
    Proxy,
    Seen,
    Weather,
    cut,
    gateway,
    page,
)
from tests.support.trials import Trial
from tests.support.workers import client_of

WORKFLOW = {
    "metadata": {"name": "w"},
    "spec": {"entrypoint": "m", "templates": [{"name": "m", "container": {"image": "i", "command": ["c"]}}]},
}
LINES = [f"line {number}" for number in range(200)]


@pytest.fixture
def proxy(still: Trial) -> Iterator[Proxy]:
    with Proxy(still.server.port) as found:
        yield found


@pytest.fixture
def client(proxy: Proxy, still: Trial) -> Iterator[ArgoWorkflowsClient]:
    made = client_of(proxy.url, still.token, timeout_ms=700, silence_seconds=0.7, sleep=lambda seconds: None)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("fault", "error", "arrived"),
    [
        (RESET_BEFORE, Unreachable, False),
        (CLOSED_BEFORE, Unreachable, False),
        (RESET_AFTER, Unreachable, True),
        (LOST, Unreachable, True),
        (HANGS, Timeout, False),
        (HANGS_AFTER, Timeout, True),
        (TRUNCATED, Unreachable, True),
        (gateway(429), TooManyRequests, False),
        (gateway(500, b'{"code":13,"message":"etcdserver: timed out"}'), ServerError, False),
        (gateway(502), ServerError, False),
        (gateway(503), ServerError, False),
        (gateway(504, forward=True), ServerError, True),
        (page(502), ServerError, False),
        (page(200), BadAnswer, False),
    ],
)
def test_a_write_fails_in_a_way_that_says_whether_asking_again_helps(
    proxy: Proxy, client: ArgoWorkflowsClient, still: Trial, fault: Fault, error: type[ArgoError], arrived: bool
):
    proxy.plan = lambda seen: fault
    with pytest.raises(error) as caught:
        client.submit_workflow(WORKFLOW)
    assert caught.value.retryable is not (error is BadAnswer)
    assert still.names() == (["w"] if arrived else [])
    assert proxy.count("submit") == 1, "a write is never repeated by itself"


@pytest.mark.parametrize("fault", [SLOW, FAIR])
def test_a_slow_answer_is_an_answer(proxy: Proxy, client: ArgoWorkflowsClient, fault: Fault):
    proxy.plan = lambda seen: fault
    assert client.submit_workflow(WORKFLOW)["metadata"]["name"] == "w"


def test_a_read_is_repeated_until_the_weather_is_fair(proxy: Proxy, still: Trial):
    client = client_of(proxy.url, still.token, sleep=lambda seconds: None)
    faults = iter([RESET_BEFORE, gateway(503), LOST])
    proxy.plan = lambda seen: next(faults, FAIR)
    assert client.list_workflows(limit=10).items == ()
    client.close()


@pytest.mark.parametrize(("fault", "reason"), [(cut(1), "cut"), (cut(77), "cut"), (cut(900), "cut"), (MUTE, "silent")])
def test_a_log_that_breaks_off_is_never_taken_for_a_whole_one(
    proxy: Proxy, client: ArgoWorkflowsClient, still: Trial, fault: Fault, reason: str
):
    client.submit_workflow(WORKFLOW)
    still.store.put_pod("argo", "pod", "w")
    still.store.append_lines("argo", "pod", LINES)
    proxy.plan = lambda seen: fault
    found, error = drained(client.get_workflow_logs("w", "pod"))
    told = [line.content for line in found]
    assert isinstance(error, StreamEnded)
    assert error.reason == reason
    assert told == LINES[: len(told)]
    assert len(told) < len(LINES)


@pytest.mark.parametrize(("fault", "reason"), [(cut(1), "cut"), (MUTE, "silent")])
def test_a_watch_that_breaks_off_or_falls_silent_ends(
    proxy: Proxy, client: ArgoWorkflowsClient, fault: Fault, reason: str
):
    client.submit_workflow(WORKFLOW)
    proxy.plan = lambda seen: fault
    with pytest.raises(StreamEnded) as caught:
        list(client.watch_workflows(stop=threading.Event()))
    assert caught.value.reason == reason


def test_the_same_seed_gives_the_same_weather_and_another_one_another():
    calls = [
        Seen(method, path)
        for method, path in (
            ("POST", "/api/v1/workflows/argo"),
            ("GET", "/api/v1/workflows/argo"),
            ("GET", "/api/v1/workflow-events/argo"),
        )
    ] * 60

    def faults(seed: int) -> list[Fault]:
        weather = Weather(seed, 0.3)
        return [weather(call) for call in calls]

    assert faults(1) == faults(1)
    assert faults(1) != faults(2)
    assert 20 < sum(fault != FAIR for fault in faults(1)) < 90


def test_calls_are_told_apart():
    told = {
        ("POST", "/api/v1/workflows/argo"): "submit",
        ("GET", "/api/v1/workflows/argo?listOptions.limit=1"): "list",
        ("GET", "/api/v1/workflows/argo/w?fields=x"): "get",
        ("GET", "/api/v1/workflows/argo/w/log?podName=p"): "log",
        ("PUT", "/api/v1/workflows/argo/w/stop"): "stop",
        ("GET", "/api/v1/workflow-events/argo"): "watch",
        ("GET", "/api/v1/version"): "other",
    }
    assert {key: Seen(*key).call for key in told} == told
