"""Bytes on the wire: framing, versions of HTTP, the limit of calls, and who may speak to the trial at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from provisioning.trial.server import NotLoopback, PortTaken, Server

from . import departures
from .client import Client
from .replaying import assert_same, exchange, headers_of, put, send

if TYPE_CHECKING:
    from provisioning.trial.server import Trial
    from provisioning.trial.store import Store

    from .conftest import Clock

RAW = ["035-raw-error-bytes", "036-raw-ok-bytes", "037-raw-http10"]


def token_line(client: Client) -> str:
    return f"Authorization: {client.bearer()['Authorization']}\r\n"


@pytest.mark.parametrize("name", RAW)
def test_raw_answers_have_the_recorded_lines(name: str, client: Client) -> None:
    recorded = exchange(name)
    head, _, rest = recorded.request["path"].partition("\n")
    request = f"{head}\r\n{token_line(client)}{rest}".replace("\r\n", "\n").replace("\n", "\r\n")
    lines = client.raw(request.encode()).decode().split("\r\n")
    theirs, ours = split(recorded.body), split(lines)
    assert ours == theirs


def split(lines: list[str]) -> tuple[str, list[tuple[str, str]], str]:
    """Status line, comparable headers, body."""
    end = lines.index("")
    pairs = [(name, value) for name, _, value in (line.partition(": ") for line in lines[1:end])]
    return lines[0], headers_of(pairs), lines[-1]


@pytest.mark.parametrize("name", ["001-version", "026-gzip-asked", "052-auth-garbage-version"])
def test_the_version_has_argos_eight_keys_and_says_trial(name: str, client: Client) -> None:
    recorded = exchange(name)
    answer = send(client, recorded)
    assert answer.status == 200
    assert headers_of(answer.headers) == headers_of(recorded.response["headers"])
    assert list(answer.json) == list(recorded.body)
    assert answer.json["version"] == "v4.1.2+trial"
    assert answer.json["gitTag"] == "v4.1.2"


@pytest.mark.parametrize("name", ["004-root-static", "005-static-unknown-path"])
def test_what_is_not_the_api_is_a_page_for_everybody(name: str, client: Client) -> None:
    recorded = exchange(name)
    answer = client.call("GET", recorded.request["path"], headers={})
    assert answer.status == 200
    assert headers_of(answer.headers) == headers_of(recorded.response["headers"])
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_head_request_has_no_body(client: Client) -> None:
    answer = client.call("HEAD", "/api/v1/workflows/argo")
    assert (answer.status, answer.raw) == (501, b"")


def test_a_redirect_of_a_get_says_where(client: Client) -> None:
    answer = client.call("GET", "/api//v1/../v1/version", query={"a": "1"})
    assert (answer.status, answer.header("Location")) == (307, "/api/v1/version?a=1")


def test_a_connection_is_kept_for_the_next_call(client: Client) -> None:
    with client.begin("GET", "/api/v1/version") as connection:
        connection.getresponse().read()
        connection.request("GET", "/api/v1/info", headers=client.bearer())
        assert connection.getresponse().status == 200


def test_a_chunked_body_is_read(client: Client) -> None:
    body = b'{"workflow":null}'
    request = (
        f"POST /api/v1/workflows/argo HTTP/1.1\r\nHost: localhost\r\n{token_line(client)}"
        f"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{len(body):x}\r\n"
    )
    answer = client.raw(request.encode() + body + b"\r\n0\r\n\r\n")
    assert answer.endswith(b'{"code":3,"message":"workflow body not specified"}')


def test_long_bodies_come_in_chunks_and_short_ones_with_a_length(client: Client, clock: Clock, store: Store) -> None:
    put(store, clock, exchange("202-dag-parallel-get-final").body)
    long = client.get("/api/v1/workflows/argo")
    assert (long.header("Transfer-Encoding"), long.header("Content-Length")) == ("chunked", None)
    short = client.get("/api/v1/workflows/argo", fields="items.metadata.name")
    assert short.header("Content-Length") == str(len(short.raw))


def test_html_characters_are_escaped_as_go_does(client: Client) -> None:
    recorded = exchange("141-submit-html-chars")
    answer = send(client, recorded)
    assert b'echo \\"\\u003ca\\u003e\\u0026' in answer.raw
    assert not re.search(rb"[<>&]", answer.raw)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:2746", "localhost.evil.example", "169.254.0.1"])
def test_a_page_under_another_name_reaches_nothing(host: str, client: Client) -> None:
    answer = client.raw(
        f"GET /api/v1/version HTTP/1.1\r\nHost: {host}\r\n{token_line(client)}Connection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"v4.1.2" not in answer


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:2746", "[::1]:2746"])
def test_loopback_names_are_answered(host: str, client: Client) -> None:
    answer = client.raw(
        f"GET /api/v1/version HTTP/1.1\r\nHost: {host}\r\n{token_line(client)}Connection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_the_server_refuses_to_listen_where_others_could_reach_it(host: str, trial: Trial) -> None:
    with pytest.raises(NotLoopback, match="not a loopback address"):
        Server(trial, host=host)


def test_a_taken_port_is_said_so(server: Server, trial: Trial) -> None:
    with pytest.raises(PortTaken, match=f"port {server.port} is in use"):
        Server(trial, port=server.port).start()


def test_the_limit_of_calls_says_no_in_its_two_ways(trial: Trial) -> None:
    """Recordings 900-ratelimit-1 to 9: each API call takes two of the five."""
    server = Server(trial, calls_per_second=5)
    server.start()
    try:
        client = Client(server.port, {})
        for number in range(1, 10):
            recorded = exchange(f"900-ratelimit-{number}")
            answer = client.call("GET", "/api/v1/userinfo", headers={"Authorization": "Bearer x"})
            assert answer.status == recorded.response["status"]
            assert headers_of(answer.headers) == headers_of(recorded.response["headers"])
            left = dict(recorded.response["headers"])["X-Ratelimit-Remaining"]
            assert answer.header("X-Ratelimit-Remaining") == str(max(0, int(left) - departures.COUNTED_LATER[number]))
            if answer.status != 200:
                assert answer.text.rstrip() == str(text_of(recorded.body)).rstrip()
    finally:
        server.stop()


def text_of(body: object) -> object:
    if isinstance(body, dict):
        return f'{{"code":{body["code"]},"message":"{body["message"]}"}}'
    return body


def test_the_limit_begins_anew_with_each_second(trial: Trial, clock: Clock) -> None:
    server = Server(trial, calls_per_second=2)
    server.start()
    try:
        client = Client(server.port, {})
        call = ("GET", "/api/v1/userinfo")
        statuses = [client.call(*call, headers={"Authorization": "Bearer x"}).status for _ in range(2)]
        clock.now += 1
        assert [*statuses, client.call(*call, headers={"Authorization": "Bearer x"}).status] == [200, 429, 200]
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/api/v1/cron-workflows/argo", "cron workflows"),
        ("/api/v1/cluster-workflow-templates", "cluster workflow templates"),
        ("/api/v1/stream/events/argo", "the stream of Kubernetes events"),
        ("/api/v1/sensors/argo", "sensors"),
        ("/api/v1/sync/argo/key", "the API for semaphore limits"),
    ],
)
def test_what_argo_has_and_the_trial_does_not_is_named(path: str, what: str, client: Client) -> None:
    answer = client.get(path)
    assert (answer.status, answer.json) == (501, {"code": 12, "message": f"trial: {what} is not implemented"})


def test_malformed_json_is_refused_in_gos_words(client: Client) -> None:
    cases = {
        b'{"a" 1}': "invalid character '1' after object key",
        b'{"a":1 "b":2}': "invalid character '\"' after object key:value pair",
        b"[1 2]": "invalid character '2' after array element",
        b'{"a":1,}': "invalid character '}' looking for beginning of object key string",
        b'{"a":"\n"}': "invalid character '\\n' in string literal",
        b'{"a":': "unexpected EOF",
        b'{"a":NaN}': "invalid character 'N' looking for beginning of value",
        b"[]": "json: cannot unmarshal array into Go value of type workflow.WorkflowCreateRequest",
    }
    for body, message in cases.items():
        answer = client.call("POST", "/api/v1/workflows/argo", body)
        assert (answer.status, answer.json) == (400, {"code": 3, "message": message})


def test_half_a_surrogate_pair_becomes_the_replacement_character(client: Client) -> None:
    workflow = exchange("101-submit-fixed-name").request["body"]["workflow"]
    metadata = {**workflow["metadata"], "annotations": {"a": "\ud83d", "b": "\U0001f50d"}}
    answer = client.call("POST", "/api/v1/workflows/argo", {"workflow": {**workflow, "metadata": metadata}})
    assert answer.json["metadata"]["annotations"] == {"a": "\ufffd", "b": "\U0001f50d"}


def test_the_stateless_answers_need_no_second_look(client: Client) -> None:
    """The comparison itself sees a difference: another recording's answer is not taken for this one's."""
    with pytest.raises(AssertionError):
        assert_same(exchange("006-unknown-api-path"), send(client, exchange("649-get-missing")))
