"""Filling `<cluster.ingress_namespace>` in data: a scalar that is a placeholder, whole, becomes the value it names.

The value keeps its type and may be a list or a mapping. Nothing is pasted into text, and what was filled in is not
looked at again, so a value can hold anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WHOLE = re.compile(r"<([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+)>")
_PIECE = re.compile(r"<(cluster|options|request)\b")


class Absent(Exception):
    """Raised by a lookup: nothing was given for this name; the entry that holds it is left out."""


def name_of(value: object) -> str:
    """`cluster.dns_port` for `<cluster.dns_port>`, "" for everything else."""
    match = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else ""


def fill(value: Any, lookup: Callable[[str], Any]) -> Any:
    """A copy of `value`, each placeholder replaced by `lookup(name)`; entries whose lookup is Absent are left out."""
    if isinstance(value, dict):
        return dict(_filled(value.items(), lookup))
    if isinstance(value, list):
        return [item for _, item in _filled(enumerate(value), lookup)]
    name = name_of(value)
    return lookup(name) if name else value


def _filled(pairs: Any, lookup: Callable[[str], Any]) -> Iterator[tuple[Any, Any]]:
    for key, value in pairs:
        try:
            yield key, fill(value, lookup)
        except Absent:
            continue


def is_piece(value: object) -> bool:
    """Does text hold a placeholder amid other text, or a misspelt one? A mistake: only whole values are filled."""
    return isinstance(value, str) and not name_of(value) and bool(_PIECE.search(value))
