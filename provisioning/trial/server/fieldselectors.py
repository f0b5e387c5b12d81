"""Field selectors of a workflow list (4.1.2: a fixed handful) and of a watch (Kubernetes: name and namespace)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .rfc3339 import TimeFault, parse_time
from .status import INTERNAL, INVALID, Status

if TYPE_CHECKING:
    import datetime as dt

    from .calls import Object

REQUIREMENT = re.compile(r"([^=!<>]+)(==|=|!=|<|>)(.*)", re.DOTALL)
EQUAL = {"=", "=="}


class FieldSelector:
    """`remaining` asks for the count of items that are left after a page. Raises Status (400, 500)."""

    def __init__(self, text: str, name_filter: str = "") -> None:
        self.namespace = ""
        self.remaining = False
        self._name: str | None = None
        self._filter = name_filter or "Exact"
        self._started: list[tuple[str, dt.datetime]] = []
        for part in filter(None, text.split(",")):
            self._take(part)

    def _take(self, part: str) -> None:
        match = REQUIREMENT.fullmatch(part)
        if match is None:
            raise Status(INVALID, f"invalid selector: '{part}'; can't understand '{part}'")
        key, operator, value = match.groups()
        if key == "metadata.namespace" and operator in EQUAL:
            self.namespace = value
        elif key == "metadata.name" and operator in EQUAL:
            self._name = value
        elif key == "ext.showRemainingItemCount" and operator in EQUAL:
            self.remaining = value == "true"
        elif key == "spec.startedAt" and operator in {"<", ">"}:
            self._started.append((operator, _moment(value)))
        else:
            raise Status(INVALID, f"unsupported requirement {part}")

    def matches(self, item: Object) -> bool:
        return self._name_matches(item["metadata"]["name"]) and self._start_matches(item)

    def _name_matches(self, name: str) -> bool:
        if self._name is None:
            return True
        match self._filter:
            case "Prefix":
                return name.startswith(self._name)
            case "Contains":
                return self._name in name
        return name == self._name

    def _start_matches(self, item: Object) -> bool:
        started = (item.get("status") or {}).get("startedAt")
        if not self._started:
            return True
        moment = parse_time(started or "0001-01-01T00:00:00Z")
        return all(moment > limit if operator == ">" else moment < limit for operator, limit in self._started)


def _moment(text: str) -> dt.datetime:
    try:
        return parse_time(text)
    except TimeFault as fault:
        raise Status(INTERNAL, str(fault)) from None


def watched(text: str) -> tuple[str, str]:
    """(name, namespace) that a watch is narrowed to, "" for any. Raises Status (400) for other fields."""
    found = {"metadata.name": "", "metadata.namespace": ""}
    for part in filter(None, text.split(",")):
        match = REQUIREMENT.fullmatch(part)
        if match is None:
            raise Status(INVALID, f"invalid selector: '{part}'; can't understand '{part}'")
        if match[1] not in found or match[2] not in EQUAL:
            raise Status(INVALID, f"field label not supported: {match[1]}")
        found[match[1]] = match[3]
    return found["metadata.name"], found["metadata.namespace"]
