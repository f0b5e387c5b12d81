"""From pods to nodes, and the ends that shutdown and deadlines make of them."""

from __future__ import annotations

import re
from typing import Any

from .nodes import Node, fulfilled
from .plan import PodResult
from .run import PodView, Run, to_timestamp

HOST = "trial-node"
OVERDUE = "Step exceeded its deadline"
POD_OVERDUE = "Pod was active on the node longer than the specified deadline"
MEMORY_UNIT = 100 * 1024 * 1024  # Argo counts memory in 100 MiB seconds
SUFFIXES = {"": 1.0, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
QUANTITY = re.compile(r"([0-9.]+)([a-zA-Z]*)\Z")


def reconcile(run: Run) -> None:
    """Bring every node of a pod up to date, then end what must end."""
    for node in list(run.nodes.pods()):
        if fulfilled(node):
            continue
        pod = run.pods.get(run.pod_key(node))
        if pod is None:
            continue  # it is made after this look
        if pod.result is not None:
            _ended(run, node, pod.result, pod.stopping)
        else:
            _goes_on(node, pod)
            _end_early(run, node, pod)


def _goes_on(node: Node, pod: PodView) -> None:
    node["phase"] = pod.phase
    if pod.message:
        node["message"] = pod.message
    else:
        node.pop("message", None)
    if pod.scheduled:
        node["hostNodeName"] = HOST
        node["taskResultSynced"] = False


def _ended(run: Run, node: Node, result: PodResult, stopping: str) -> None:
    phase, message = result.phase, result.message
    outputs: dict[str, Any] = {}
    if result.parameters:
        outputs["parameters"] = result.parameters
    if result.result is not None:
        outputs["result"] = result.result
    if result.exit_code is not None:
        outputs["exitCode"] = str(result.exit_code)
    if stopping:
        message = _stopped_message(node, result, stopping)
    node["phase"] = phase
    node.pop("message", None)
    if message:
        node["message"] = message
    node["finishedAt"] = to_timestamp(result.finished)
    node["hostNodeName"] = HOST
    node["taskResultSynced"] = True
    if outputs:
        node["outputs"] = outputs
    if phase == "Succeeded":
        node["progress"] = "1/1"
    if result.exit_code is not None:
        node["resourcesDuration"] = used(run, node, result.seconds)


def _stopped_message(node: Node, result: PodResult, stopping: str) -> str:
    """A stopped pod that ended well all the same keeps the reason; one that did not says how it ended.

    A deadline stays the reason, by the workflow's name for it in an attempt and by the kubelet's elsewhere.
    """
    if stopping == "deadline":
        return OVERDUE if node.get("nodeFlag", {}).get("retried") else POD_OVERDUE
    return result.message or f"workflow shutdown with strategy:  {stopping}"


def _end_early(run: Run, node: Node, pod: PodView) -> None:
    on_exit = node["name"].startswith(f"{run.name}.onExit")
    if not run.may_run(on_exit=on_exit):
        _stop(run, node, pod, run.shutdown, f"workflow shutdown with strategy:  {run.shutdown}")
    elif run.overdue and not on_exit and not run.pods_unschedulable():
        _stop(run, node, pod, "deadline", OVERDUE)


def _stop(run: Run, node: Node, pod: PodView, reason: str, message: str) -> None:
    """A running pod is told to end and its node waits for it; one that has not begun is forgotten at once."""
    key = run.pod_key(node)
    if pod.phase == "Running":
        run.stops[key] = reason
        return
    run.drops.append(key)
    run.nodes.mark(node, "Failed", message)
    node["taskResultSynced"] = True


def used(run: Run, node: Node, seconds: float) -> dict[str, int]:
    """resourcesDuration of one pod: seconds times what was requested, in whole units."""
    template = run.template(node.get("templateName", "")) or {}
    requests = template.get("container", {}).get("resources", {}).get("requests", {})
    cpu = quantity(requests.get("cpu", "100m"))
    memory = quantity(requests.get("memory", "100Mi"))
    return {"cpu": int(seconds * cpu), "memory": int(seconds * memory / MEMORY_UNIT)}


def quantity(text: object) -> float:
    """A Kubernetes quantity as a number; 0 for what is none."""
    found = QUANTITY.match(str(text))
    return float(found[1]) * SUFFIXES.get(found[2], 0.0) if found else 0.0
