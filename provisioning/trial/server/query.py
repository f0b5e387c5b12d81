"""Query parameters as the gateway decodes them: dotted names, Go's number and boolean texts, unknown names ignored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .status import undecodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIST_OPTIONS = {
    "listOptions.limit": "int64",
    "listOptions.timeoutSeconds": "int64",
    "listOptions.watch": "bool",
    "listOptions.allowWatchBookmarks": "bool",
    "listOptions.sendInitialEvents": "bool",
}
LOG_OPTIONS = {
    "logOptions.follow": "bool",
    "logOptions.previous": "bool",
    "logOptions.timestamps": "bool",
    "logOptions.insecureSkipTLSVerifyBackend": "bool",
    "logOptions.sinceSeconds": "int64",
    "logOptions.tailLines": "int64",
    "logOptions.limitBytes": "int64",
    "logOptions.sinceTime": "*v1.Time",
}
DELETE_OPTIONS = {
    "force": "bool",
    "deleteOptions.gracePeriodSeconds": "int64",
    "deleteOptions.orphanDependents": "bool",
}
TRUE = {"1", "t", "T", "TRUE", "true", "True"}
FALSE = {"0", "f", "F", "FALSE", "false", "False"}


class Query:
    """The first value of each name; `schema` names the fields that are no strings. Raises Status (400) on a value
    that its field can't hold."""

    def __init__(self, pairs: Iterable[tuple[str, str]], schema: Mapping[str, str] | None = None) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name, value)
        for name, kind in (schema or {}).items():
            if name in self._values:
                _check(kind, self._values[name])

    def text(self, name: str) -> str:
        return self._values.get(name, "")

    def flag(self, name: str) -> bool:
        return self._values.get(name) in TRUE

    def number(self, name: str) -> int | None:
        value = self._values.get(name)
        return None if value is None else int(value)


def _check(kind: str, value: str) -> None:
    if kind == "bool" and value not in TRUE | FALSE:
        raise undecodable(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    if kind == "int64":
        if not re.fullmatch(r"[+-]?[0-9]+", value):
            raise undecodable(f'strconv.ParseInt: parsing "{value}": invalid syntax')
        if not -(2**63) <= int(value) < 2**63:
            raise undecodable(f'strconv.ParseInt: parsing "{value}": value out of range')
    if kind.startswith("*"):
        raise undecodable(f"field type {kind} is not supported in query parameters")
