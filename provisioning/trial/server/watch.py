"""The watch of workflows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from provisioning.trial.store import Event, TooOld

from .fieldselectors import watched
from .listing import INSTANCE_ID
from .selectors import SelectorFault, parse
from .status import EXHAUSTED, INTERNAL, INVALID, Status
from .types import encode
from .workflows import LATEST, latest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .calls import Call, Object

EOF = "EOF"  # what the end of Kubernetes' watch becomes on the way through gRPC


def watch(call: Call) -> Iterator[Object | None]:
    """Events, and None whenever nothing happened for a while. Ends by Status only, as Argo's does."""
    selected = _selection(call)
    since = _version(call)
    deadline = time.monotonic() + (call.query.number("listOptions.timeoutSeconds") or float("inf"))
    if not since:
        snapshot = call.store.snapshot("workflows", call.namespace)
        since = snapshot.version
        for item in snapshot.items:
            if selected(item["metadata"]["name"], item["metadata"].get("labels") or {}):
                yield _message("ADDED", item)
        if call.query.flag("listOptions.allowWatchBookmarks"):
            yield _bookmark(since)
    while (left := deadline - time.monotonic()) > 0:
        reached = call.store.version()
        events = _events(call, since, min(left, call.patience()))
        # what happened to other objects makes this watch no older
        since = since if events else max(since, reached)
        for event in events:
            since = event.version
            if kind := _kind(event, selected):
                yield _message(kind, event.object)
        yield None
    raise Status(EXHAUSTED, EOF)


def _events(call: Call, since: int, timeout: float) -> list[Event]:
    try:
        return call.store.events("workflows", call.namespace, since, timeout)
    except TooOld as too_old:
        raise Status(INVALID, too_old.message) from None


def _selection(call: Call) -> Callable[[str, Mapping[str, str]], bool]:
    """Which workflows are watched, by name and labels. Raises Status (400, 401, 403, 404)."""
    name, namespace = watched(call.query.text("listOptions.fieldSelector"))
    if name:
        # the server looks the one up before it opens the watch
        name = latest(call)["metadata"]["name"] if name == LATEST else call.find("workflows", name)["metadata"]["name"]
    call.caller.require("watch", "workflows", call.namespace)
    try:
        matches = parse(call.query.text("listOptions.labelSelector"))
    except SelectorFault as fault:
        raise Status(INVALID, str(fault)) from None
    here = namespace in {"", call.namespace}
    return lambda found, labels: here and name in {"", found} and INSTANCE_ID not in labels and matches(labels)


def _version(call: Call) -> int:
    text = call.query.text("listOptions.resourceVersion")
    if text and not text.isdigit():
        raise Status(INTERNAL, f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text or 0)


def _kind(event: Event, selected: Callable[[str, Mapping[str, str]], bool]) -> str:
    """The event as a watch with this selection sees it; "" for nothing. An object whose labels cease to match is
    DELETED to it, one whose labels begin to is ADDED."""
    metadata = event.object["metadata"]
    now = selected(metadata["name"], metadata.get("labels") or {})
    if event.type != "MODIFIED":
        return event.type if now else ""
    before = selected(metadata["name"], event.previous_labels or {})
    return {(True, True): "MODIFIED", (False, True): "ADDED", (True, False): "DELETED"}.get((before, now), "")


def _message(kind: str, item: Object) -> Object:
    message: Object = encode("WorkflowWatchEvent", {"type": kind, "object": item})
    return message


def _bookmark(version: int) -> Object:
    metadata = {"resourceVersion": str(version), "annotations": {"k8s.io/initial-events-end": "true"}}
    return _message("BOOKMARK", {"metadata": metadata})
