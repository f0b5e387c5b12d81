"""Every recorded exchange with Argo 4.1.2 and 3.5.5 that the client has a call for, answered to the client again."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from provisioning.argo import (
    AlreadyCompleted,
    AlreadyExists,
    ArgoError,
    ArgoWorkflowsClient,
    BadAnswer,
    Forbidden,
    NotFound,
    Refused,
    ResourceVersionTooOld,
    ServerError,
    StreamEnded,
    Timeout,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from tests import recordings
from tests.argo.wire import Reply, Server, chunked, drained, http

NS = r"/api/v1/workflows/[^/%]+"
NAME = r"[^/%@]+"


@dataclass(frozen=True)
class Exchange:
    name: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def endpoint(self) -> str:
        return f"{self.request['method']} {self.request['path']}"

    @property
    def last(self) -> str:
        return str(self.request["path"].rstrip("/").rsplit("/", 1)[-1])

    @property
    def status(self) -> int | None:
        return self.response.get("status")

    @property
    def body(self) -> Any:
        return self.response.get("body")

    @property
    def text(self) -> str:
        """All that was said, for a look at messages; streams line by line."""
        if self.streamed:
            return "\n".join(line for _, line, *_ in self.body)
        return self.body if isinstance(self.body, str) else json.dumps(self.body)

    @property
    def streamed(self) -> bool:
        return "body_format" in self.response

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(key, value) for key, value in self.response.get("headers", [])]


def _sse(one: Exchange) -> bool:
    return "event-stream" in (one.request.get("headers") or {}).get("Accept", "")


def _stamped(one: Exchange) -> bool:
    return "logOptions.timestamps" in (one.request.get("query") or {})


def _exchanges() -> Iterator[Exchange]:
    for name, value in sorted(recordings.load("transcripts").items()):
        if not name.endswith(".json") or "-states" in name or not isinstance(value, dict):
            continue
        request, response = value.get("request") or {}, value.get("response") or {}
        if isinstance(response.get("body"), dict) and "order_kept" in response["body"]:
            continue  # a summary of 20,000 lines, not an answer
        if "body_format" in response:
            cut_out = [entry for entry in response["body"] if isinstance(entry[0], str)]
            response = {**response, "body": [entry for entry in response["body"] if entry not in cut_out]}
        one = Exchange(name.removeprefix("transcripts/").removesuffix(".json"), request, response)
        if request.get("path") and (response.get("headers") or response.get("ended") or response.get("error")):
            yield one


CALLS: dict[str, Callable[[ArgoWorkflowsClient, Exchange], Any]] = {
    rf"POST {NS}": lambda client, one: client.submit_workflow((one.request["body"] or {}).get("workflow") or {}),
    rf"GET {NS}": lambda client, one: client.list_workflows(),
    rf"GET {NS}/{NAME}": lambda client, one: client.get_workflow(one.last),
    rf"PUT {NS}/{NAME}/stop": lambda client, one: client.stop_workflow(one.request["path"].split("/")[-2]),
    rf"PUT {NS}/{NAME}/terminate": lambda client, one: client.terminate_workflow(one.request["path"].split("/")[-2]),
    r"GET /api/v1/version": lambda client, one: client.version(fresh=True),
    r"GET /api/v1/userinfo": lambda client, one: client.userinfo(),
    rf"GET /api/v1/workflow-templates/{NAME}": lambda client, one: client.list_templates(),
    rf"GET /api/v1/workflow-templates/{NAME}/{NAME}": lambda client, one: client.get_template(one.last),
    rf"GET {NS}/{NAME}/log": lambda client, one: list(
        client.get_workflow_logs("wf", "pod", follow=_sse(one), timestamps=_stamped(one))
    ),
    r"GET /api/v1/workflow-events/[^/]+": lambda client, one: list(client.watch_workflows()),
}
ALL = list(_exchanges())


def _call_of(one: Exchange) -> Callable[[ArgoWorkflowsClient, Exchange], Any] | None:
    raw_body = isinstance(one.request.get("body"), str)  # bytes that this client never sends
    form = "X-HTTP-Method-Override" in (one.request.get("headers") or {})
    if raw_body or form:
        return None
    return next((call for pattern, call in CALLS.items() if re.fullmatch(pattern, one.endpoint)), None)


MINE = [one for one in ALL if _call_of(one)]
UNARY = [one for one in MINE if not one.streamed and one.status]
STREAMS = [one for one in MINE if one.streamed and one.status]
SILENT = [one for one in MINE if not one.status]


def _ids(one: Exchange) -> str:
    return one.name


def expected_error(one: Exchange) -> type[ArgoError] | None:
    """By the contract's table, not by the client's own reading."""
    text = one.text
    by_status: dict[int, type[ArgoError]] = {
        301: BadAnswer,
        307: BadAnswer,
        400: ResourceVersionTooOld if "too old" in text else Refused,
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        409: AlreadyExists,
        429: StreamEnded if '"message":"EOF"' in text else TooManyRequests,
        500: AlreadyCompleted if "completed workflow" in text else ServerError,
        501: BadAnswer,
        503: ServerError,
    }
    if "request is too large" in text:
        return Refused
    return None if one.status == 200 else by_status[one.status or 0]


def test_the_recordings_hold_the_calls_of_both_versions() -> None:
    versions = {one.name.split("/")[0] for one in UNARY}
    assert versions == {"v4.1.2", "v3.5.5"}
    assert len(UNARY) > 350
    assert len(STREAMS) > 100
    unused = {
        pattern for pattern in CALLS if not any(re.fullmatch(pattern, one.endpoint) for one in (*UNARY, *STREAMS))
    }
    assert unused <= {rf"GET /api/v1/workflow-templates/{NAME}"}


@pytest.mark.parametrize("one", UNARY, ids=_ids)
def test_a_recorded_answer_is_understood(one: Exchange, server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(_with_version(http(one.status or 0, one.body, one.headers), one))
    call, error = _call_of(one), expected_error(one)
    assert call
    if error:
        with pytest.raises(error) as caught:
            call(client, one)
        assert type(caught.value) is error
        assert caught.value.cause
        assert caught.value.remedy
        assert caught.value.status == one.status
        return
    assert _comparable(call(client, one), one) == _wanted(one)


def _with_version(answer: Reply, one: Exchange) -> Callable[[Any], Reply]:
    """A list asks for the version first, which the recording of the list does not hold."""

    def reply(seen: Any) -> Reply:
        if seen.path == "/api/v1/version" and one.last != "version":
            return http(200, {"version": one.name.split("/")[0]})
        if "listOptions.continue" in seen.query:
            return http(200, {"metadata": {}, "items": None})
        return answer

    return reply


def _comparable(value: Any, one: Exchange) -> Any:
    if isinstance(value, tuple):
        return {**one.body, "items": list(value)}
    if one.endpoint == "GET /api/v1/version":
        return value.text
    if re.fullmatch(rf"GET {NS}", one.endpoint):
        return list(value.items), value.resource_version
    return value


def _wanted(one: Exchange) -> Any:
    if one.endpoint == "GET /api/v1/version":
        return one.body["version"]
    if re.fullmatch(rf"GET {NS}", one.endpoint):
        return one.body.get("items") or [], one.body["metadata"].get("resourceVersion", "")
    return one.body


def _stream_reply(one: Exchange) -> Reply:
    pieces = [(line + ("" if extra else "\n")).encode() for _, line, *extra in one.body]
    cut = "prematurely" in (one.response.get("ended") or "")
    return chunked(one.status or 0, pieces, one.headers, whole=not cut)


def _messages(one: Exchange) -> list[dict[str, Any]]:
    lines = [line.strip().removeprefix("data:").strip() for _, line, *_ in one.body]
    return [json.loads(line) for line in lines if line.startswith("{") and _is_json(line)]


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("one", [one for one in STREAMS if one.status != 200], ids=_ids)
def test_a_stream_that_begins_with_an_error_is_understood(
    one: Exchange, server: Server, client: ArgoWorkflowsClient
) -> None:
    server.will(_stream_reply(one))
    call, error = _call_of(one), expected_error(one)
    assert call
    assert error
    with pytest.raises(error) as caught:
        call(client, one)
    assert caught.value.status == one.status


@pytest.mark.parametrize(
    "one", [one for one in STREAMS if one.status == 200 and "workflow-events" in one.endpoint], ids=_ids
)
def test_a_recorded_watch_gives_its_events_and_then_its_end(
    one: Exchange, server: Server, client: ArgoWorkflowsClient
) -> None:
    server.will(_stream_reply(one))
    heard: list[int] = []
    found, ended = drained(client.watch_workflows(heard=lambda: heard.append(1)))
    events = [{"type": event.type, "object": event.object} for event in found]
    assert events == [message["result"] for message in _messages(one) if "result" in message]
    keepalives = sum(line == ":" for _, line, *_ in one.body)
    assert len(heard) == 1 + len(events) + keepalives
    assert isinstance(ended, StreamEnded)
    if '"message":"EOF"' in one.text:
        assert ended.reason == "eof"
    elif "prematurely" in one.response["ended"]:
        assert ended.reason == "cut"
    else:
        assert ended.reason == "closed"


@pytest.mark.parametrize("one", [one for one in STREAMS if one.status == 200 and one.last == "log"], ids=_ids)
def test_a_recorded_log_gives_its_lines(one: Exchange, server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(_stream_reply(one))
    complete = "prematurely" not in one.response["ended"]
    lines, ended = drained(client.get_workflow_logs("wf", "pod", timestamps=_stamped(one)))
    assert getattr(ended, "reason", None) == (None if complete else "cut")
    results = [message["result"] for message in _messages(one)]
    if complete:
        assert [((f"{line.at} " if line.at else "") + line.content, line.pod_name) for line in lines] == [
            (result.get("content", ""), result.get("podName", "")) for result in results
        ]
    executors = [line.content for line in lines if line.executor]
    assert executors == [
        line.content for line in lines if " argo=true" in line.content or line.content.startswith("Error: exit status")
    ]
    assert all(line.at for line in lines) == (_stamped(one) or not lines)


@pytest.mark.parametrize("one", SILENT, ids=_ids)
def test_a_call_that_got_no_answer_is_understood(
    one: Exchange, server: Server, connect: Callable[..., ArgoWorkflowsClient]
) -> None:
    said = str(one.response.get("ended") or one.response.get("error"))
    call = _call_of(one)
    assert call
    client = connect(timeout_ms=300, silence_seconds=0.3)
    if "Connection refused" in said:
        server.close()
        expected: tuple[type[ArgoError], ...] = (Unreachable,)
    elif "ReadTimeout" in said:
        server.will(Reply([], end="hang"))
        expected = (StreamEnded,) if one.streamed else (Timeout,)
    else:
        server.will(Reply([], end="close"))
        expected = (Unreachable,)
    with pytest.raises(expected) as caught:
        call(client, one)
    assert caught.value.retryable
    assert caught.value.status is None


def test_stop_ends_a_watch_that_hangs(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(Reply([], end="hang"))
    stop = threading.Event()
    stop.set()
    assert list(client.watch_workflows(stop=stop)) == []
