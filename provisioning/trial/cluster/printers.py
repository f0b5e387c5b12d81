"""How kubectl prints objects: names, JSON, JSONPath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioning.trial.cluster import gojson
from provisioning.trial.cluster.errors import KubectlError
from provisioning.trial.cluster.jsonpath import Template
from provisioning.trial.cluster.kinds import BY_KIND

Object = dict[str, Any]
Printer = Callable[[Object], str]
JSONPATH = "jsonpath="


def printer(output: str | None) -> Printer:
    """The printer for `-o OUTPUT`; raises KubectlError for one that this kubectl does not have."""
    if output == "name":
        return _names
    if output == "json":
        return _json
    if output is not None and output.startswith(JSONPATH):
        return Template(output.removeprefix(JSONPATH)).render
    raise KubectlError.plain(
        f"the trial cluster's kubectl prints -o name, -o json and -o jsonpath=… only, not {output or 'tables'}"
    )


def as_list(items: list[Object]) -> Object:
    """Several objects together, as kubectl wraps them."""
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


def type_and_name(obj: Object) -> str:
    return f"{BY_KIND[obj['kind']].type_name}/{obj['metadata']['name']}"


def _names(obj: Object) -> str:
    items = obj["items"] if obj["kind"] == "List" else [obj]
    return "".join(f"{type_and_name(item)}\n" for item in items)


def _json(obj: Object) -> str:
    return gojson.dumps(_without_owners(obj), indent=4) + "\n"


def _without_owners(obj: Object) -> Object:
    if obj["kind"] == "List":
        return obj | {"items": [_without_owners(item) for item in obj["items"]]}
    return obj | {"metadata": {name: part for name, part in obj["metadata"].items() if name != "managedFields"}}


_META = ("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation",
         "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations",
         "ownerReferences", "finalizers", "managedFields")  # fmt: skip
_OWNER = ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource")
_CONDITION = ("type", "status", "lastTransitionTime", "reason", "message")


def raw_namespace(namespace: Object) -> str:
    """A Namespace as the server answers it: one line, fields in the order of Go's structs."""
    meta = namespace["metadata"]
    owners = [_ordered(entry, _OWNER) for entry in meta.get("managedFields", [])]
    meta = {**meta, "managedFields": owners} if owners else meta
    for name in ("labels", "annotations"):
        if name in meta:
            meta = {**meta, name: dict(sorted(meta[name].items()))}
    status = {"phase": namespace["status"]["phase"]}
    if conditions := namespace["status"].get("conditions"):
        status["conditions"] = [_ordered(condition, _CONDITION) for condition in conditions]
    answer = {"kind": "Namespace", "apiVersion": "v1", "metadata": _ordered(meta, _META), "spec": namespace["spec"]}
    return gojson.dumps({**answer, "status": status}, sort_keys=False) + "\n"


def _ordered(value: Object, names: tuple[str, ...]) -> Object:
    return {name: value[name] for name in names if name in value}
