"""Workflows and workflow templates with the API server's book-keeping: versions, uids, watches."""

from __future__ import annotations

import copy
import json
import secrets
import time
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Object = dict[str, Any]
Objects = list[Object]
HISTORY = 2000  # events kept for watches that begin in the past
SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # apimachinery's, for generateName


class StoreError(Exception):
    """What the API server would answer; `message` is its text."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(StoreError):
    pass


class AlreadyExists(StoreError):
    pass


class TooOld(StoreError):
    """The asked version is no longer in the history: `too old resource version: 1 (7383)`."""


@dataclass(frozen=True, slots=True)
class Event:
    """`type` is ADDED, MODIFIED or DELETED; `previous_labels` those before a MODIFIED, so that a watch with a
    label selector can tell that an object has left it."""

    type: str
    object: Object
    version: int
    previous_labels: dict[str, str] | None = None


Events = list[Event]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A list as it stood at one resource version."""

    items: Objects
    version: int


class ObjectStore(Database):
    """`kind` is the plural as in Argo's paths: "workflows" or "workflowtemplates"; `ns` "" means all."""

    def version(self) -> int:
        """The newest resource version given to anything."""
        return int(str(self._rows("SELECT version FROM counter")[0][0]))

    def create(self, kind: str, obj: Object) -> Object:
        """Store a new object under metadata.name (or a name made from generateName). Raises AlreadyExists."""
        obj = copy.deepcopy(obj)
        meta = obj.setdefault("metadata", {})
        if not meta.get("name"):
            suffix = "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(5))
            meta["name"] = meta.get("generateName", "") + suffix
        ns, name = meta.setdefault("namespace", "default"), meta["name"]
        with self._writing():
            if self._body(kind, ns, name) is not None:
                raise AlreadyExists(f'{kind}.argoproj.io "{name}" already exists')
            meta |= {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": self.now()}
            self._put(kind, obj, "ADDED", None)
        return obj

    def get(self, kind: str, ns: str, name: str) -> Object:
        """A copy of the object. Raises NotFound."""
        body = self._body(kind, ns, name)
        if body is None:
            raise NotFound(f'{kind}.argoproj.io "{name}" not found')
        return _load(body)

    def list(self, kind: str, ns: str = "") -> Objects:
        return self.snapshot(kind, ns).items

    def snapshot(self, kind: str, ns: str = "") -> Snapshot:
        """All objects of a kind, by namespace and name, with the version at which this was so."""
        with self._lock:
            rows = self._rows(
                "SELECT body FROM object WHERE kind = ? AND (ns = ? OR ? = '') ORDER BY ns, name",
                kind,
                ns,
                ns,
            )
            version = self.version()
        return Snapshot([_load(str(body)) for (body,) in rows], version)

    def update(self, kind: str, ns: str, name: str, mutate: Callable[[Object], Object | None]) -> Object:
        """Store what `mutate` makes of a copy, atomically; None or no difference changes nothing.

        Like the API server it keeps uid, name and creationTimestamp, and counts `generation` up when anything
        but metadata differs (Argo's kinds have no status subresource). Raises NotFound.
        """
        with self._writing():
            old = self.get(kind, ns, name)
            new = mutate(copy.deepcopy(old))
            if new is None or new == old:
                return old
            new = {**new, "metadata": {**new.get("metadata", {}), **_fixed(old)}}
            if _without_metadata(new) != _without_metadata(old):
                new["metadata"]["generation"] = old["metadata"]["generation"] + 1
            self._put(kind, new, "MODIFIED", old["metadata"].get("labels") or {})
        return copy.deepcopy(new)

    def delete(self, kind: str, ns: str, name: str) -> Object:
        """Remove the object, and with a workflow its pods and their logs. Raises NotFound."""
        with self._writing() as db:
            obj = self.get(kind, ns, name)
            db.execute("DELETE FROM object WHERE kind = ? AND ns = ? AND name = ?", (kind, ns, name))
            self._record(kind, obj, "DELETED", None)
            if kind == "workflows":
                self._forget_pods(ns, name)
        return obj

    def events(self, kind: str, ns: str, since: int, timeout: float) -> Events:
        """What happened after version `since`; waits up to `timeout` seconds for at least one event.

        An empty list ends the wait. A version from the future waits, as in Kubernetes. Raises TooOld.
        """
        deadline = time.monotonic() + timeout
        with self._news:
            while not (found := self._events_after(kind, ns, since)):
                left = deadline - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    break
        return found

    def watch(self, kind: str, ns: str = "", since: int | None = None, timeout: float | None = None) -> Iterator[Event]:
        """Events one by one until `timeout` seconds have passed (None: for ever).

        Without a version, or with 0, everything that exists comes first, as ADDED. Raises TooOld.
        """
        deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))
        if not since:
            snapshot = self.snapshot(kind, ns)
            since = snapshot.version
            for item in snapshot.items:
                yield Event("ADDED", item, int(item["metadata"]["resourceVersion"]))
        while (left := deadline - time.monotonic()) > 0:
            for event in self.events(kind, ns, since, min(left, 60.0)):
                since = event.version
                yield event

    def _events_after(self, kind: str, ns: str, since: int) -> Events:
        (current, oldest) = self._rows("SELECT version, oldest FROM counter")[0]
        if since < int(str(oldest)):
            raise TooOld(f"too old resource version: {since} ({oldest})")
        if since >= int(str(current)):
            return []
        rows = self._connection.execute(
            "SELECT type, body, version, labels FROM event"
            " WHERE version > ? AND kind = ? AND (ns = ? OR ? = '') ORDER BY version LIMIT 200",
            (since, kind, ns, ns),
        )
        return [
            Event(type_, _load(zlib.decompress(body).decode()), version, json.loads(labels) if labels else None)
            for type_, body, version, labels in rows
        ]

    def _body(self, kind: str, ns: str, name: str) -> str | None:
        rows = self._rows("SELECT body FROM object WHERE kind = ? AND ns = ? AND name = ?", kind, ns, name)
        return str(rows[0][0]) if rows else None

    def _put(self, kind: str, obj: Object, type_: str, labels: dict[str, str] | None) -> None:
        body, version = self._record(kind, obj, type_, labels)
        meta = obj["metadata"]
        self._connection.execute(
            "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?)",
            (kind, meta["namespace"], meta["name"], version, body),
        )

    def _record(self, kind: str, obj: Object, type_: str, labels: dict[str, str] | None) -> tuple[str, int]:
        """Give `obj` the next version and write the event down; returns its text and the version."""
        version = self.version() + 1
        obj["metadata"]["resourceVersion"] = str(version)
        body = json.dumps(obj, ensure_ascii=False, separators=(",", ":"))
        self._connection.execute(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
            (
                version, kind, obj["metadata"]["namespace"], type_,
                zlib.compress(body.encode("utf-8", "surrogatepass"), 1),
                None if labels is None else json.dumps(labels),
            ),
        )  # fmt: skip
        self._connection.execute(
            "UPDATE counter SET version = ?, oldest = MAX(oldest, ?)", (version, version - HISTORY)
        )
        self._connection.execute("DELETE FROM event WHERE version <= ?", (version - HISTORY,))
        return body, version

    def _forget_pods(self, ns: str, workflow: str) -> None:
        raise NotImplementedError


def _load(body: str) -> Object:
    loaded: Object = json.loads(body)
    return loaded


def _fixed(obj: Object) -> Object:
    kept = ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion")
    return {key: obj["metadata"][key] for key in kept}


def _without_metadata(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key != "metadata"}
