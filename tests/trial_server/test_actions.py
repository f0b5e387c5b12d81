"""What can be done to a workflow, with the engine behind it: the answer's promise is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioning.trial.engine import Engine
from provisioning.trial.server.rerun import reset
from provisioning.trial.server.status import Status

from .replaying import exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioning.trial.store import Store

    from .client import Client
    from .conftest import Clock

PATH = "/api/v1/workflows/argo"


@pytest.fixture
def engine(store: Store, clock: Clock) -> Iterator[Engine]:
    """Does what is due when it is told to."""
    made = Engine(store, None, pod_seconds=0, clock=clock)
    yield made
    made.stop()


def two_tasks(code: str) -> dict[str, Any]:
    container = {"image": "alpine:3.18", "command": ["sh", "-c"]}
    tasks = [{"name": "a", "template": "good"}, {"name": "b", "template": "ends", "dependencies": ["a"]}]
    return {
        "metadata": {"name": "two"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "code", "value": code}]},
            "templates": [
                {"name": "main", "dag": {"tasks": tasks}},
                {"name": "good", "container": {**container, "args": ["echo good"]}},
                {"name": "ends", "container": {**container, "args": ["exit {{workflow.parameters.code}}"]}},
            ],
        },
    }


def submit(client: Client, workflow: dict[str, Any]) -> None:
    assert client.call("POST", PATH, {"workflow": workflow}).status == 200


def status_of(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{PATH}/two").json["status"]
    return found


def test_a_failed_workflow_is_retried_from_where_it_failed(client: Client, engine: Engine, store: Store) -> None:
    submit(client, two_tasks("3"))
    engine.settle()
    failed = status_of(client)
    assert failed["phase"] == "Failed"
    uid = client.get(f"{PATH}/two").json["metadata"]["uid"]
    pods = {pod.name for pod in store.pods("argo", "two")}
    answer = client.call("PUT", f"{PATH}/two/retry", {"parameters": ["code=0"]}).json
    assert answer["metadata"]["uid"] == uid
    assert "phase" not in answer["status"]
    assert "workflows.argoproj.io/completed" not in answer["metadata"]["labels"]
    assert sorted(node["displayName"] for node in answer["status"]["nodes"].values()) == ["a", "two"]
    assert len(pods - {pod.name for pod in store.pods("argo", "two")}) == 1
    engine.settle()
    again = status_of(client)
    assert (again["phase"], again["progress"]) == ("Succeeded", "2/2")
    kept = [node["startedAt"] for node in failed["nodes"].values() if node["displayName"] == "a"]
    assert [node["startedAt"] for node in again["nodes"].values() if node["displayName"] == "a"] == kept


def test_a_suspended_workflow_starts_nothing_until_it_is_resumed(client: Client, engine: Engine) -> None:
    workflow = two_tasks("0")
    submit(client, {**workflow, "spec": {**workflow["spec"], "suspend": True}})
    engine.settle()
    assert not [node for node in (status_of(client).get("nodes") or {}).values() if node["type"] == "Pod"]
    assert "suspend" not in client.call("PUT", f"{PATH}/two/resume").json["spec"]
    engine.settle()
    assert status_of(client)["phase"] == "Succeeded"


def test_a_resubmitted_workflow_runs_as_a_new_one(client: Client, engine: Engine) -> None:
    submit(client, two_tasks("3"))
    engine.settle()
    new = client.call("PUT", f"{PATH}/two/resubmit", {"parameters": ["code=0"]}).json["metadata"]
    assert new["labels"]["workflows.argoproj.io/resubmitted-from-workflow"] == "two"
    engine.settle()
    assert client.get(f"{PATH}/{new['name']}").json["status"]["phase"] == "Succeeded"
    assert status_of(client)["phase"] == "Failed"


def test_a_stop_before_the_first_look_ends_the_workflow_without_a_pod(client: Client, engine: Engine) -> None:
    submit(client, two_tasks("0"))
    assert client.call("PUT", f"{PATH}/two/stop").json["spec"]["shutdown"] == "Stop"
    engine.settle()
    status = status_of(client)
    assert (status["phase"], status["message"]) == ("Failed", "Stopped with strategy 'Stop'")
    again = client.call("PUT", f"{PATH}/two/terminate")
    text = 'cannot shutdown a completed workflow: workflow: "two", namespace: "argo"'
    assert (again.status, again.json) == (500, {"code": 13, "message": text})


def test_a_retried_node_goes_with_all_its_attempts() -> None:
    workflow = exchange("205-retry-fails-get-final").body
    again = reset(workflow, now="2026-11-23T17:00:00Z", restart_successful=False, selector="")
    assert again.workflow["status"]["nodes"] == {}
    assert sorted(again.pods) == sorted(
        f"{workflow['metadata']['name']}-{node['templateName']}-{node['id'].rpartition('-')[2]}"
        for node in workflow["status"]["nodes"].values()
        if node["type"] == "Pod"
    )
    assert workflow["status"]["nodes"], "the workflow itself is left alone"


def test_a_running_pod_forbids_a_retry() -> None:
    workflow = exchange("204-dag-failfast-false-get-final").body
    nodes = {key: {**node, "phase": "Running"} for key, node in workflow["status"]["nodes"].items()}
    with pytest.raises(Status, match=r"cannot be retried with node .* in Running phase"):
        reset(
            {**workflow, "status": {**workflow["status"], "nodes": nodes}},
            now="2026-11-23T17:00:00Z",
            restart_successful=False,
            selector="",
        )
