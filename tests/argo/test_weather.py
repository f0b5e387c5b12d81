"""Servers, gateways and networks that misbehave: every outcome is an ArgoError that says what to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from provisioning.argo import (
    AlreadyExists,
    ArgoError,
    ArgoWorkflowsClient,
    BadAnswer,
    Forbidden,
    NotFound,
    Refused,
    RefusedByPolicy,
    ServerError,
    StreamEnded,
    Timeout,
    TlsFailed,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from tests.argo.conftest import TOKEN
from tests.argo.wire import Reply, Server, chunked, drained, head_of, http, problem

Connect = Callable[..., ArgoWorkflowsClient]
PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"
HTML = [("Content-Type", "text/html; charset=utf-8")]
WORKFLOW = {"metadata": {"name": "wf"}, "spec": {}, "status": {}}


@pytest.mark.parametrize(
    ("answer", "error", "retryable", "whole_server"),
    [
        (http(200, PAGE, HTML), BadAnswer, False, True),
        (http(200, "pong"), BadAnswer, False, True),
        (http(200, ""), BadAnswer, False, True),
        (http(200, [1, 2]), BadAnswer, False, True),
        (http(200, {"message": "logged in"}), BadAnswer, False, True),
        (http(200, {"metadata": {}, "items": None}), BadAnswer, False, True),
        (http(200, {"metadata": {"name": "another"}}), BadAnswer, False, True),
        (http(200, '{"metadata":{"name":"w'), Unreachable, True, True),
        (http(200, "[" * 200_000), Unreachable, True, True),
        (http(200, b'{"metadata":\xff\xfe}'), Unreachable, True, True),
        (http(201, WORKFLOW), BadAnswer, False, True),
        (http(202, WORKFLOW), BadAnswer, False, True),
        (http(204), BadAnswer, False, True),
        (http(301, "", [("Location", "https://argo/login?next=x")]), BadAnswer, False, True),
        (http(302, "", [("Location", "https://sso.example.com/")]), BadAnswer, False, True),
        (http(307, ""), BadAnswer, False, True),
        (http(304, ""), BadAnswer, False, True),
        (http(400, "Client sent an HTTP request to an HTTPS server.\n"), TlsFailed, False, True),
        (http(400, PAGE, HTML), BadAnswer, True, True),
        (http(401, PAGE, HTML), Unauthorized, False, True),
        (http(403, PAGE, HTML), Forbidden, False, True),
        (http(404, PAGE, HTML), BadAnswer, True, True),
        (http(404, "default backend - 404"), BadAnswer, True, True),
        (http(404, {"detail": "Not Found"}), BadAnswer, True, True),
        (http(408, ""), ServerError, True, True),
        (http(413, PAGE, HTML), Refused, False, False),
        (http(429, "Too Many Requests\n"), TooManyRequests, True, True),
        (http(500, ""), ServerError, True, True),
        (http(502, PAGE, HTML), ServerError, True, True),
        (http(503, "upstream connect error"), ServerError, True, True),
        (http(503, problem(14, "starting")), ServerError, True, True),
        (http(504, PAGE, HTML), ServerError, True, True),
        (http(529, ""), ServerError, True, True),
        (http(501, problem(12, "Not Implemented")), BadAnswer, False, True),
        (http(400, problem(3, "spec.entrypoint is required")), Refused, False, False),
        (http(422, problem(3, "invalid")), Refused, False, False),
        (http(404, problem(5, 'workflows.argoproj.io "wf" not found')), NotFound, False, False),
        (http(404, problem(5, 'namespaces "argo" not found')), NotFound, False, True),
        (http(403, problem(7, 'pods "x" is forbidden: exceeded quota: q')), Forbidden, True, False),
    ],
)
def test_an_answer_that_is_none_is_sorted(
    answer: Reply,
    error: type[ArgoError],
    retryable: bool,
    whole_server: bool,
    server: Server,
    client: ArgoWorkflowsClient,
) -> None:
    server.will(answer)
    with pytest.raises(error) as caught:
        client.get_workflow("wf")
    assert type(caught.value) is error
    assert (caught.value.retryable, caught.value.whole_server) == (retryable, whole_server)
    assert caught.value.cause
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply([], end="close"), Unreachable),
        (Reply([], end="reset"), Unreachable),
        (Reply([b"\x00\x00\x06\x04\x00"], end="close"), Unreachable),
        (Reply([head_of(200, [("Content-Length", "100")]), b'{"metadata"'], end="close"), Unreachable),
        (Reply([head_of(200, [("Content-Length", "100")]), b'{"metadata"'], end="reset"), Unreachable),
        (chunked(200, [b'{"metadata":'], whole=False), Unreachable),
        (chunked(500, [b'{"code":13'], whole=False), Unreachable),
        (Reply([head_of(200, [("Transfer-Encoding", "chunked")]), b"zz\r\n"], end="close"), Unreachable),
        (Reply([head_of(200, [("Content-Encoding", "gzip"), ("Content-Length", "4")]), b"abcd"]), BadAnswer),
    ],
)
def test_a_connection_that_breaks_is_sorted(
    answer: Reply, error: type[ArgoError], server: Server, client: ArgoWorkflowsClient
) -> None:
    server.will(answer)
    with pytest.raises(error) as caught:
        client.get_workflow("wf")
    assert caught.value.whole_server
    assert "0x" not in caught.value.cause


@pytest.mark.parametrize(
    "answer",
    [
        Reply([], end="hang"),
        Reply([b"HTTP/1.1 200"], end="hang"),
        Reply([head_of(200, [("Content-Length", "100")]), b"{"], end="hang"),
        Reply([head_of(404, [("Content-Length", "100")]), b"{"], end="hang"),
    ],
)
def test_a_server_that_does_not_finish_is_a_timeout(answer: Reply, server: Server, connect: Connect) -> None:
    server.will(answer)
    with pytest.raises(Timeout) as caught:
        connect(timeout_ms=200).get_workflow("wf")
    assert caught.value.retryable


def test_a_server_that_drips_is_a_timeout(server: Server, connect: Connect) -> None:
    """Each byte comes in time for the socket; only the whole is late."""
    moments = iter(range(10_000))
    server.will(chunked(200, [b" "] * 2_000))
    with pytest.raises(Timeout):
        connect(clock=lambda: float(next(moments)), timeout_ms=20_000).get_workflow("wf")


def test_reads_are_repeated_until_one_succeeds(server: Server, connect: Connect) -> None:
    pauses: list[float] = []
    server.will(http(503, problem(14, "starting")), Reply([], end="reset"), http(429, ""), http(200, WORKFLOW))
    assert connect(sleep=pauses.append).get_workflow("wf") == WORKFLOW
    assert pauses == [0.25, 0.5, 1.0]
    assert len(server.seen) == 4


def test_reads_are_not_repeated_for_ever(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(http(503, ""))
    with pytest.raises(ServerError):
        client.get_workflow("wf")
    assert len(server.seen) == 4


def test_reads_are_not_repeated_beyond_the_timeout(server: Server, connect: Connect) -> None:
    pauses: list[float] = []
    server.will(http(503, "", [("Retry-After", "30")]))
    with pytest.raises(ServerError) as caught:
        connect(sleep=pauses.append, timeout_ms=20_000).get_workflow("wf")
    assert caught.value.retry_after == 30
    assert (pauses, len(server.seen)) == ([], 1)


def test_the_server_says_how_long_to_wait(server: Server, connect: Connect) -> None:
    pauses: list[float] = []
    server.will(http(429, "Too Many Requests\n", [("Retry-After", "3")]), http(200, WORKFLOW))
    assert connect(sleep=pauses.append).get_workflow("wf") == WORKFLOW
    assert pauses == [3.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 501])
def test_a_final_answer_is_not_asked_for_again(status: int, server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(http(status, problem(3, "no")))
    with pytest.raises(ArgoError):
        client.get_workflow("wf")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "answer",
    [http(503, ""), http(500, problem(13, "etcd")), http(429, ""), Reply([], end="reset"), Reply([], end="close")],
)
@pytest.mark.parametrize(
    "write",
    [
        lambda client: client.submit_workflow(WORKFLOW),
        lambda client: client.stop_workflow("wf"),
        lambda client: client.terminate_workflow("wf"),
    ],
)
def test_a_write_is_sent_once(
    answer: Reply, write: Callable[[ArgoWorkflowsClient], Any], server: Server, client: ArgoWorkflowsClient
) -> None:
    server.will(answer)
    with pytest.raises(ArgoError) as caught:
        write(client)
    assert caught.value.retryable
    assert len(server.seen) == 1


def test_a_conflict_is_a_taken_name_only_for_a_submit(server: Server, client: ArgoWorkflowsClient) -> None:
    conflict = problem(6, 'Operation cannot be fulfilled on workflows.argoproj.io "wf": the object has been modified')
    server.will(http(409, conflict))
    with pytest.raises(AlreadyExists) as submitted:
        client.submit_workflow(WORKFLOW)
    assert not submitted.value.retryable
    with pytest.raises(ServerError) as stopped:
        client.stop_workflow("wf")
    assert stopped.value.retryable


def test_a_post_that_became_a_list_on_the_way_is_noticed(server: Server, client: ArgoWorkflowsClient) -> None:
    """What Argo 3.5 makes of a POST over a double slash when the redirect is followed."""
    server.will(http(200, {"metadata": {"resourceVersion": "1"}, "items": [WORKFLOW]}))
    with pytest.raises(BadAnswer):
        client.submit_workflow(WORKFLOW)


def test_nothing_listens(server: Server, client: ArgoWorkflowsClient) -> None:
    server.close()
    with pytest.raises(Unreachable, match="connection refused"):
        client.get_workflow("wf")


def test_a_name_that_does_not_resolve(connect: Connect) -> None:
    with pytest.raises(Unreachable, match=r"no-such-host\.invalid cannot be resolved"):
        connect("http://no-such-host.invalid").userinfo()


def test_https_to_a_plain_server_says_so(server: Server, connect: Connect) -> None:
    server.will(http(200, {}))
    client = connect(server.url.replace("http:", "https:"))
    with pytest.raises((TlsFailed, Unreachable)):
        client.userinfo()


def test_http_to_a_server_that_hangs_up_hints_at_tls(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(Reply([], end="close"))
    with pytest.raises(Unreachable) as caught:
        client.userinfo()
    assert "https://" in caught.value.remedy


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ('workflowtemplates.argoproj.io "namespace-provisioning" not found', "cluster_setup"),
        ('namespaces "argo" not found', "ARGO_NAMESPACE is argo"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(
    message: str, remedy: str, server: Server, client: ArgoWorkflowsClient
) -> None:
    server.will(http(404, problem(5, message)))
    with pytest.raises(NotFound) as caught:
        client.submit_workflow(WORKFLOW)
    assert remedy in caught.value.remedy
    assert message in caught.value.cause


def test_a_missing_right_is_named(server: Server, client: ArgoWorkflowsClient) -> None:
    text = (
        'workflows.argoproj.io is forbidden: User "system:serviceaccount:argo:readonly" cannot create resource '
        '"workflows" in API group "argoproj.io" in the namespace "argo"'
    )
    server.will(http(403, problem(7, text)))
    with pytest.raises(Forbidden) as caught:
        client.submit_workflow(WORKFLOW)
    assert "create workflows in namespace argo" in caught.value.remedy


def test_an_admission_policy_is_quoted(server: Server, client: ArgoWorkflowsClient) -> None:
    text = (
        "workflows.argoproj.io \"wf\" is forbidden: ValidatingAdmissionPolicy 'platform-portal-workflows' with binding "
        "'b' denied request: only the four approved templates may be used"
    )
    server.will(http(400, problem(3, text)))
    with pytest.raises(RefusedByPolicy) as caught:
        client.submit_workflow(WORKFLOW)
    assert caught.value.cause.endswith("submit a workflow: only the four approved templates may be used")


def _sse(*lines: str) -> list[bytes]:
    return [line.encode() for line in lines]


EVENT = 'data: {"result":{"type":"ADDED","object":{"metadata":{"name":"wf","resourceVersion":"7"}}}} \n\n\n'


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (chunked(200, _sse(EVENT), whole=False), StreamEnded, "cut"),
        (chunked(200, _sse(EVENT, EVENT[:40]), whole=False), StreamEnded, "cut"),
        (chunked(200, _sse(EVENT, EVENT[:40])), StreamEnded, "cut"),
        (chunked(200, _sse(EVENT)), StreamEnded, "closed"),
        (chunked(200, _sse(EVENT, "{}\n")), StreamEnded, "closed"),
        (chunked(200, _sse(EVENT), whole=False, end="hang"), StreamEnded, "silent"),
        (chunked(200, _sse(EVENT, EVENT[:40]), whole=False, end="hang"), StreamEnded, "silent"),
        (chunked(200, _sse(EVENT, "half past nine\n")), BadAnswer, None),
        (chunked(200, _sse(EVENT, PAGE + "\n")), BadAnswer, None),
    ],
)
def test_a_watch_that_breaks_gives_what_came_before(
    answer: Reply, error: type[ArgoError], reason: str | None, server: Server, connect: Connect
) -> None:
    server.will(answer)
    events, ended = drained(connect(silence_seconds=0.3).watch_workflows())
    assert [event.resource_version for event in events] == ["7"]
    assert type(ended) is error
    assert getattr(ended, "reason", None) == reason


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http(200, PAGE, HTML), BadAnswer),
        (http(502, PAGE, HTML), ServerError),
        (http(429, "Too Many Requests\n"), TooManyRequests),
        (http(429, {"error": {"grpc_code": 8, "http_code": 429, "message": "is rejected by"}}), TooManyRequests),
        (http(401, {"error": {"grpc_code": 16, "http_code": 401, "message": "Unauthorized"}}), Unauthorized),
        (http(301, ""), BadAnswer),
        (Reply([], end="reset"), Unreachable),
        (Reply([], end="hang"), StreamEnded),
        (
            http(410, {"error": {"grpc_code": 3, "http_code": 410, "message": "Expired: too old resource version"}}),
            None,
        ),
    ],
)
def test_a_watch_that_does_not_begin_is_sorted(
    answer: Reply, error: type[ArgoError] | None, server: Server, connect: Connect
) -> None:
    server.will(answer)
    with pytest.raises(error or ArgoError) as caught:
        list(connect(silence_seconds=0.3).watch_workflows())
    assert len(server.seen) == 1
    assert error or type(caught.value).__name__ == "ResourceVersionTooOld"


@pytest.mark.parametrize(
    "line",
    [
        '{"error":{"grpc_code":3,"http_code":400,"message":"too old resource version: 1 (7383)"}}',
        'data: {"error":{"grpc_code":3,"http_code":400,"message":"The resourceVersion is too old."}} \n\n',
        '{"result":{"type":"ERROR","object":{"kind":"Status","code":410}}}\n',
    ],
)
def test_a_version_that_became_too_old_is_told_in_the_stream(
    line: str, server: Server, client: ArgoWorkflowsClient
) -> None:
    server.will(chunked(200, _sse(EVENT, line)))
    with pytest.raises(ArgoError) as caught:
        list(client.watch_workflows(resource_version="1"))
    assert type(caught.value).__name__ == "ResourceVersionTooOld"


def test_a_line_that_comes_in_pieces_is_one_event(server: Server, client: ArgoWorkflowsClient) -> None:
    text = (EVENT + ":\nevent: message\nid: 7\nretry: 5\n" + EVENT.replace("ADDED", "MODIFIED")).encode()
    server.will(chunked(200, [text[at : at + 3] for at in range(0, len(text), 3)]))
    events, _ = drained(client.watch_workflows())
    assert [event.type for event in events] == ["ADDED", "MODIFIED"]


def test_stop_ends_a_stream_at_once_though_no_byte_comes(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(chunked(200, _sse(EVENT), whole=False, end="hang"))
    stop = threading.Event()
    for event in client.watch_workflows(stop=stop):
        assert event.type == "ADDED"
        stop.set()  # else this would wait for ever: the server says nothing more
    assert len(server.seen) == 1


def test_a_watch_that_is_left_lets_go_of_its_connection(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(chunked(200, _sse(EVENT), whole=False, end="hang"))
    events = client.watch_workflows()
    next(events)
    readers = [thread for thread in threading.enumerate() if thread.name == "argo-stream"]
    events.close()  # type: ignore[attr-defined]
    for thread in readers:
        thread.join(10)
        assert not thread.is_alive()


def test_more_events_than_are_kept_waiting_all_come(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(chunked(200, _sse(*[EVENT] * 1_000)))
    events, ended = drained(client.watch_workflows())
    assert len(events) == 1_000
    assert isinstance(ended, StreamEnded)
    assert ended.reason == "closed"


def test_no_answer_of_any_kind_shows_the_token(server: Server, connect: Connect, caplog: Any) -> None:
    client = connect()
    answers = [
        http(400, problem(3, f"bad header Bearer {TOKEN}")),
        http(401, problem(16, TOKEN)),
        http(403, f"{TOKEN} has no right"),
        http(302, "", [("Location", f"https://sso/{TOKEN}")]),
        http(500, problem(13, f"panic: {TOKEN}")),
        chunked(200, [f'{{"error":{{"grpc_code":13,"http_code":500,"message":"{TOKEN}"}}}}'.encode()]),
        Reply([f"HTTP/1.1 {TOKEN}\r\n\r\n".encode()]),
    ]
    for answer in answers:
        server.will(answer)
        for call in (lambda: client.get_workflow("wf"), lambda: list(client.watch_workflows())):
            with pytest.raises(ArgoError) as caught:
                call()
            told = (repr(caught.value), str(caught.value), caught.value.args, str(vars(caught.value)))
            assert all(TOKEN not in str(one) for one in told)
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(client) + repr(vars(client)) + repr(vars(client._transport))
