"""The project's own templates, run end to end on the trial's cluster, compared node by node with runs on a real one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning import catalog
from provisioning.trial.cluster import Cluster
from provisioning.trial.engine.validate import validate_template
from provisioning.workflows.templates import workflow_templates
from tests import recordings

from .conftest import World

NAMESPACE = "platform-provisioning"
FREE = {"startedAt", "finishedAt", "resourcesDuration", "hostNodeName"}  # same type, another value
# only with an earlier run to estimate from
ABSENT = {"estimatedDuration"}
# parameters and outputs that the templates have since the recordings were made
LATER = {"inventory", "adopt"}


class QuickCluster(Cluster):
    """A cluster whose clock runs forty times as fast, and whose scripts sleep as much less."""

    def __init__(self, path: Path) -> None:
        begun = time.time()
        super().__init__(path, clock=lambda: begun + 40 * (time.time() - begun))

    def install(self, bin_dir: str | Path) -> None:
        super().install(bin_dir)
        sleep = Path(bin_dir) / "sleep"
        sleep.write_text("#!/bin/sh\nexec /bin/sleep 0.05\n")
        sleep.chmod(0o755)


class Platform(World):
    """A world with the trial's cluster, the project's templates, and recorded runs to submit again."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.cluster = QuickCluster(directory / "cluster.db")
        super().__init__(directory, NAMESPACE, cluster=self.cluster, **options)
        for template in workflow_templates(catalog.load().cluster):
            metadata = template["metadata"] | {"namespace": NAMESPACE}
            self.store.create("workflowtemplates", template | {"metadata": metadata})

    def close(self) -> None:
        super().close()
        self.cluster.close()

    def again(self, name: str, **parameters: str) -> dict[str, Any]:
        """Submit what a recorded run submitted."""
        recorded = recording(name)
        meta = recorded["metadata"]
        labels = {key: value for key, value in meta["labels"].items() if key.startswith("platform.io/")}
        given = {p["name"]: p["value"] for p in recorded["spec"]["arguments"]["parameters"]} | parameters
        spec = {
            "workflowTemplateRef": recorded["spec"]["workflowTemplateRef"],
            "arguments": {"parameters": [{"name": key, "value": value} for key, value in given.items()]},
        }
        return self.store.create(
            "workflows",
            {"metadata": {"name": meta["name"], "namespace": NAMESPACE, "labels": labels}, "spec": spec},
        )

    def run(self, name: str) -> dict[str, Any]:
        self.again(name)
        self.finish()
        return self.workflow(recording(name)["metadata"]["name"])


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    yield platform
    platform.close()


def recording(name: str) -> dict[str, Any]:
    recorded: dict[str, Any] = recordings.load("runs")[f"runs/{name}.json"]
    return recorded


def differences(recorded: dict[str, Any], mine: dict[str, Any]) -> list[Any]:
    """Where two workflows differ in more than times, uids and the scripts' own output."""
    skip = FREE | ABSENT | {"nodes", "storedTemplates", "storedWorkflowTemplateSpec"}
    theirs, ours = recorded["status"], mine["status"]
    found = [
        (key, theirs.get(key), ours.get(key))
        for key in sorted(theirs.keys() | ours.keys())
        if key not in ABSENT and ((key in theirs) != (key in ours) or (key not in skip and theirs[key] != ours[key]))
    ]
    nodes = theirs.get("nodes", {}), ours.get("nodes", {})
    for key in sorted(nodes[0].keys() | nodes[1].keys()):
        if key in nodes[0] and key in nodes[1]:
            found += _node_differences(nodes[0][key], nodes[1][key])
        else:
            found.append((key, key in nodes[0], key in nodes[1]))
    arguments = [_declared(status) for status in (theirs, ours)]
    if arguments[0] != arguments[1]:
        found.append(("arguments", *arguments))
    return found


def _declared(status: dict[str, Any]) -> Any:
    arguments = status.get("storedWorkflowTemplateSpec", {}).get("arguments")
    if not arguments:
        return arguments
    return arguments | {"parameters": [p for p in arguments.get("parameters", []) if p["name"] not in LATER]}


def _node_differences(recorded: dict[str, Any], mine: dict[str, Any]) -> list[Any]:
    return [
        (recorded["name"], key, recorded.get(key), mine.get(key))
        for key in sorted(recorded.keys() | mine.keys())
        if key not in ABSENT
        and (
            (key in recorded) != (key in mine)
            or (
                type(recorded[key]) is not type(mine[key])
                if key in FREE
                else _comparable(key, recorded[key]) != _comparable(key, mine[key])
            )
        )
    ]


def _comparable(key: str, value: Any) -> Any:
    if key == "children":
        return sorted(value)
    if key == "outputs":
        told = [{**p, "value": ""} for p in value.get("parameters", []) if p["name"] not in LATER]
        return value | {"parameters": told}
    return value


def test_the_templates_are_valid() -> None:
    templates = workflow_templates(catalog.load().cluster)
    assert len(templates) == 4
    for template in templates:
        validate_template(template)


Prepare = Callable[[Platform], object]

BEFORE: dict[str, Prepare] = {
    "create-succeeded": lambda platform: None,
    "create-again-after-success": lambda platform: None,
    "create-wrong-digest": lambda platform: None,
    "create-reserved-name": lambda platform: None,
    "create-failed-step-rolled-back": lambda platform: None,
    "create-invalid-label": lambda platform: None,
    "create-conflict": lambda platform: platform.cluster.create_foreign_namespace("foreign-ns"),
    "create-name-of-other-request": lambda platform: platform.run("create-again-after-success"),
    "update-succeeded": lambda platform: platform.run("create-succeeded"),
    "update-wrong-owner": lambda platform: platform.cluster.create_foreign_namespace("upd-ns"),
    "delete-succeeded": lambda platform: platform.run("create-succeeded"),
    "delete-already-gone": lambda platform: None,
    "delete-wrong-owner": lambda platform: platform.cluster.create_foreign_namespace("del-ns"),
    "audit-succeeded": lambda platform: platform.run("create-succeeded"),
    "audit-missing": lambda platform: None,
    "audit-list": lambda platform: None,
}


@pytest.mark.parametrize("name", sorted(BEFORE))
def test_a_recorded_run_has_the_same_nodes_here(platform: Platform, name: str) -> None:
    BEFORE[name](platform)
    assert differences(recording(name), platform.run(name)) == []


@pytest.mark.parametrize("name", ["create-succeeded", "create-invalid-label"])
def test_labels_and_annotations_are_those_of_a_recorded_run(platform: Platform, name: str) -> None:
    mine, recorded = platform.run(name)["metadata"], recording(name)["metadata"]
    servers = ("controller-instanceid", "creator")
    expected = {key: value for key, value in recorded["labels"].items() if not key.endswith(servers)}
    assert mine["labels"] == expected
    assert mine.get("annotations", {}).keys() == recorded.get("annotations", {}).keys()


def test_the_first_look_is_as_recorded(tmp_path: Path) -> None:
    platform = Platform(tmp_path, requeue_seconds=10.0)  # so there is no second one yet
    name = platform.again("first-step-pending")["metadata"]["name"]
    platform.engine.settle()
    assert differences(recording("first-step-pending"), platform.workflow(name)) == []
    platform.close()


def test_the_stored_templates_are_written_as_the_server_writes_them(platform: Platform) -> None:
    mine = platform.run("audit-list")["status"]["storedTemplates"]
    assert mine.keys() == recording("audit-list")["status"]["storedTemplates"].keys()
    template = mine["namespaced/namespace-audit/namespace-audit"]
    recorded = recording("audit-list")["status"]["storedTemplates"]["namespaced/namespace-audit/namespace-audit"]
    assert template.keys() == recorded.keys()
    assert template["container"].keys() == recorded["container"].keys()


def test_a_line_before_a_lock_goes_as_recorded(platform: Platform) -> None:
    names = {
        key: recording(key)["metadata"]["name"]
        for key in ("mutex-waiting", "mutex-stopped-after-wait", "mutex-waiting-terminated")
    }
    platform.store.set_condition("image_pull_fails", "*")
    holder = platform.again("create-after-terminate", namespaceName="mutex-ns")["metadata"]["name"]
    platform.engine.settle()
    for key in names:
        platform.again(key)
    platform.engine.settle()
    platform.change(names["mutex-stopped-after-wait"], shutdown="Stop")
    platform.change(names["mutex-waiting-terminated"], shutdown="Terminate")
    platform.engine.settle()

    def mine(key: str) -> dict[str, Any]:
        workflow = platform.workflow(recording(key)["metadata"]["name"])
        # the recorded holder is another one
        text = json.dumps(workflow).replace(holder, "create-namespace-0d3eb252-1")
        changed: dict[str, Any] = json.loads(text)
        return changed

    assert differences(recording("mutex-waiting"), mine("mutex-waiting")) == []
    waiting = "mutex-waiting-stop-has-no-effect"
    assert differences(recording(waiting), mine(waiting)) == []
    assert differences(recording("mutex-waiting-terminated"), mine("mutex-waiting-terminated")) == []
    platform.store.set_condition("image_pull_fails", None)
    platform.finish()
    assert differences(recording("mutex-stopped-after-wait"), mine("mutex-stopped-after-wait")) == []


def test_the_log_of_a_step_is_the_recorded_one(platform: Platform) -> None:
    name = platform.run("create-succeeded")["metadata"]["name"]
    for path, text in recordings.texts("runs").items():
        if not path.startswith("runs/create-succeeded.") or not path.endswith(".log.jsonl"):
            continue
        entries = [json.loads(line)["result"] for line in text.splitlines()]
        if not entries[0]["podName"].startswith(name):
            continue
        theirs = [e.get("content", "") for e in entries if "argo=true" not in e.get("content", "")]
        assert platform.log(entries[0]["podName"]) == theirs


def test_a_roll_back_removes_what_was_half_created(platform: Platform) -> None:
    platform.run("create-failed-step-rolled-back")
    assert platform.cluster.get("Namespace", "", "refused-np") is None


def test_a_restart_in_the_middle_of_a_create_still_ends_ready(platform: Platform) -> None:
    name = platform.again("create-succeeded")["metadata"]["name"]
    platform.until(name, ".create-namespace(0)", "Running")
    platform.restart()
    platform.finish()
    assert platform.status(name)["phase"] == "Succeeded"
    assert platform.status(name)["progress"] == "7/7"
