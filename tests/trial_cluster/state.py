"""Brings a cluster into the state of a recording, and reads its state back in the recording's form."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from typing import Any

from provisioning.trial.cluster import Cluster
from provisioning.trial.cluster.controllers import ROOT_CA, TERMINATE
from tests.trial_cluster.matching import PLACEHOLDER, Bindings, differences

START = 1_767_600_000.0  # some moment in January 2026


DELETION_SECONDS = 3.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def load(cluster: Cluster, before: dict[str, Any]) -> Bindings:
    """Puts the objects of `before` in, with the config map and service account that every namespace has."""
    bindings = Bindings()
    present = set()
    for number, raw in enumerate(before["objects"]):
        obj = _filled(copy.deepcopy(raw), bindings)
        present.add(_key(obj))
        owners = before["managedFields"].get(_key(obj), [])
        if owners:
            obj["metadata"]["managedFields"] = [
                entry | {"fieldsType": "FieldsV1", "time": f"2026-01-05T0{number % 8}:00:0{index}Z"}
                for index, entry in enumerate(owners)
            ]
        cluster.put(obj)
        bindings.bind(raw["metadata"]["resourceVersion"], obj["metadata"]["resourceVersion"])
    for raw in before["objects"]:
        if raw["kind"] == "Namespace" and raw["status"]["phase"] == "Active":
            _complete(cluster, raw["metadata"]["name"], present)
        elif raw["kind"] == "Namespace":
            with cluster._objects.transaction():
                cluster._objects.schedule(TERMINATE, raw["metadata"]["name"], START + DELETION_SECONDS)
    return bindings


def _filled(value: Any, bindings: Bindings) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, bindings) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, bindings) for item in value]
    if isinstance(value, str) and PLACEHOLDER.fullmatch(value):
        return _value(value, bindings)
    return value


def _value(placeholder: str, bindings: Bindings) -> str:
    if placeholder.startswith("<uid"):
        bindings.bind(placeholder, bindings.values.get(placeholder) or str(uuid.uuid4()))
        return bindings.values[placeholder]
    return "2026-01-05T08:00:00Z" if placeholder == "<time>" else placeholder


def _complete(cluster: Cluster, namespace: str, present: set[str]) -> None:
    for kind, name in (("ServiceAccount", "default"), ("ConfigMap", ROOT_CA)):
        if f"{kind}/{namespace}/{name}" not in present:
            metadata = {"name": name, "namespace": namespace, "uid": str(uuid.uuid4())}
            cluster.put({"apiVersion": "v1", "kind": kind, "metadata": metadata})


def _key(obj: dict[str, Any]) -> str:
    metadata = obj["metadata"]
    return "/".join(part for part in (obj["kind"], metadata.get("namespace"), metadata["name"]) if part)


KINDS = (
    "Namespace",
    "ServiceAccount",
    "RoleBinding",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ConfigMap",
    "Pod",
    "PersistentVolumeClaim",
    "Service",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "Ingress",
)
TAKEN_FOR_GRANTED = {"default", ROOT_CA}


def read(cluster: Cluster, like: dict[str, Any]) -> dict[str, Any]:
    """Objects and managedFields, by key; of what every namespace has only what `like` shows."""
    wanted = {_key(obj) for obj in like["objects"]}
    objects, owners = {}, {}
    for obj in _all(cluster):
        key = _key(obj)
        if obj["metadata"]["name"] in TAKEN_FOR_GRANTED and key not in wanted:
            continue
        fields = obj["metadata"].pop("managedFields", [])
        objects[key] = obj
        owners[key] = sorted((_owner(entry) for entry in fields), key=str)
    return {"objects": objects, "managedFields": owners}


def expected(side: dict[str, Any]) -> dict[str, Any]:
    objects = {_key(obj): obj for obj in side["objects"]}
    owners = {key: sorted(side["managedFields"].get(key, []), key=str) for key in objects}
    return {"objects": objects, "managedFields": owners}


def _owner(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("manager", "operation", "subresource", "apiVersion", "fieldsV1")
    return {name: entry[name] for name in names if name in entry}


def _all(cluster: Cluster) -> Iterator[dict[str, Any]]:
    for kind in KINDS:
        yield from cluster.every(kind)


def left_over(cluster: Cluster, clock: Clock, after: dict[str, Any], bindings: Bindings) -> list[str]:
    """How the state differs from the recorded one: at once, and then when the controllers have done their part.
    They worked beside the real kubectl, too, so what was read back may be the one or the other."""
    at_once = copy.deepcopy(bindings)
    found = differences(expected(after), read(cluster, after), at_once)
    if not found:
        return []
    clock.now += 60
    cluster.reconcile()
    return differences(expected(after), read(cluster, after), bindings)
