"""A finished workflow made ready to run again: `retry` (the same object) and `resubmit` (a new one). Pure."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from .metadata import PREFIX
from .status import INTERNAL, INVALID, Status, not_implemented

Object = dict[str, Any]
FAILED = {"Failed", "Error"}
RETRYABLE = {"Failed", "Error", "Succeeded"}
GROUPS = {"DAG", "Steps", "StepGroup", "TaskGroup"}
NOT_COPIED = {
    f"{PREFIX}{key}"
    for key in (
        "creator", "creator-email", "creator-preferred-username", "phase", "completed",
        "workflow-archiving-status", "action",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Again:
    """The workflow to store, and the pods whose nodes are gone."""

    workflow: Object
    pods: list[str]


def reset(workflow: Object, *, now: str, restart_successful: bool, selector: str) -> Again:
    """Failed nodes, and what never ran because of them, vanish; the groups around them are open again.

    Raises Status (400) for a workflow that has not failed.
    """
    status = workflow.get("status") or {}
    phase = status.get("phase") or ""
    if phase not in RETRYABLE:
        raise Status(INVALID, f"Cannot retry a workflow in phase {phase}")
    if phase == "Succeeded" and not (restart_successful and selector):
        text = "To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector"
        raise Status(INVALID, text)
    if restart_successful or selector:
        raise not_implemented("retrying successful nodes")
    nodes = status.get("nodes") or {}
    doomed = _doomed(nodes)
    pods = [_pod_name(workflow, nodes[key]) for key in doomed if nodes[key]["type"] == "Pod"]
    return Again(_reopened(copy.deepcopy(workflow), doomed, now), pods)


def _doomed(nodes: Object) -> set[str]:
    running = next((key for key, node in nodes.items() if node["phase"] == "Running" and node["type"] == "Pod"), None)
    if running is not None:
        raise Status(INTERNAL, f"Workflow cannot be retried with node {running} in Running phase")
    bad = {key for key, node in nodes.items() if node["phase"] in FAILED and node["type"] not in GROUPS}
    if not bad:
        return set()
    bad |= {key for key, node in nodes.items() if node["phase"] == "Omitted" or ".onExit" in node["name"]}
    # a Retry node goes with all its attempts
    for key in [key for key in bad if nodes[key]["type"] == "Retry"]:
        bad |= {child for child in nodes[key].get("children") or () if child in nodes and _attempt(nodes[child])}
    return bad


def _attempt(node: Object) -> bool:
    return bool((node.get("nodeFlag") or {}).get("retried"))


def _pod_name(workflow: Object, node: Object) -> str:
    """Argo's v2 name: the workflow's for the root, else with template and the hash that ends the node's id."""
    name = str(workflow["metadata"]["name"])
    if node["id"] == name:
        return name
    template = (node.get("templateRef") or {}).get("template") or node.get("templateName") or ""
    parts = [name, template, node["id"].rpartition("-")[2]]
    return "-".join(filter(None, parts))


def _reopened(workflow: Object, doomed: set[str], now: str) -> Object:
    status, labels = workflow["status"], workflow["metadata"].setdefault("labels", {})
    for key in ("completed", "workflow-archiving-status"):
        labels.pop(PREFIX + key, None)
    for key in ("phase", "message", "finishedAt"):
        status.pop(key, None)
    status["startedAt"] = now
    workflow["spec"].pop("shutdown", None)
    for condition in status.get("conditions") or ():
        if condition["type"] == "Completed":
            condition["status"] = "False"
    status["nodes"] = {
        key: _open(node, doomed, now) for key, node in (status.get("nodes") or {}).items() if key not in doomed
    }
    return workflow


def _open(node: Object, doomed: set[str], now: str) -> Object:
    if children := node.get("children"):
        node["children"] = [child for child in children if child not in doomed]
    if doomed and node["type"] in GROUPS and node["phase"] in FAILED:
        for key in ("message", "finishedAt", "outboundNodes"):
            node.pop(key, None)
        node |= {"phase": "Running", "startedAt": now}
    return node


def copy_of(workflow: Object, *, memoized: bool) -> Object:
    """A new workflow with the old one's spec, labels and annotations. Raises Status."""
    if memoized:
        if (workflow.get("status") or {}).get("phase") not in FAILED:
            raise Status(INVALID, "workflow must be Failed/Error to resubmit in memoized mode")
        raise not_implemented("resubmitting in memoized mode")
    old = workflow["metadata"]
    labels = {key: value for key, value in (old.get("labels") or {}).items() if key not in NOT_COPIED}
    labels[f"{PREFIX}resubmitted-from-workflow"] = old["name"]
    metadata = {"generateName": old.get("generateName") or f"{old['name']}-", "labels": labels}
    if old.get("annotations"):
        metadata["annotations"] = dict(old["annotations"])
    spec = {key: value for key, value in workflow["spec"].items() if key not in {"shutdown", "suspend"}}
    stored = (workflow.get("status") or {}).get("storedTemplates")
    status = {"storedTemplates": stored} if stored and spec.get("workflowTemplateRef") else {}
    return copy.deepcopy({"metadata": metadata, "spec": spec, "status": status})
