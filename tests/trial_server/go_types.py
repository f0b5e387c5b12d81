"""Derives `provisioning/trial/server/types.json` from Argo's own swagger and from the recorded answers.

The swagger tells which fields a Go struct has and of what type; the recordings tell in which order Go writes them;
the tables below hold what neither of them tells. Run as a module to write the file anew.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests import recordings

TYPES_FILE = Path(__file__).parents[2] / "provisioning/trial/server/types.json"
ROOTS = (
    "Workflow", "WorkflowList", "WorkflowTemplate", "WorkflowTemplateList", "WorkflowWatchEvent", "LogEntry",
    "WorkflowCreateRequest", "WorkflowSubmitRequest", "WorkflowLintRequest", "WorkflowStopRequest",
    "WorkflowTerminateRequest", "WorkflowRetryRequest", "WorkflowSuspendRequest", "WorkflowResumeRequest",
    "WorkflowResubmitRequest", "WorkflowSetRequest", "WorkflowTemplateCreateRequest",
    "WorkflowTemplateUpdateRequest", "WorkflowTemplateLintRequest", "CollectEventRequest",
)  # fmt: skip
# Structs that are no pointers are written even when empty; `required` of the swagger doesn't name them.
ALWAYS = {
    "Workflow": ("metadata", "spec", "status"),
    "WorkflowSpec": ("arguments",),
    "Template": ("inputs", "outputs", "metadata"),
    "DAGTask": ("arguments",),
    "WorkflowStep": ("arguments",),
    "LifecycleHook": ("arguments",),
    "Container": ("name", "resources"),
    "UserContainer": ("name", "resources"),
    "ContainerNode": ("name", "resources"),
    "ScriptTemplate": ("name", "resources", "source"),
    "WorkflowStatus": ("startedAt", "finishedAt"),
    "NodeStatus": ("startedAt", "finishedAt"),
    "PersistentVolumeClaim": ("metadata", "spec", "status"),
    "PersistentVolumeClaimSpec": ("resources",),
}
NOT_ALWAYS = {
    ("Container", "image"),
    ("ScriptTemplate", "image"),
    ("UserContainer", "image"),
    ("ContainerNode", "image"),
}
TYPES = {
    ("Parameter", "value"): "AnyString",
    ("Parameter", "default"): "AnyString",
    ("Parameter", "enum"): "[]AnyString",
    ("ValueFrom", "default"): "AnyString",
    ("WorkflowSpec", "priority"): "int32",
    ("SubmitOpts", "priority"): "int32",
    ("NodeStatus", "failedPodRestarts"): "int32",
    ("TTLStrategy", "secondsAfterCompletion"): "int32",
    ("TTLStrategy", "secondsAfterSuccess"): "int32",
    ("TTLStrategy", "secondsAfterFailure"): "int32",
}
SPECIAL = {
    "IntOrString": "IntOrString", "Quantity": "Quantity", "Time": "Time", "MicroTime": "Time", "FieldsV1": "any",
    "Item": "any", "Object": "any", "Plugin": "any",
}  # fmt: skip
# Go's order where the recordings don't show it.
ORDER = {
    "WorkflowWatchEvent": ("type", "object"),
    "Template": ("name", "inputs", "outputs", "nodeSelector", "affinity", "metadata", "daemon", "steps", "container",
                 "containerSet", "script", "resource", "dag", "suspend", "data", "http", "plugin", "volumes",
                 "initContainers", "sidecars", "archiveLocation", "activeDeadlineSeconds", "retryStrategy",
                 "parallelism", "failFast", "tolerations"),
}  # fmt: skip


def derive() -> dict[str, dict[str, str]]:
    """{Go struct: {field: type}}, fields in Go's order; a type that ends in `!` is written even when empty."""
    definitions = recordings.load("swagger")["swagger-v4.1.2.json"]["definitions"]
    by_name = {_short(name): body for name, body in definitions.items() if not name.startswith("google")}
    for name in ROOTS:
        by_name[name] = definitions[f"io.argoproj.workflow.v1alpha1.{name}"]
    found: dict[str, dict[str, str]] = {}
    queue = list(ROOTS)
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found[name] = _fields(name, by_name[name], by_name, queue)
    order = _orders(found)
    return {name: _sorted(found[name], order.get(name, [])) for name in sorted(found)}


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _fields(name: str, body: Any, by_name: dict[str, Any], queue: list[str]) -> dict[str, str]:
    required = {*body.get("required", ()), *ALWAYS.get(name, ())}
    fields = {}
    for field, schema in body.get("properties", {}).items():
        kind = TYPES.get((name, field)) or _kind(schema, by_name, queue)
        always = field in required and (name, field) not in NOT_ALWAYS
        fields[field] = kind + "!" * always
    return fields


def _kind(schema: Any, by_name: dict[str, Any], queue: list[str]) -> str:
    if "$ref" in schema:
        return _reference(_short(schema["$ref"]), by_name, queue)
    match schema.get("type"):
        case "array":
            return "[]" + _kind(schema["items"], by_name, queue)
        case "object" if "additionalProperties" in schema:
            return "map[string]" + _kind(schema["additionalProperties"], by_name, queue)
        case "integer":
            return str(schema.get("format", "int64"))
    return {"string": "string", "boolean": "bool", "number": "float64"}.get(schema.get("type", ""), "any")


def _reference(name: str, by_name: dict[str, Any], queue: list[str]) -> str:
    body = by_name[name]
    if name in SPECIAL:
        return SPECIAL[name]
    if "properties" not in body and body.get("type") != "object":
        return _kind(body, by_name, queue)
    queue.append(name)
    return name


def _orders(types: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """Every struct's keys in an order that agrees with all recorded answers."""
    before: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, keys in ORDER.items():
        for first, second in itertools.pairwise(keys):
            before[name][second].add(first)
    for body in _bodies():
        _walk(body, "WorkflowList" if "items" in body else "Workflow", types, before)
    return {name: _linear(types[name], edges) for name, edges in before.items()}


def _bodies() -> list[Any]:
    found: list[Any] = []
    for path, exchange in recordings.load("transcripts").items():
        if "v4.1.2" in path and path.endswith(".json"):
            body = exchange["response"]["body"]
            if isinstance(body, dict) and "metadata" in body and isinstance(exchange["response"].get("headers"), list):
                found.append(body)
    return found


def _walk(value: Any, kind: str, types: dict[str, dict[str, str]], before: Any) -> None:
    kind = kind.removesuffix("!")
    if kind.startswith("[]") and isinstance(value, list):
        for item in value:
            _walk(item, kind[2:], types, before)
    elif kind.startswith("map[string]") and isinstance(value, dict):
        for item in value.values():
            _walk(item, kind[11:], types, before)
    elif kind in types and isinstance(value, dict):
        keys = [key for key in value if key in types[kind]]
        for first, second in itertools.pairwise(keys):
            before[kind][second].add(first)
        for key in keys:
            _walk(value[key], types[kind][key], types, before)


def _linear(fields: dict[str, str], edges: dict[str, set[str]]) -> list[str]:
    known = {*edges, *(key for keys in edges.values() for key in keys)}
    left, done = sorted(fields, key=lambda key: (key not in known, key)), list[str]()
    while left:
        key = next(key for key in left if not (edges.get(key, set()) - set(done)))
        left.remove(key)
        done.append(key)
    return done


def _sorted(fields: dict[str, str], order: list[str]) -> dict[str, str]:
    return {key: fields[key] for key in order or sorted(fields)}


def text(types: dict[str, dict[str, str]]) -> str:
    """The file: one struct per line."""
    lines = (f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in types.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TYPES_FILE.write_text(text(derive()))
