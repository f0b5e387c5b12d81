"""The trial as one process: its files, its switches, its templates, its ways not to start."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from provisioning.trial.__main__ import parse
from provisioning.trial.control import Control, ControlError
from provisioning.trial.server.installing import InstallError
from provisioning.trial.server.machine import AlreadyRunning, Machine, Settings

from .client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[str, Any] = {
    "metadata": {"name": "hello"},
    "spec": {
        "entrypoint": "main",
        "templates": [{"name": "main", "container": {"image": "alpine:3.18", "command": ["echo", "hello"]}}],
    },
}
TEMPLATE: dict[str, Any] = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", **WORKFLOW}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "state", port=0, pod_seconds=0)


@pytest.fixture
def machine(settings: Settings) -> Iterator[Machine]:
    with Machine(settings) as running:
        yield running


@pytest.fixture
def control(machine: Machine) -> Control:
    return Control(machine.settings.state)


def client_of(machine: Machine) -> Client:
    return Client(machine.server.port, {"argo-server": machine.token})


def test_a_workflow_runs_from_submission_to_its_log(machine: Machine) -> None:
    client = client_of(machine)
    assert client.call("POST", "/api/v1/workflows/argo", {"workflow": WORKFLOW}).status == 200
    query = {"logOptions.container": "main", "logOptions.follow": "true"}
    log = client.call("GET", "/api/v1/workflows/argo/hello/log", query=query).text
    assert '{"result":{"content":"hello","podName":"hello"}}\n' in log
    assert client.get("/api/v1/workflows/argo/hello").json["status"]["phase"] == "Succeeded"


def test_the_token_is_in_a_file_that_only_its_owner_reads(machine: Machine) -> None:
    file = machine.settings.state / "token"
    assert file.read_text().strip() == machine.token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(machine.control.path.stat().st_mode) == 0o600


def test_the_token_is_new_with_each_start(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "token"
    tokens = []
    for _ in range(2):
        with Machine(Settings(state=settings.state, port=0, token_file=other)) as running:
            tokens.append(running.token)
            assert other.read_text().strip() == running.token
    assert tokens[0] != tokens[1]


def test_workflows_survive_a_restart(settings: Settings) -> None:
    with Machine(settings) as running:
        client_of(running).call("POST", "/api/v1/workflows/argo", {"workflow": WORKFLOW})
    with Machine(settings) as running:
        assert client_of(running).get("/api/v1/workflows/argo/hello").status == 200


def test_a_second_trial_on_the_same_state_is_told_who_is_there(machine: Machine) -> None:
    with pytest.raises(AlreadyRunning, match=r"already running on .*state \(process \d+\)"):
        Machine(machine.settings)


def test_a_state_with_a_long_path_works_as_well(tmp_path: Path) -> None:
    state = tmp_path / ("long-" * 30)
    with Machine(Settings(state=state, port=0)) as running:
        assert Control(state).status()["url"] == running.server.url
        assert not (state / "control.sock").exists()


def install_from(directory: Path, settings: Settings, *documents: dict[str, Any]) -> Settings:
    directory.mkdir(exist_ok=True)
    (directory / "all.yaml").write_text(yaml.safe_dump_all(documents))
    return Settings(state=settings.state, port=0, templates=directory)


def test_templates_are_installed_once_and_replaced_when_they_change(settings: Settings, tmp_path: Path) -> None:
    versions = []
    changed = {**TEMPLATE, "metadata": {"name": "hello", "labels": {"v": "2"}}}
    for template in (TEMPLATE, TEMPLATE, changed):
        other = {"kind": "ConfigMap", "metadata": {"name": "passed-over"}}
        with Machine(install_from(tmp_path / "templates", settings, template, other)) as running:
            [found] = client_of(running).get("/api/v1/workflow-templates/argo").json["items"]
            versions.append(found["metadata"]["resourceVersion"])
            assert found["metadata"].get("labels") == template["metadata"].get("labels")
    assert versions[0] == versions[1] != versions[2]


def test_a_template_that_argo_would_refuse_is_not_installed(settings: Settings, tmp_path: Path) -> None:
    broken = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "entrypoint": "nope"}}
    machine = Machine(install_from(tmp_path / "templates", settings, broken))
    with pytest.raises(InstallError, match=r"all.yaml: template name 'nope' undefined"), machine:
        pass


def test_a_template_in_json_may_hold_any_character(settings: Settings, tmp_path: Path) -> None:
    template = {**TEMPLATE, "metadata": {"name": "hello", "annotations": {"a": "\U0001f50d é"}}}
    directory = tmp_path / "templates"
    directory.mkdir()
    (directory / "hello.json").write_text(json.dumps(template))
    with Machine(Settings(state=settings.state, port=0, templates=directory)) as running:
        found = client_of(running).get("/api/v1/workflow-templates/argo/hello").json
        assert found["metadata"]["annotations"] == {"a": "\U0001f50d é"}


def test_the_state_of_the_conditions_is_told(control: Control, machine: Machine) -> None:
    status = control.status()
    assert (status["url"], status["namespace"], status["argo_away"]) == (machine.server.url, "argo", False)
    control.refuse("NetworkPolicy", "*", "no policies today")
    control.image_pull_fails("alpine:3.18")
    control.unschedulable("*")
    control.stop_kubernetes(60)
    status = control.status()
    assert status["refused"] == [["networkpolicies", "*", "no policies today"]]
    assert (status["image_pull_fails"], status["unschedulable"]) == ("alpine:3.18", "*")
    assert status["kubernetes_fails"] == "refused"
    control.reset()
    after = control.status()
    assert (after["refused"], after["image_pull_fails"], after["unschedulable"]) == ([], None, None)
    assert after["kubernetes_fails"] is None


def test_one_refusal_is_taken_back(control: Control) -> None:
    control.refuse("NetworkPolicy", "a", "no")
    control.refuse("NetworkPolicy", "b", "no")
    control.allow("NetworkPolicy", "a")
    assert control.status()["refused"] == [["networkpolicies", "b", "no"]]


def test_namespaces_come_and_go_past_the_portal(control: Control, machine: Machine) -> None:
    control.foreign_namespace("payments-dev")
    with pytest.raises(ControlError, match="namespace payments-dev exists already"):
        control.foreign_namespace("payments-dev")
    control.seed_workload("payments-dev")
    assert machine.cluster.every("Pod", "payments-dev")
    control.remove_namespace("payments-dev")
    namespace = machine.cluster.get("Namespace", "", "payments-dev")
    assert namespace is None or namespace["status"]["phase"] == "Terminating"
    with pytest.raises(ControlError, match='namespaces "nope" not found'):
        control.remove_namespace("nope")
    with pytest.raises(ControlError, match="there is no namespace nope"):
        control.seed_workload("nope")


def test_a_cluster_administrator_labels_a_namespace(control: Control, machine: Machine) -> None:
    control.foreign_namespace("payments-dev")
    control.label_namespace("payments-dev", "platform.io/adopt=r-1")
    namespace = machine.cluster.get("Namespace", "", "payments-dev")
    assert namespace is not None
    assert namespace["metadata"]["labels"]["platform.io/adopt"] == "r-1"
    with pytest.raises(ControlError, match="is no KEY=VALUE"):
        control.label_namespace("payments-dev", "platform.io/adopt")
    with pytest.raises(ControlError, match="there is no namespace nope"):
        control.label_namespace("nope", "a=b")


def test_a_held_namespace_stays_until_it_is_released(control: Control, machine: Machine) -> None:
    control.foreign_namespace("payments-dev")
    control.hold("payments-dev")
    assert machine.cluster.every("ConfigMap", "payments-dev")
    control.release("payments-dev")
    names = [item["metadata"]["name"] for item in machine.cluster.every("ConfigMap", "payments-dev")]
    assert "held-by-a-finalizer" not in names


def test_the_switches_answer_while_argo_is_away(control: Control, machine: Machine) -> None:
    control.stop_argo(3600)
    assert control.status()["argo_away"] is True
    with pytest.raises(ConnectionRefusedError):
        client_of(machine).get("/api/v1/version")


def test_a_token_with_fewer_rights_is_refused_what_it_may_not(control: Control, machine: Machine) -> None:
    client = Client(machine.server.port, {"argo-server": control.token("readonly")})
    assert client.get("/api/v1/workflows/argo").status == 200
    answer = client.call("POST", "/api/v1/workflows/argo", {"workflow": WORKFLOW})
    assert (answer.status, answer.json["code"]) == (403, 7)
    assert 'User "system:serviceaccount:argo:trial-readonly" cannot create' in answer.json["message"]
    with pytest.raises(ControlError, match="some is none of all, readonly, none"):
        control.token("some")


def test_nobody_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="no trial is running on"):
        Control(tmp_path).status()


def test_options_have_defaults_from_the_environment(tmp_path: Path) -> None:
    environ = {"TRIAL_PORT": "9999", "TRIAL_STATE": str(tmp_path), "TRIAL_POD_SECONDS": "0", "ARGO_NAMESPACE": "ci"}
    found = parse(["--requeue-seconds", "2"], environ)
    assert (found.port, found.state, found.pod_seconds) == (9999, tmp_path, 0.0)
    assert (found.requeue_seconds, found.namespace, found.templates) == (2.0, "ci", None)
    assert parse(["--port", "1"], environ).port == 1


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "provisioning.trial", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_signal_ends_the_process_cleanly(tmp_path: Path) -> None:
    with process("--state", str(tmp_path), "--port", "0") as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("Argo Server of the trial at http://127.0.0.1:")
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=20)
    assert (running.returncode, errors) == (0, "")
    assert not (tmp_path / "control.sock").exists()


def test_a_port_in_use_and_a_foreign_address_are_exit_code_2_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with process("--state", str(tmp_path), "--port", port) as running:
            _, errors = running.communicate(timeout=20)
    assert running.returncode == 2
    assert errors.startswith(f"The trial can't start: port {port} is in use")
    with process("--state", str(tmp_path), "--host", "0.0.0.0") as running:
        _, errors = running.communicate(timeout=20)
    assert (running.returncode, errors) == (
        2,
        "The trial can't start: 0.0.0.0 is not a loopback address: the trial serves this machine only\n",
    )
