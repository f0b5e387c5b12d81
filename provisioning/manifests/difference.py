"""What is different between two sets of objects: object by object, field by field."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from provisioning.manifests.text import object_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLAIN_KEY = re.compile(r"\A[A-Za-z][A-Za-z0-9-]*\Z")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """`path` in dots, odd keys in brackets: `spec.hard[requests.cpu]`. None = the field is not there on that side.

    Lists are one value, as their order counts and their items have no names.
    """

    path: str
    before: Any
    after: Any

    @property
    def key(self) -> str:
        """The last part of the path: `requests.cpu`."""
        return self.path[:-1].rpartition("[")[2] if self.path.endswith("]") else self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class DiffLine:
    mark: Literal["+", "-", " "]
    text: str


@dataclass(frozen=True, slots=True)
class ObjectChange:
    kind: str
    name: str
    change: Literal["added", "removed", "changed"]
    fields: tuple[FieldChange, ...]
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    def lines(self, context: int = 2) -> list[DiffLine]:
        """The YAML of both sides line against line, with `context` unchanged lines around each change."""
        old = object_text(self.before).splitlines() if self.before else []
        new = object_text(self.after).splitlines() if self.after else []
        found: list[DiffLine] = []
        for text in list(difflib.unified_diff(old, new, n=context, lineterm=""))[2:]:
            mark = text[:1]
            if mark == "@":
                found += [DiffLine(" ", "…")] if found else []
            else:
                found.append(DiffLine("+" if mark == "+" else "-" if mark == "-" else " ", text[1:]))
        return found


def diff(old: Iterable[dict[str, Any]], new: Iterable[dict[str, Any]]) -> list[ObjectChange]:
    """Objects are the same by kind and name. In the order of `new`, then what is gone, in the order of `old`."""
    before, after = _by_name(old), _by_name(new)
    found = []
    for (kind, name), item in after.items():
        earlier = before.get((kind, name))
        if earlier is None:
            found.append(ObjectChange(kind, name, "added", (), after=item))
        elif fields := tuple(_fields(earlier, item, "")):
            found.append(ObjectChange(kind, name, "changed", fields, earlier, item))
    gone = ((key, item) for key, item in before.items() if key not in after)
    return found + [ObjectChange(kind, name, "removed", (), before=item) for (kind, name), item in gone]


def _by_name(items: Iterable[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in items}


def _fields(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _fields(before.get(key), after.get(key), _below(path, key))
    elif before != after:
        yield FieldChange(path, before, after)


def _below(path: str, key: str) -> str:
    if not _PLAIN_KEY.match(key):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key
