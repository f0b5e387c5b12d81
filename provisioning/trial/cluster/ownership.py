"""managedFields: who owns which fields of an object, after an apply and after an update.

Rules of server-side apply: a conflict is a field that another manager owns and whose value would change; what a
manager applied before and no longer names goes away unless somebody else owns it too; an update takes fields
without asking.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provisioning.trial.cluster import fields
from provisioning.trial.cluster.errors import Conflict
from provisioning.trial.cluster.fields import Path
from provisioning.trial.cluster.schema import Node

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Writer:
    """Under which name a request writes: `kubectl … --field-manager=NAME`."""

    manager: str
    operation: str  # Apply or Update
    api_version: str
    subresource: str = ""
    time: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.manager, self.operation, self.api_version, self.subresource)


@dataclass(slots=True)
class Entry:
    writer: Writer
    paths: set[Path]

    @classmethod
    def of(cls, raw: Object) -> Entry:
        writer = Writer(
            raw["manager"], raw["operation"], raw["apiVersion"], raw.get("subresource", ""), raw.get("time", "")
        )
        return cls(writer, fields.decode(raw["fieldsV1"]))

    def raw(self) -> Object:
        written = {
            "apiVersion": self.writer.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields.encode(self.paths),
            "manager": self.writer.manager,
            "operation": self.writer.operation,
            "time": self.writer.time,
        }
        return written | ({"subresource": self.writer.subresource} if self.writer.subresource else {})


def entries(obj: Object) -> list[Entry]:
    return [Entry.of(raw) for raw in obj.get("metadata", {}).get("managedFields", [])]


def store(obj: Object, owners: Iterable[Entry]) -> None:
    """Writes the entries that still own something, appliers first, then by time and name as the server does."""
    left = [entry for entry in owners if entry.paths]
    left.sort(key=lambda entry: (entry.writer.operation, entry.writer.time, *entry.writer.key))
    obj["metadata"].pop("managedFields", None)
    if left:
        obj["metadata"]["managedFields"] = [entry.raw() for entry in left]


def merge(node: Node, live: Any, config: Any) -> Any:
    """`live` with everything that `config` names put into it."""
    if config is None or live is None or fields.is_leaf(node, config) or fields.is_leaf(node, live):
        return copy.deepcopy(config)
    if node.type == "list":
        return _merge_list(node, live, config)
    merged = dict(live)
    for name, value in config.items():
        child = node.child(name)
        if child is not None:
            merged[name] = merge(child, live.get(name), value)
    return merged


def _merge_list(node: Node, live: list[Any], config: list[Any]) -> list[Any]:
    assert node.item is not None  # noqa: S101 - a keyed list always has an item
    named = {fields.element(node, item): item for item in config}
    merged = []
    for item in live:
        key = fields.element(node, item)
        merged.append(merge(node.item, item, named.pop(key)) if key in named else item)
    return merged + [copy.deepcopy(item) for item in named.values()]


def without(node: Node, value: Any, gone: set[Path]) -> Any:
    """`value` without the given paths."""
    if fields.is_leaf(node, value):
        return value
    kept: list[tuple[Any, Any]] = []
    for name, schema, child in fields.children(node, value):
        below = {path[1:] for path in gone if path[0] == name}
        if () in below or (fields.SELF,) in below:
            continue
        kept.append((name, without(schema, child, below) if below else child))
    if node.type == "list":
        return [child for _, child in kept]
    return {name[2:]: child for name, child in kept}


def apply(node: Node, live: Object, config: Object, writer: Writer, *, force: bool, reset: Iterable[str]) -> Object:
    """The object after a server-side apply, managedFields included; raises Conflict."""
    owners = entries(live)
    mine = next((entry for entry in owners if entry.writer.key == writer.key), Entry(writer, set()))
    others = [entry for entry in owners if entry is not mine]
    wanted = {path for path in fields.applied(node, config) if not _reset(path, reset)}
    config = {name: value for name, value in config.items() if name not in reset}
    config["metadata"] = {k: v for k, v in config["metadata"].items() if k != "managedFields"}
    merged: Object = merge(node, live, config)
    owned_by_others = set().union(*(entry.paths for entry in others))
    merged = without(node, merged, mine.paths - wanted - owned_by_others)
    changed, removed = fields.differences(node, live, merged)
    _take(others, changed, force=force)
    for entry in others:
        entry.paths -= removed
    time = mine.writer.time if wanted == mine.paths and not changed and not removed else writer.time
    store(merged, [*others, Entry(Writer(*writer.key, time), wanted)])
    return merged


def _reset(path: Path, reset: Iterable[str]) -> bool:
    return path[0][2:] in reset


def _take(others: list[Entry], changed: set[Path], *, force: bool) -> None:
    conflicts = [(entry.writer, entry.paths & changed) for entry in others if entry.paths & changed]
    if conflicts and not force:
        raise Conflict(conflict_text(conflicts))
    for entry in others:
        entry.paths -= changed


def conflict_text(conflicts: list[tuple[Writer, set[Path]]]) -> str:
    """`Apply failed with 1 conflict: …`; the version is told only of those who wrote by Update."""
    count = sum(len(paths) for _, paths in conflicts)
    by_manager: dict[str, list[str]] = {}
    for writer, paths in conflicts:
        using = f" using {writer.api_version}" if writer.operation == "Update" else ""
        names = by_manager.setdefault(f'"{writer.manager}"{using}', [])
        names.extend(fields.dotted(path) for path in paths)
    if count == 1:
        ((manager, names),) = by_manager.items()
        return f"Apply failed with 1 conflict: conflict with {manager}: {names[0]}"
    lines = []
    for manager in sorted(by_manager):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {name}" for name in sorted(by_manager[manager])]
    return f"Apply failed with {count} conflicts: " + "\n".join(lines)


def update(node: Node, old: Object, new: Object, writer: Writer) -> Object:
    """`new` with managedFields as after an update of `old` by `writer`: it takes what it changed."""
    changed, removed = fields.differences(node, old, new)
    owners = entries(old)
    mine = next((entry for entry in owners if entry.writer.key == writer.key), None)
    for entry in owners:
        entry.paths -= removed
        if entry is not mine:
            entry.paths -= changed
    if mine is None:
        mine = Entry(writer, set())
        owners.append(mine)
    if changed or removed:
        mine.paths |= changed
        mine.writer = writer
    updated = copy.deepcopy(new)
    store(updated, owners)
    return updated
