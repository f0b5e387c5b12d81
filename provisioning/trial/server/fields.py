"""The `fields` parameter: which parts of an answer a client wants (Argo's util/fields)."""

from __future__ import annotations

from typing import Any


class Cleaner:
    """`a.b,c` keeps what lies on or below these paths; a leading `-` drops exactly these. Lists add nothing to a
    path. What lies above a path is kept by string prefix, as Argo does it: `metadata.namespace` keeps `name` too."""

    def __init__(self, fields: str) -> None:
        self._exclude = fields.startswith("-")
        self._fields = set(fields.removeprefix("-").split(",")) if fields else set()

    def __bool__(self) -> bool:
        return bool(self._fields)

    def clean(self, value: Any, path: str = "") -> Any:
        """A copy of `value` without what is not wanted; keys sorted, as Go writes a map."""
        if not self._fields:
            return value
        if isinstance(value, list):
            return [self.clean(item, path) for item in value]
        if not isinstance(value, dict):
            return value
        kept = {}
        for key in sorted(value):
            inner = f"{path}.{key}" if path else key
            if self._keeps(inner):
                kept[key] = self.clean(value[key], inner)
        return kept

    def _keeps(self, path: str) -> bool:
        if self._exclude:
            return path not in self._fields
        return any(field.startswith(path) or path.startswith(f"{field}.") for field in self._fields)
