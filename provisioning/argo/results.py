"""What the client's calls give, and the checks that an answer is what was asked for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from provisioning.argo.errors import BadAnswer, ResourceVersionTooOld
from provisioning.argo.logs import LogLine, line_of

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """What `/api/v1/version` told. It proves that the server can be reached, never that the token is good."""

    version: str
    supported: bool
    safe: bool
    trial: bool
    advice: str


@dataclass(frozen=True, slots=True)
class ListResult:
    """`resource_version` is the first page's: a watch from there sees whatever changed while listing."""

    items: tuple[Json, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`type` is ADDED, MODIFIED, DELETED, or BOOKMARK, whose object holds nothing but a resource version."""

    type: str
    object: Json

    @property
    def resource_version(self) -> str:
        return str(self.object.get("metadata", {}).get("resourceVersion", ""))


def segment(name: str) -> str:
    """`name` as a part of a path. The server decodes a `%2F` before it finds the route, so no slash may come in."""
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is not the name of a Kubernetes object.")
    return quote(name, safe="")


def number(value: int | None) -> str:
    return "" if value is None else str(value)


def named(answer: Json, name: str) -> Json:
    """`answer` if it is the object of that name: a POST that became a GET on the way answers with a list."""
    metadata = answer.get("metadata")
    if not isinstance(metadata, dict) or "items" in answer:
        raise BadAnswer("The answer is JSON, but not the object that was asked for.")
    if name and metadata.get("name", name) != name:
        raise BadAnswer(f"The answer is about {metadata['name']}, not {name}.")
    return answer


def items_of(page: Json) -> tuple[Json, ...]:
    items = page.get("items")
    if not isinstance(page.get("metadata"), dict) or not isinstance(items, list | None):
        raise BadAnswer("The answer is JSON, but not a list of objects.")
    return tuple(item for item in items or [] if isinstance(item, dict))


def identity(item: Json) -> str:
    metadata = item.get("metadata") or {}
    # not the name: two archived workflows may share one
    return str(metadata.get("uid") or "")


def event_of(result: Json) -> WatchEvent:
    thing = result.get("object")
    if result.get("type") == "ERROR":
        # Kubernetes' own way to say that the version is gone; Argo turns it into an error line
        raise ResourceVersionTooOld("The watch cannot go on from there.")
    return WatchEvent(str(result.get("type", "")), thing if isinstance(thing, dict) else {})


def log_lines(
    results: Generator[Json | None, None, None], *, timestamps: bool, heard: Callable[[], None] | None
) -> Iterator[LogLine]:
    with contextlib.closing(results):
        for result in results:
            if heard:
                heard()
            if result is not None:
                yield line_of(result, timestamps=timestamps)


def namespace_name(text: str) -> str:
    """`text` if it can be a namespace; raises ValueError."""
    if not _NAMESPACE.match(text):
        raise ValueError(f"{text!r} is not the name of a namespace.")
    return text
