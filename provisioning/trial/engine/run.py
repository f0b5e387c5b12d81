"""One look at one workflow: what its nodes say, what the pods do, and what shall be done after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .ids import pod_name
from .nodes import Node, Nodes
from .plan import PodPlan, PodResult

Key = tuple[str, str]


class PodView(Protocol):
    """What a look may know about a pod. `phase` is Pending, Running or Done."""

    phase: str
    message: str
    scheduled: bool
    result: PodResult | None
    stopping: str


class Pods(Protocol):
    def get(self, key: Key) -> PodView | None: ...


def to_seconds(timestamp: str) -> float:
    return dt.datetime.fromisoformat(timestamp).timestamp()


def to_timestamp(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(slots=True)
class Call:
    """A template to execute as the node `name`."""

    name: str
    display: str
    template: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    boundary: str = ""
    flag: dict[str, bool] | None = None
    on_exit: bool = False
    attempt: bool = False


@dataclass(slots=True)
class Run:
    """`spec` is the resolved one, `values` the global names. What a look decides is collected in `plans` (pods to
    make), `stops` (pods to end), `drops` (pods to forget) and `requeue` (times at which to look again)."""

    workflow: dict[str, Any]
    spec: dict[str, Any]
    values: dict[str, str]
    nodes: Nodes
    pods: Pods
    now: float
    plans: list[PodPlan] = field(default_factory=list)
    stops: dict[Key, str] = field(default_factory=dict)
    drops: list[Key] = field(default_factory=list)
    requeue: list[float] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return str(self.workflow["metadata"]["namespace"])

    @property
    def name(self) -> str:
        return str(self.workflow["metadata"]["name"])

    @property
    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.workflow["status"]
        return status

    @property
    def shutdown(self) -> str:
        """ "", "Stop" or "Terminate"."""
        return str(self.spec.get("shutdown") or "")

    @property
    def deadline(self) -> float | None:
        """When the workflow's activeDeadlineSeconds are over; the clock starts at status.startedAt."""
        limit, started = self.spec.get("activeDeadlineSeconds"), self.status.get("startedAt")
        return None if limit is None or not started else to_seconds(started) + float(limit)

    @property
    def overdue(self) -> bool:
        return self.deadline is not None and self.now >= self.deadline

    def may_run(self, *, on_exit: bool) -> bool:
        """Terminate ends everything, Stop all but the exit handler."""
        return not self.shutdown or (self.shutdown == "Stop" and on_exit)

    def template(self, name: str) -> dict[str, Any] | None:
        return next((template for template in self.spec["templates"] if template["name"] == name), None)

    def active_pods(self) -> int:
        return sum(1 for node in self.nodes.pods() if node["phase"] in {"Pending", "Running"})

    def pods_unschedulable(self) -> bool:
        """Whether a pod waits for a node: then nothing wakes the controller, not even the deadline."""
        return any(
            (pod := self.pods.get(self.pod_key(node))) is not None and pod.message.startswith("Unschedulable")
            for node in self.nodes.pods()
            if node["phase"] == "Pending"
        )

    def pod_key(self, node: Node) -> Key:
        return (self.namespace, pod_name(self.name, node["name"], node.get("templateName", "")))
