"""Sets of field paths: which leaves an object has, how two objects differ, and `fieldsV1` of managedFields.

A path is a tuple of elements as fieldsV1 writes them: `f:NAME`, `k:{"type":"x"}`, `v:"x"`, and a last `.` for the
container itself (a map or a keyed list as such, not its children).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from provisioning.trial.cluster.schema import Node

Path = tuple[str, ...]
SELF = "."
# Set by the server; no manager owns them.
_META = {"name", "namespace", "uid", "creationTimestamp", "selfLink", "generation", "managedFields", "resourceVersion"}
_UNOWNED = {("f:apiVersion",), ("f:kind",), ("f:metadata",)} | {("f:metadata", f"f:{name}") for name in _META}


def element(node: Node, item: Any) -> str:
    """The path element of an item of a keyed list."""
    if node.keys == ("",):
        return "v:" + json.dumps(item, ensure_ascii=False)
    keys = {key: item.get(key) for key in node.keys} if isinstance(item, dict) else {}
    return "k:" + json.dumps(keys, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def children(node: Node, value: Any) -> Iterator[tuple[str, Node, Any]]:
    """Element, schema and value of each child of a granular value."""
    if node.type == "list" and node.item is not None:
        for item in value:
            yield element(node, item), node.item, item
        return
    for name, child in value.items():
        schema = node.child(name)
        if schema is not None:
            yield f"f:{name}", schema, child


def is_leaf(node: Node, value: Any) -> bool:
    return not node.granular or not isinstance(value, dict | list)


def leaves(node: Node, value: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf with its value; containers that can be absent yield themselves with `.` too."""
    if is_leaf(node, value):
        yield at, value
        return
    if at and (node.type in ("list", "map") or at[-1].startswith("k:")):
        yield (*at, SELF), None
    for name, schema, child in children(node, value):
        yield from leaves(schema, child, (*at, name))


def applied(node: Node, config: dict[str, Any]) -> set[Path]:
    """What a manager owns by applying `config`: leaves, items of keyed lists, and containers sent empty."""
    return {path for path in _applied(node, config, ()) if not _server_owned(path)}


def _applied(node: Node, value: Any, at: Path) -> Iterator[Path]:
    if is_leaf(node, value):
        yield at
        return
    if not value and at:
        yield at
    if at and at[-1].startswith("k:"):
        yield (*at, SELF)
    for name, schema, child in children(node, value):
        yield from _applied(schema, child, (*at, name))


def _server_owned(path: Path) -> bool:
    return path in _UNOWNED or path[:2] in _UNOWNED


def differences(node: Node, old: dict[str, Any], new: dict[str, Any]) -> tuple[set[Path], set[Path]]:
    """Paths that `new` adds or changes, and paths that it has no longer."""
    before, after = dict(leaves(node, old)), dict(leaves(node, new))
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    removed = set(before) - set(after)
    return (
        {path for path in changed if not _server_owned(path)},
        {path for path in removed if not _server_owned(path)},
    )


def encode(paths: Iterable[Path]) -> dict[str, Any]:
    """`fieldsV1` of a set of paths, keys sorted."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        here = tree
        for name in path:
            here = here.setdefault(name, {})
    return tree


def decode(tree: dict[str, Any]) -> set[Path]:
    """The paths of `fieldsV1`."""
    return set(_decode(tree, ()))


def _decode(tree: dict[str, Any], at: Path) -> Iterator[Path]:
    for name, below in tree.items():
        if below:
            yield from _decode(below, (*at, name))
        else:
            yield (*at, name)


def dotted(path: Path) -> str:
    """`.metadata.labels.platform.io/team`, `.secrets[name="x"]`: as the text of a conflict names a field."""
    return "".join(_dotted(name) for name in path if name != SELF)


def _dotted(name: str) -> str:
    kind, value = name[:1], name[2:]
    if kind == "f":
        return f".{value}"
    if kind == "v":
        return f"[={value}]"
    keys = json.loads(value).items()
    return "[" + ",".join(f"{key}={json.dumps(found, ensure_ascii=False)}" for key, found in keys) + "]"
