"""Others' clients and schemas: hera 7.1.0 works against the trial, and Argo's swagger describes all that it emits."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hera.exceptions import AlreadyExists, NotFound
from hera.workflows import Container, Parameter, Workflow, WorkflowsService, WorkflowTemplate
from hera.workflows.models import (
    SubmitOpts,
    WorkflowLintRequest,
    WorkflowStopRequest,
    WorkflowSubmitRequest,
    WorkflowTemplateLintRequest,
    WorkflowTerminateRequest,
)
from hera.workflows.models import Workflow as WorkflowModel
from jsonschema import Draft4Validator

from provisioning.trial.server.machine import Machine, Settings
from tests import recordings

from .client import Client
from .replaying import exchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# hera 7.1.0 calls what pydantic 2 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")
MODEL = "io.argoproj.workflow.v1alpha1"
# What 4.1 says and 3.5 didn't: clients of 3.5 pass it over.
NEWER_THAN_35 = {"taskResultSynced", "mutexes", "nodeFlag", "failedPodRestarts", "artifactGCStatus", "retried"}
Json = dict[str, Any]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Machine(Settings(state=tmp_path / "state", port=0, pod_seconds=0)) as running:
        yield running


@pytest.fixture
def client(machine: Machine) -> Client:
    return Client(machine.server.port, {"argo-server": machine.token})


@pytest.fixture
def service(machine: Machine) -> WorkflowsService:
    return WorkflowsService(host=machine.server.url, token=machine.token, namespace="argo")


def hello(service: WorkflowsService, command: str = "echo hello") -> Workflow:
    with Workflow(generate_name="hera-", entrypoint="main", workflows_service=service, namespace="argo") as workflow:
        Container(name="main", image="alpine:3.18", command=["sh", "-c", command])
    return workflow


def ended(client: Client, name: str) -> Json:
    """The workflow when it is over: its log is followed to the end."""
    query = {"logOptions.container": "main", "logOptions.follow": "true"}
    client.call("GET", f"/api/v1/workflows/argo/{name}/log", query=query)
    found: Json = client.get(f"/api/v1/workflows/argo/{name}").json
    return found


def test_hera_submits_reads_lists_and_deletes(service: WorkflowsService, client: Client) -> None:
    workflow = hello(service)
    created = workflow.create()
    assert isinstance(created, WorkflowModel)
    assert created.metadata.name is not None
    name = created.metadata.name
    assert ended(client, name)["status"]["phase"] == "Succeeded"
    read = service.get_workflow(name)
    assert read.status is not None
    assert (read.status.phase, read.metadata.uid) == ("Succeeded", created.metadata.uid)
    listed = service.list_workflows(label_selector="workflows.argoproj.io/phase=Succeeded", limit="10")
    assert [item.metadata.name for item in listed.items or ()] == [name]
    service.delete_workflow(name)
    with pytest.raises(NotFound):
        service.get_workflow(name)


def test_hera_waits_for_the_end(service: WorkflowsService) -> None:
    finished = hello(service).create(wait=True, poll_interval=0.2)  # type: ignore[arg-type]
    assert isinstance(finished, WorkflowModel)
    assert finished.status is not None
    assert finished.status.phase == "Succeeded"


def test_hera_lints(service: WorkflowsService) -> None:
    built = hello(service).build()
    assert isinstance(built, WorkflowModel)
    assert service.lint_workflow(WorkflowLintRequest(workflow=built)).spec.entrypoint == "main"
    built.spec.entrypoint = "nope"
    with pytest.raises(Exception, match="template name 'nope' undefined"):
        service.lint_workflow(WorkflowLintRequest(workflow=built))


def test_hera_stops_and_terminates(service: WorkflowsService, client: Client) -> None:
    calls = (
        ("Stop", lambda name: service.stop_workflow(name, WorkflowStopRequest())),
        ("Terminate", lambda name: service.terminate_workflow(name, WorkflowTerminateRequest())),
    )
    for strategy, call in calls:
        created = hello(service, "sleep 60").create()
        assert isinstance(created, WorkflowModel)
        assert created.metadata.name is not None
        assert call(created.metadata.name).spec.shutdown == strategy
        over = ended(client, created.metadata.name)
        assert (over["status"]["phase"], over["status"]["message"]) == ("Failed", f"Stopped with strategy '{strategy}'")


def test_hera_handles_templates(service: WorkflowsService, client: Client) -> None:
    with WorkflowTemplate(
        name="greet", entrypoint="main", arguments=Parameter(name="who"), workflows_service=service, namespace="argo"
    ) as template:
        Container(name="main", image="alpine:3.18", command=["echo"], args=["{{workflow.parameters.who}}"])
    template.create()
    with pytest.raises(AlreadyExists):
        template.create()
    assert service.get_workflow_template("greet").spec.entrypoint == "main"
    assert [item.metadata.name for item in service.list_workflow_templates().items or ()] == ["greet"]
    service.lint_workflow_template(WorkflowTemplateLintRequest(template=service.get_workflow_template("greet")))
    options = SubmitOpts(parameters=["who=you"])
    request = WorkflowSubmitRequest(resource_kind="WorkflowTemplate", resource_name="greet", submit_options=options)
    name = service.submit_workflow(request).metadata.name
    assert name is not None
    assert ended(client, name)["status"]["phase"] == "Succeeded"
    service.delete_workflow_template("greet")
    with pytest.raises(NotFound):
        service.get_workflow_template("greet")


def test_hera_reads_version_info_and_user(service: WorkflowsService) -> None:
    assert service.get_version().version == "v4.1.2+trial"
    assert service.get_user_info().service_account_name == "platform-portal"
    assert service.get_info().modals == {"feedback": True, "firstTimeUser": True, "newVersion": True}


def test_hera_reads_a_log_only_as_far_as_it_can(service: WorkflowsService, client: Client) -> None:
    """It reads the whole answer as one JSON object: with the executor's lines there are several, as with Argo."""
    created = hello(service).create()
    assert isinstance(created, WorkflowModel)
    assert created.metadata.name is not None
    ended(client, created.metadata.name)
    with pytest.raises(json.JSONDecodeError):
        service.workflow_logs(created.metadata.name, container="main")
    service.workflow_logs(created.metadata.name, container="main", grep="^hello$")


# ----- Argo's own descriptions


@functools.cache
def definitions(version: str) -> Json:
    """The swagger's definitions, closed: what they don't name is refused."""
    found: Json = json.loads(json.dumps(recordings.load("swagger")[f"swagger-{version}.json"]["definitions"]))
    for body in found.values():
        if "properties" in body:
            body.setdefault("additionalProperties", False)
    return found


def faults(version: str, kind: str, value: Any) -> list[str]:
    schema = {"$ref": f"#/definitions/{MODEL}.{kind}", "definitions": definitions(version)}
    newer = NEWER_THAN_35 if version == "v3.5.5" else set()
    errors = Draft4Validator(schema).iter_errors(without(value, newer))
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


def without(value: Any, keys: set[str]) -> Any:
    """Without these keys, and without nulls: the swagger knows no zero time, and no empty list."""
    if isinstance(value, list):
        return [without(item, keys) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: without(item, keys) for key, item in value.items() if item is not None and key not in keys}


def assert_described(kind: str, value: Any) -> None:
    assert faults("v4.1.2", kind, value) == []
    assert faults("v3.5.5", kind, value) == []


def shell(name: str, script: str, **more: Any) -> Json:
    return {"name": name, "container": {"image": "alpine:3.18", "command": ["sh", "-c", script]}, **more}


# Succeeding, failing, repeated and omitted tasks, and an exit handler. A limit is a string to the swagger, though Argo
# takes and returns numbers as well.
DIAMOND = {
    "metadata": {"generateName": "many-"},
    "spec": {
        "entrypoint": "main",
        "onExit": "bye",
        "templates": [
            shell("good", "echo good"),
            shell("bad", "exit 3", retryStrategy={"limit": "1", "backoff": {"duration": "0s"}}),
            shell("bye", "echo {{workflow.status}}"),
            {
                "name": "main",
                "dag": {
                    "tasks": [
                        {"name": "a", "template": "good"},
                        {"name": "b", "template": "bad", "dependencies": ["a"]},
                        {"name": "c", "template": "good", "dependencies": ["b"]},
                        {"name": "d", "template": "good", "dependencies": ["a"]},
                    ]
                },
            },
        ],
    },
}


def test_everything_that_the_trial_emits_is_in_argos_swagger(client: Client, machine: Machine) -> None:
    submitted = client.call("POST", "/api/v1/workflows/argo", {"workflow": DIAMOND}).json
    assert_described("Workflow", submitted)
    workflow = ended(client, submitted["metadata"]["name"])
    assert {node["phase"] for node in workflow["status"]["nodes"].values()} >= {"Succeeded", "Failed", "Omitted"}
    assert_described("Workflow", workflow)
    assert_described("WorkflowList", client.get("/api/v1/workflows/argo").json)
    template = exchange("170-template-create").request["body"]
    assert_described("WorkflowTemplate", client.call("POST", "/api/v1/workflow-templates/argo", template).json)
    assert_described("WorkflowTemplateList", client.get("/api/v1/workflow-templates/argo").json)
    for event in machine.store.events("workflows", "argo", 1000, 0):
        assert_described("Workflow", event.object)
    assert_described("Version", client.get("/api/v1/version").json)
    assert_described("InfoResponse", client.get("/api/v1/info").json)
    assert_described("GetUserInfoResponse", client.get("/api/v1/userinfo").json)


def test_a_field_that_argo_does_not_know_would_be_found() -> None:
    workflow = exchange("101-submit-fixed-name").body
    assert faults("v4.1.2", "Workflow", {**workflow, "spec": {**workflow["spec"], "dependancies": []}})
