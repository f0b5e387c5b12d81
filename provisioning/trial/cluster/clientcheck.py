"""kubectl's own check of manifests against the OpenAPI schema, before anything is sent.

kubectl 1.36 leaves single objects to the server and checks only Lists by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.trial.cluster.errors import KubectlError
from provisioning.trial.cluster.kinds import BY_GVK
from provisioning.trial.cluster.schema import JSON_TYPES, Node
from provisioning.trial.cluster.schemas import SCHEMAS

Object = dict[str, Any]


def is_list(document: Object) -> bool:
    return document.get("kind") == "List" and document.get("apiVersion") == "v1"


def check(document: Any, source: str) -> None:
    """Raises KubectlError for what kubectl does not even send."""
    if not isinstance(document, dict):
        raise _failed(source, ["invalid object to validate"])
    problems = list(_head(document))
    if not problems and is_list(document):
        for item in document.get("items") or []:
            problems += _item(item)
    if problems:
        raise _failed(source, problems)


def _failed(source: str, problems: list[str]) -> KubectlError:
    text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    return KubectlError.plain(
        f'error validating "{source}": error validating data: {text}; if you choose to ignore these errors, turn'
        " validation off with --validate=false"
    )


def _head(document: Object) -> Iterator[str]:
    for name in ("apiVersion", "kind"):
        if not document.get(name):
            yield f"{name} not set"


def _item(item: Any) -> list[str]:
    if not isinstance(item, dict):
        return ["invalid object to validate"]
    if problems := list(_head(item)):
        return problems
    kind = BY_GVK.get((item["apiVersion"], item["kind"]))
    schema = SCHEMAS.get(kind.kind) if kind else None
    return list(_struct(schema, item, item["kind"])) if schema else []


def _struct(node: Node, value: Object, path: str) -> Iterator[str]:
    for name in sorted(value):
        child = node.child(name)
        if child is None:
            yield f'ValidationError({path}): unknown field "{name}" in {node.model}'
        elif value[name] is not None:
            yield from _value(child, value[name], f"{path}.{name}", f"{node.model}.{name}")
    for name in node.required:
        if value.get(name) is None:
            yield f'ValidationError({path}): missing required field "{name}" in {node.model}'


def _value(node: Node, value: Any, path: str, model: str) -> Iterator[str]:
    got = _type_of(value)
    wanted = JSON_TYPES.get(node.type, node.type)
    if not _accepts(wanted, got):
        yield f'ValidationError({path}): invalid type for {node.model or model}: got "{got}", expected "{wanted}"'
    elif node.type == "list" and node.item is not None:
        for index, item in enumerate(value):
            yield from _value(node.item, item, f"{path}[{index}]", f"{model}[{index}]")
    elif node.type == "struct":
        yield from _struct(node, value, path)


def _accepts(wanted: str, got: str) -> bool:
    """Text takes every plain value; what it is worth the server says."""
    if wanted in ("any", "int-or-string", "string"):
        return wanted == "any" or got not in ("map", "array")
    return wanted == got


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "map", list: "array", int: "integer", float: "number"}
    return names.get(type(value), "string")
