"""`status.nodes`: what Argo writes down about each task, step, attempt and group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .ids import node_id

Node = dict[str, Any]

FULFILLED = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})
COMPLETED = frozenset({"Succeeded", "Failed", "Error"})
FAILED = frozenset({"Failed", "Error"})


def fulfilled(node: Node | None) -> bool:
    return node is not None and node["phase"] in FULFILLED


def failed(node: Node) -> bool:
    return node["phase"] in FAILED


class Nodes:
    """The nodes of one workflow. `table` is changed in place; `now` gives the time as Kubernetes writes it."""

    def __init__(self, workflow: str, table: dict[str, Node], scope: str, now: Callable[[], str]) -> None:
        self.workflow, self.table, self.scope, self.now = workflow, table, scope, now

    def id(self, name: str) -> str:
        return node_id(self.workflow, name)

    def get(self, name: str) -> Node | None:
        return self.table.get(self.id(name))

    def create(
        self,
        name: str,
        type_: str,
        phase: str,
        *,
        display: str,
        template: str = "",
        boundary: str = "",
        flag: dict[str, bool] | None = None,
        message: str = "",
        inputs: dict[str, Any] | None = None,
    ) -> Node:
        """A new node, begun now (and ended now when `phase` is a last one)."""
        node: Node = {"id": self.id(name), "name": name, "displayName": display, "type": type_}
        if template:
            node["templateName"] = template
        node |= {"templateScope": self.scope, "phase": phase}
        if boundary:
            node["boundaryID"] = boundary
        if message:
            node["message"] = message
        now = self.now()
        node |= {"startedAt": now, "finishedAt": now if phase in FULFILLED else None}
        if type_ == "Pod":
            node |= {"progress": "0/1", "taskResultSynced": True}
        if flag is not None:
            node["nodeFlag"] = flag
        if inputs:
            node["inputs"] = inputs
        self.table[node["id"]] = node
        return node

    def mark(self, node: Node, phase: str, message: str | None = None) -> Node:
        """Set phase and, when given, message ("" removes it); the end of a node is now."""
        node["phase"] = phase
        if message:
            node["message"] = message
        elif message is not None:
            node.pop("message", None)
        if phase in FULFILLED and not node.get("finishedAt"):
            node["finishedAt"] = self.now()
        return node

    def add_child(self, parent: Node, child: str) -> None:
        children = parent.setdefault("children", [])
        if child not in children:
            children.append(child)

    def children(self, node: Node) -> list[Node]:
        return [self.table[child] for child in node.get("children", ()) if child in self.table]

    def attempts(self, retry: Node) -> list[Node]:
        """The attempts of a Retry node, first one first."""
        return self.children(retry)

    def outbound(self, node: Node) -> list[str]:
        """Ids of the nodes at which `node` ends: what follows becomes their child."""
        if node["type"] in {"Pod", "Skipped"}:
            return [node["id"]]
        if node["type"] == "Retry":
            attempts = self.attempts(node)
            return self.outbound(attempts[-1]) if attempts else [node["id"]]
        if node["type"] == "TaskGroup":
            ends = [end for child in self.children(node) for end in self.outbound(child)]
            return ends or [node["id"]]
        return [
            end
            for outbound in node.get("outboundNodes", ())
            if outbound in self.table
            for end in self.outbound(self.table[outbound])
        ]

    def pods(self) -> Iterator[Node]:
        return (node for node in self.table.values() if node["type"] == "Pod")

    def summarize(self) -> tuple[str, dict[str, int]]:
        """Write progress and resourcesDuration into groups (the sum over all pods below, and after, them).

        Returns both for the workflow: "N/M" and the used resources ({} when no pod has ended).
        """
        for node in self.table.values():
            if node["type"] == "Pod":
                continue
            done, known, used = self._sum(self._below(node))
            if known:
                node["progress"] = f"{done}/{known}"
            if used:
                node["resourcesDuration"] = used
        done, known, used = self._sum(list(self.pods()))
        return f"{done}/{known}", used

    def _below(self, node: Node) -> list[Node]:
        seen: dict[str, Node] = {}
        waiting = list(node.get("children", ()))
        while waiting:
            child = self.table.get(waiting.pop())
            if child is not None and child["id"] not in seen:
                seen[child["id"]] = child
                waiting += child.get("children", ())
        return [child for child in seen.values() if child["type"] == "Pod"]

    def _sum(self, pods: list[Node]) -> tuple[int, int, dict[str, int]]:
        done = known = 0
        used: dict[str, int] = {}
        for pod in pods:
            ended, total = pod["progress"].split("/")
            done, known = done + int(ended), known + int(total)
            for resource, amount in pod.get("resourcesDuration", {}).items():
                used[resource] = used.get(resource, 0) + amount
        return done, known, used
