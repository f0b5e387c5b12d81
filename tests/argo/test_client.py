"""What the client sends, how it pages, and which token it uses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioning.argo import (
    ArgoWorkflowsClient,
    BadAnswer,
    LogLine,
    Refused,
    ResourceVersionTooOld,
    Unauthorized,
    fields,
    observe,
    ours,
)
from provisioning.argo.rights import PROBE, Right, check_rights
from tests.argo.test_nodes import RUNS
from tests.argo.wire import Reply, Seen, Server, chunked, head_of, http, problem

Connect = Callable[..., ArgoWorkflowsClient]
WORKFLOW: dict[str, Any] = {"metadata": {"name": "create-namespace-3f2c8f1e-1"}, "spec": {"arguments": {}}}
NAME = "create-namespace-3f2c8f1e-1"


# --- what is sent


def test_submit_posts_the_workflow_under_its_key(server: Server, client: ArgoWorkflowsClient) -> None:
    stored = {**WORKFLOW, "status": {"startedAt": None, "finishedAt": None}}
    server.will(http(200, stored))
    assert client.submit_workflow(WORKFLOW) == stored
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", "/api/v1/workflows/argo")
    assert seen.json == {"workflow": WORKFLOW}
    assert seen.headers["Content-Type"] == "application/json"
    client.submit_workflow(WORKFLOW, server_dry_run=True)
    assert server.seen[1].json == {"workflow": WORKFLOW, "serverDryRun": True}


def test_stop_and_terminate_are_puts(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(http(200, WORKFLOW))
    client.stop_workflow(NAME)
    client.terminate_workflow(NAME)
    assert [(seen.method, seen.target) for seen in server.seen] == [
        ("PUT", f"/api/v1/workflows/argo/{NAME}/stop"),
        ("PUT", f"/api/v1/workflows/argo/{NAME}/terminate"),
    ]


def test_get_asks_for_fields(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(http(200, WORKFLOW))
    client.get_workflow(NAME)
    client.get_workflow(NAME, fields.GET)
    assert [seen.query for seen in server.seen] == [{}, {"fields": fields.GET}]


def test_a_watch_asks_for_signs_of_life_bookmarks_and_little_else(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(chunked(200, [b":\n"]))
    with pytest.raises(Exception, match="ended the watch"):
        list(client.watch_workflows("platform.io/type=namespace-provisioning", "4711"))
    (seen,) = server.seen
    assert seen.path == "/api/v1/workflow-events/argo"
    assert seen.headers["Accept"] == "text/event-stream"
    assert seen.headers["Accept-Encoding"] == "identity"
    assert seen.query == {
        "listOptions.labelSelector": "platform.io/type=namespace-provisioning",
        "listOptions.resourceVersion": "4711",
        "listOptions.allowWatchBookmarks": "true",
        "fields": fields.WATCH,
    }


def test_a_log_is_asked_for_by_pod_and_container(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(chunked(200, [b'{"result":{"content":"hi","podName":"p"}}\n{"result":{"podName":"p"}}\n']))
    assert list(client.get_workflow_logs(NAME, "p")) == [LogLine("hi", "p"), LogLine("", "p")]
    list(client.get_workflow_logs(NAME, "p", follow=True, since_seconds=5, tail_lines=9, timestamps=True))
    assert [seen.path for seen in server.seen] == [f"/api/v1/workflows/argo/{NAME}/log"] * 2
    assert server.seen[0].query == {"podName": "p", "logOptions.container": "main"}
    assert server.seen[0].headers["Accept"] == "application/json"
    assert server.seen[1].query == {
        "podName": "p",
        "logOptions.container": "main",
        "logOptions.follow": "true",
        "logOptions.sinceSeconds": "5",
        "logOptions.tailLines": "9",
        "logOptions.timestamps": "true",
    }
    assert server.seen[1].headers["Accept"] == "text/event-stream"


def test_a_followed_log_ends_when_told_to(server: Server, client: ArgoWorkflowsClient) -> None:
    line = b'data: {"result":{"content":"hi","podName":"p"}} \n\n\n'
    server.will(chunked(200, [line], whole=False, end="hang"))
    stop = threading.Event()
    signs: list[int] = []
    for found in client.get_workflow_logs(NAME, "p", follow=True, stop=stop, heard=lambda: signs.append(1)):
        assert found.content == "hi"
        stop.set()
    assert len(signs) == 2


def test_a_log_that_breaks_before_its_first_line_is_asked_for_again(
    server: Server, client: ArgoWorkflowsClient
) -> None:
    server.will(http(503, ""), chunked(200, [b'{"result":{"content":"hi"}}\n']))
    assert [line.content for line in client.get_workflow_logs(NAME, "p")] == ["hi"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a%2Fb", "A", "x\n", "@latest", "x" * 254, "-x", "x?y=1"])
def test_a_name_that_would_change_the_path_is_not_sent(name: str, server: Server, client: ArgoWorkflowsClient) -> None:
    for call in (client.get_workflow, client.stop_workflow, client.terminate_workflow, client.get_template):
        with pytest.raises(ValueError, match="not the name of a Kubernetes object"):
            call(name)
    assert server.seen == []


@pytest.mark.parametrize("namespace", ["", "Argo", "argo/x", "a.b", "x" * 64, "argo\n"])
def test_an_impossible_namespace_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="not the name of a namespace"):
        ArgoWorkflowsClient("http://localhost", namespace)


def test_the_path_prefix_of_the_address_is_kept(server: Server, connect: Connect) -> None:
    server.will(http(200, WORKFLOW))
    connect(f"{server.url}//argo/").get_workflow(NAME)
    assert server.seen[0].target == f"/argo/api/v1/workflows/argo/{NAME}"


def test_templates_are_listed_and_read(server: Server, client: ArgoWorkflowsClient) -> None:
    template = {"metadata": {"name": "namespace-provisioning"}, "spec": {}}
    server.will(http(200, {"metadata": {}, "items": [template]}), http(200, template))
    assert client.list_templates() == (template,)
    assert client.get_template("namespace-provisioning") == template
    assert [seen.target for seen in server.seen] == [
        "/api/v1/workflow-templates/argo",
        "/api/v1/workflow-templates/argo/namespace-provisioning",
    ]


# --- fields


def _kept(thing: dict[str, Any], paths: list[str], at: str = "") -> dict[str, Any]:
    """What Argo leaves of an answer by its `fields`: a path keeps all that is below it."""
    result: dict[str, Any] = {}
    for key, value in thing.items():
        path = f"{at}{key}"
        if path in paths:
            result[key] = value
        elif isinstance(value, dict) and any(one.startswith(f"{path}.") for one in paths):
            result[key] = _kept(value, paths, f"{path}.")
    return result


@pytest.mark.parametrize("run", RUNS)
def test_the_fields_leave_all_that_is_read_of_a_workflow(run: str) -> None:
    whole = RUNS[run]
    got = _kept(whole, fields.GET.split(","))
    watched = _kept(
        {"type": "MODIFIED", "object": whole}, [one.removeprefix("result.") for one in fields.WATCH.split(",")]
    )
    assert observe(got) == observe(whole)
    assert watched["type"] == "MODIFIED"
    seen, expected = observe(watched["object"]), observe(whole)
    assert (seen.steps, seen.exit_steps, seen.waiting_for_lock) == (
        expected.steps,
        expected.exit_steps,
        expected.waiting_for_lock,
    )
    assert (seen.phase, seen.message, seen.shutdown) == (expected.phase, expected.message, expected.shutdown)
    assert ours(got, expected.request_id, expected.attempt or 0, expected.digest) == ours(
        whole, expected.request_id, expected.attempt or 0, expected.digest
    )


def test_the_fields_of_a_watch_let_errors_pass() -> None:
    assert "error" in fields.WATCH.split(",")
    assert not any("node" in one for one in fields.LIST.split(","))


# --- lists


def _item(number: int) -> dict[str, Any]:
    return {"metadata": {"name": f"wf-{number}", "uid": str(number)}}


def _server_of(version: str, total: int, pages: Callable[[Seen], Reply]) -> Callable[[Seen], Reply]:
    def reply(seen: Seen) -> Reply:
        return http(200, {"version": version}) if seen.path == "/api/v1/version" else pages(seen)

    return reply


def _by_offset(total: int, *, needs_count: bool) -> Callable[[Seen], Reply]:
    """Argo since 3.5.7; since 4 it tells the next page only when asked to count."""

    def reply(seen: Seen) -> Reply:
        start, limit = int(seen.query.get("listOptions.continue", 0)), int(seen.query["listOptions.limit"])
        metadata: dict[str, str] = {"resourceVersion": "99"}
        counts = seen.query.get("listOptions.fieldSelector") == "ext.showRemainingItemCount=true"
        if start + limit < total and (counts or not needs_count):
            metadata["continue"] = str(start + limit)
        items = [_item(number) for number in range(start, min(start + limit, total))]
        return http(200, {"metadata": metadata, "items": items or None})

    return reply


def _by_token(total: int) -> Callable[[Seen], Reply]:
    """Argo up to 3.5.6: Kubernetes' opaque token, and no selector but a name."""

    def reply(seen: Seen) -> Reply:
        if seen.query.get("listOptions.fieldSelector"):
            return http(400, problem(3, "field label not supported: ext.showRemainingItemCount"))
        start, limit = len(seen.query.get("listOptions.continue", "")), int(seen.query["listOptions.limit"])
        metadata = {"resourceVersion": str(100 + start)}
        if start + limit < total:
            metadata["continue"] = "k" * (start + limit)
        items = [_item(number) for number in range(start, min(start + limit, total))]
        return http(200, {"metadata": metadata, "items": items})

    return reply


@pytest.mark.parametrize("total", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("version", ["v3.5.5", "v3.7.18", "v4.1.2", "latest+abc", "v4.1.2 of an old server"])
def test_a_list_gives_every_item_once_in_either_style(
    version: str, total: int, server: Server, client: ArgoWorkflowsClient
) -> None:
    styles = {
        "v3.5.5": _by_token(total),
        "v3.7.18": _by_offset(total, needs_count=False),
        "v4.1.2 of an old server": _by_token(total),
    }
    pages = styles.get(version, _by_offset(total, needs_count=True))
    server.will(_server_of(version.split(" ", maxsplit=1)[0], total, pages))
    result = client.list_workflows(limit=2)
    assert [item["metadata"]["name"] for item in result.items] == [f"wf-{number}" for number in range(total)]
    assert result.resource_version in {"99", "100"}
    asked = [seen for seen in server.seen if seen.path != "/api/v1/version"]
    assert all(seen.query["listOptions.limit"] == "2" for seen in asked)


def test_an_old_server_is_not_asked_what_it_refuses(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(_server_of("v3.5.5", 3, _by_token(3)))
    client.list_workflows(limit=2)
    assert not any("listOptions.fieldSelector" in seen.query for seen in server.seen)


def test_items_that_move_between_pages_come_once(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(
        http(200, {"version": "v4.1.2"}),
        http(200, {"metadata": {"resourceVersion": "5", "continue": "2"}, "items": [_item(1), _item(2)]}),
        http(200, {"metadata": {"resourceVersion": "6"}, "items": [_item(2), _item(3)]}),
    )
    result = client.list_workflows(limit=2)
    assert [item["metadata"]["uid"] for item in result.items] == ["1", "2", "3"]
    assert result.resource_version == "5"


def test_a_list_that_never_ends_is_left(server: Server, client: ArgoWorkflowsClient) -> None:
    page = {"metadata": {"resourceVersion": "5", "continue": "2"}, "items": [_item(1)]}
    server.will(http(200, {"version": "v4.1.2"}), http(200, page))
    assert client.list_workflows(limit=2).items == (_item(1),)
    assert len(server.seen) == 3


def test_only_as_many_pages_as_wanted_are_read(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(_server_of("v4.1.2", 9, _by_offset(9, needs_count=True)))
    assert len(client.list_workflows(limit=2, pages=1).items) == 2


def test_an_expired_page_begins_the_list_again(server: Server, client: ArgoWorkflowsClient) -> None:
    first = {"metadata": {"resourceVersion": "1", "continue": "k"}, "items": [_item(1)]}
    expired = problem(3, "The provided continue parameter is too old to display a consistent list result.")
    server.will(
        http(200, {"version": "v3.5.5"}),
        http(200, first),
        http(400, expired),
        http(200, {"metadata": {"resourceVersion": "8"}, "items": [_item(1), _item(2)]}),
    )
    result = client.list_workflows(limit=1)
    assert (len(result.items), result.resource_version) == (2, "8")
    server.will(http(400, expired))
    with pytest.raises(ResourceVersionTooOld):
        client.list_workflows(limit=1)
    assert len(server.seen) == 3


def test_a_list_without_limit_is_not_possible(client: ArgoWorkflowsClient) -> None:
    with pytest.raises(ValueError, match="at least one"):
        client.list_workflows(limit=0)


def test_a_refused_selector_is_a_refusal(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(http(400, problem(3, "unable to parse requirement")))
    with pytest.raises(Refused):
        connect_version(client, server).list_workflows("a in b")


def connect_version(client: ArgoWorkflowsClient, server: Server) -> ArgoWorkflowsClient:
    refusal = server.answers[0]
    server.will(http(200, {"version": "v4.1.2"}))
    client.version()
    server.will(refusal)
    return client


# --- version


def test_health_tells_version_and_verdict(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(http(200, {"version": "v3.7.14"}))
    health = client.health_check()
    assert (health.version, health.supported, health.safe, health.trial) == ("v3.7.14", True, False, False)
    assert "3.7.15" in health.advice


def test_the_version_is_asked_for_once_and_then_heard_of(server: Server, client: ArgoWorkflowsClient) -> None:
    empty = {"metadata": {"resourceVersion": "1"}, "items": None}
    server.will(http(200, {"version": "v3.7.18"}), http(200, empty))
    client.list_workflows()
    client.list_workflows()
    assert [seen.path for seen in server.seen].count("/api/v1/version") == 1
    assert client.version().text == "v3.7.18"
    server.will(http(200, empty, [("Grpc-Metadata-Argo-Version", "v4.1.2")]))
    client.list_workflows()
    assert client.version().text == "v4.1.2"
    client.list_workflows()
    assert server.seen[-1].query["listOptions.fieldSelector"] == "ext.showRemainingItemCount=true"


def test_an_answer_without_version_is_not_argos(server: Server, client: ArgoWorkflowsClient) -> None:
    server.will(http(200, {"status": "ok"}))
    with pytest.raises(BadAnswer):
        client.health_check()


# --- the token


@pytest.mark.parametrize(
    ("token", "header"),
    [
        ("abc.def", "Bearer abc.def"),
        ("Bearer abc.def", "Bearer abc.def"),
        ("bearer  abc.def\n", "Bearer abc.def"),
        (" abc.def\r\n", "Bearer abc.def"),
        ("", None),
        (None, None),
    ],
)
def test_a_token_is_sent_with_one_prefix(
    token: str | None, header: str | None, server: Server, connect: Connect
) -> None:
    server.will(http(200, {}))
    connect(token=token).userinfo()
    assert server.seen[0].headers.get("Authorization") == header


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "é"])
def test_a_token_that_cannot_be_sent_is_explained_without_showing_it(
    token: str, server: Server, connect: Connect
) -> None:
    with pytest.raises(Unauthorized, match="ARGO_TOKEN is not a token") as caught:
        connect(token=token).userinfo()
    assert token not in str(caught.value)
    assert server.seen == []


def test_a_token_file_is_read_again_when_it_changes(server: Server, connect: Connect, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    client = connect(token=None, token_file=str(file))
    server.will(http(200, {}))
    client.userinfo()
    replacement = tmp_path / "next"
    replacement.write_text("second\n")
    replacement.replace(file)
    client.userinfo()
    assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer first", "Bearer second"]


def test_a_refused_token_is_read_again_once(server: Server, connect: Connect, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    client = connect(token=None, token_file=str(file))

    def rotate(seen: Seen) -> Reply:
        file.write_text("new")
        return http(401, problem(16, "Unauthorized"))

    server.will(rotate, http(200, WORKFLOW))
    assert client.submit_workflow(WORKFLOW) == WORKFLOW
    assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer old", "Bearer new"]
    server.will(http(401, problem(16, "Unauthorized")))
    with pytest.raises(Unauthorized):
        client.submit_workflow(WORKFLOW)
    assert len(server.seen) == 1


@pytest.mark.parametrize("content", [None, "", " \n", "two words"])
def test_a_token_file_that_is_no_use_is_explained(
    content: str | None, server: Server, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Unauthorized) as caught:
        connect(token="unused", token_file=str(file)).userinfo()
    assert str(file) in caught.value.cause
    assert server.seen == []


def test_a_netrc_and_a_proxy_do_not_come_between_the_portal_and_loopback(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login alice password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.will(http(200, {}))
    connect(token="abc.def").userinfo()
    assert server.seen[0].headers["Authorization"] == "Bearer abc.def"


def test_elsewhere_the_proxy_of_the_environment_is_used(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.will(http(200, {"subject": "x"}))
    assert connect("http://argo.invalid:2746").userinfo() == {"subject": "x"}
    assert server.seen[0].target == "http://argo.invalid:2746/api/v1/userinfo"


# --- rights


def test_rights_are_found_by_calls_that_change_nothing(server: Server, client: ArgoWorkflowsClient) -> None:
    def reply(seen: Seen) -> Reply:
        if seen.path == "/api/v1/version":
            return http(200, {"version": "v4.1.2"})
        if seen.method == "POST":
            return http(400, problem(3, "ValidatingAdmissionPolicy 'p' denied request: only templates"))
        if seen.path.startswith("/api/v1/workflow-events"):
            return http(429, {"error": {"grpc_code": 8, "http_code": 429, "message": "EOF"}})
        if seen.path.endswith(PROBE):
            return http(404, problem(5, f'workflows.argoproj.io "{PROBE}" not found'))
        if seen.path.startswith("/api/v1/workflow-templates"):
            return http(403, problem(7, "permission denied"))
        return http(200, {"metadata": {}, "items": None})

    server.will(reply)
    rights = {right.name: right.allowed for right in check_rights(client)}
    assert rights == {
        "list workflows": True,
        "get workflows": True,
        "watch workflows": True,
        "create workflows": True,
        "list workflowtemplates": False,
    }
    posts = [seen.json for seen in server.seen if seen.method == "POST"]
    assert [post["serverDryRun"] for post in posts] == [True]


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        (http(200, {"metadata": {"name": PROBE}}), True),
        (http(409, problem(6, "already exists")), None),
        (http(400, problem(3, "template 'main' type is unknown")), None),
        (http(403, problem(7, "exceeded quota: q")), True),
        (
            http(403, problem(7, 'User "u" cannot create resource "workflows" in API group "a" in the namespace "n"')),
            False,
        ),
        (http(404, problem(5, 'namespaces "argo" not found')), None),
        (http(401, problem(16, "Unauthorized")), False),
        (http(503, ""), None),
    ],
)
def test_the_right_to_create_is_known_only_from_an_answer_about_it(
    answer: Reply, allowed: bool | None, server: Server, client: ArgoWorkflowsClient
) -> None:
    server.will(lambda seen: answer if seen.method == "POST" else http(503, ""))
    rights = {right.name: right.allowed for right in check_rights(client)}
    assert rights["create workflows"] is allowed


OPENED = head_of(200, [("Content-Type", "text/event-stream"), ("Connection", "close")])


@pytest.mark.parametrize(("answer", "allowed"), [(OPENED + b":\n", True), (OPENED, True), (b"", None)])
def test_a_watch_that_the_server_never_ends_is_left_and_proves_the_right_by_having_opened(
    answer: bytes, allowed: bool | None, server: Server, client: ArgoWorkflowsClient
) -> None:
    def reply(seen: Seen) -> Reply:
        return Reply([answer], end="hang") if seen.path.startswith("/api/v1/workflow-events") else http(503, "")

    server.will(reply)
    rights = {right.name: right.allowed for right in check_rights(client, watch_seconds=0.3)}
    assert rights["watch workflows"] is allowed


def test_rights_are_unknown_while_the_server_is_away(server: Server, client: ArgoWorkflowsClient) -> None:
    server.close()
    rights = check_rights(client)
    assert [right.allowed for right in rights] == [None] * 5
    assert all(isinstance(right, Right) and right.error and right.error.retryable for right in rights)
