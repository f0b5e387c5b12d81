"""The API server's check of an apply: every field declared, every value of the declared type, every amount one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.trial.cluster import stored
from provisioning.trial.cluster.errors import ApiError
from provisioning.trial.cluster.kinds import Kind
from provisioning.trial.cluster.schema import Node

Object = dict[str, Any]
_EXPECTED = {"struct": "map", "map": "map", "list": "list", "string": "string", "time": "string", "boolean": "boolean"}


def check(kind: Kind, namespace: str, config: Object, schema: Node) -> None:
    """Raises the server's 500 for a field it does not know, a value of another type, or a bad amount."""
    where = f"({namespace}/{config['metadata'].get('name', '')}; {kind.group}/{kind.version}, Kind={kind.kind})"
    problems = list(_problems(schema, config, ""))
    if problems:
        text = problems[0] if len(problems) == 1 else "errors:\n" + "\n".join(f"  {text}" for text in problems)
        raise ApiError("", f"failed to create typed patch object {where}: {text}")
    try:
        stored.normalise(schema, config)
    except ValueError as error:
        raise ApiError(
            "",
            f"failed to convert new object {where} to proper version: unable to convert unstructured object to"
            f" {kind.group}/{kind.version}, Kind={kind.kind}: {error}",
        ) from error


def _problems(node: Node, value: Any, path: str) -> Iterator[str]:
    if value is None or node.type in ("any", "quantity", "int-or-string"):
        return
    if not _fits(node, value):
        yield f"{path}: expected {_EXPECTED.get(node.type, 'number')}, got {_got(node, value)}"
    elif node.type == "list" and node.item is not None:
        for index, item in enumerate(value):
            yield from _problems(node.item, item, f"{path}[{index}]")
    elif node.type in ("struct", "map"):
        yield from _inside(node, value, path)


def _inside(node: Node, value: Object, path: str) -> Iterator[str]:
    unknown = []
    for name, item in value.items():
        child = node.child(name)
        if child is None:
            unknown.append(f"{path}.{name}: field not declared in schema")
        else:
            yield from _problems(child, item, f"{path}.{name}")
    yield from unknown


def _fits(node: Node, value: Any) -> bool:
    if node.type == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    wanted: dict[str, type] = {"struct": dict, "map": dict, "list": list, "boolean": bool}
    return isinstance(value, wanted.get(node.type, str))


def _got(node: Node, value: Any) -> str:
    """As Go prints the value it found."""
    shown = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
    if node.type in ("list", "struct", "map"):
        return f"&{{{shown}}}"
    return f"&value.valueUnstructured{{Value:{shown}}}"
