"""LIST of workflows as 4.1.2 does it from its cache, with the archive off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .fieldselectors import FieldSelector
from .rfc3339 import TimeFault, parse_time
from .selectors import SelectorFault, parse
from .status import INTERNAL, INVALID, Status
from .types import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from .calls import Call, Object

INSTANCE_ID = "workflows.argoproj.io/controller-instanceid"
ZERO_TIME = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Page:
    """`limit` 0 means all."""

    limit: int
    offset: int


def list_workflows(call: Call) -> Object:
    """Raises Status: 400 for selectors and `continue`, 500 for dates that do not parse."""
    call.caller.require_list(call.namespace)
    fields = FieldSelector(call.query.text("listOptions.fieldSelector"), call.query.text("nameFilter"))
    tests = [_labels(call), fields.matches, *_dates(call)]
    page = _page(call)
    snapshot = call.store.snapshot("workflows", fields.namespace or call.namespace)
    found = [item for item in snapshot.items if all(test(item) for test in tests)]
    found.sort(key=_started, reverse=True)
    shown = found[page.offset : page.offset + page.limit if page.limit else None]
    metadata: Object = {"resourceVersion": str(snapshot.version)}
    if fields.remaining and page.limit:
        left = max(0, len(found) - page.offset - len(shown))
        metadata |= ({"continue": str(page.offset + len(shown))} if left else {}) | {"remainingItemCount": left}
    answer = {"metadata": metadata, "items": sorted(shown, key=_order)}
    return _written(call, answer)


def _written(call: Call, answer: Object) -> Object:
    cleaned = call.cleaner.clean(answer)
    items = [encode("Workflow", item) for item in cleaned.get("items") or ()]
    keys = ("resourceVersion", "continue", "remainingItemCount")
    metadata = {key: cleaned["metadata"][key] for key in keys if key in cleaned.get("metadata", {})}
    return {"metadata": metadata, "items": items or None}


def _labels(call: Call) -> Callable[[Object], bool]:
    try:
        matches = parse(call.query.text("listOptions.labelSelector"))
    except SelectorFault as fault:
        raise Status(INVALID, str(fault)) from None
    return lambda item: _managed(item) and matches(item["metadata"].get("labels") or {})


def _managed(item: Object) -> bool:
    """The server adds this to every selector: workflows of another instance id are none of its business."""
    return INSTANCE_ID not in (item["metadata"].get("labels") or {})


def _dates(call: Call) -> list[Callable[[Object], bool]]:
    tests: list[Callable[[Object], bool]] = []
    try:
        if after := call.query.text("createdAfter"):
            moment = parse_time(after)
            tests.append(lambda item: parse_time(item["metadata"]["creationTimestamp"]) > moment)
        if before := call.query.text("finishedBefore"):
            until = parse_time(before)
            # unfinished workflows have the zero time, and match
            tests.append(lambda item: parse_time(_finished(item) or ZERO_TIME) < until)
    except TimeFault as fault:
        raise Status(INTERNAL, str(fault)) from None
    return tests


def _page(call: Call) -> Page:
    text = call.query.text("listOptions.continue")
    if text and not re.fullmatch(r"[+-]?\d+", text):
        raise Status(INVALID, "listOptions.continue must be int")
    offset = int(text or 0)
    if offset < 0:
        raise Status(INVALID, "listOptions.continue must >= 0")
    return Page(max(0, call.query.number("listOptions.limit") or 0), offset)


def _started(item: Object) -> str:
    return str((item.get("status") or {}).get("startedAt") or ZERO_TIME)


def _finished(item: Object) -> str:
    return str((item.get("status") or {}).get("finishedAt") or "")


def _order(item: Object) -> tuple[bool, tuple[int, ...], str]:
    """Unfinished first by creation, then by end, the newest first in both."""
    finished = _finished(item)
    moment = finished or str(item["metadata"]["creationTimestamp"])
    return bool(finished), tuple(-ord(char) for char in moment), str(item["metadata"]["name"])
