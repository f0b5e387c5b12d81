"""Pods with their logs, and the conditions of the trial cluster."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .objects import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class LogLine:
    """`number` counts from 1 in its container; `time` is seconds since 1970."""

    number: int
    time: float
    content: str

    @property
    def timestamp(self) -> str:
        """RFC 3339 with nanoseconds, as the kubelet prefixes it."""
        whole = dt.datetime.fromtimestamp(int(self.time), dt.UTC)
        return f"{whole:%Y-%m-%dT%H:%M:%S}.{int(self.time % 1 * 1e9):09d}Z"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that was made for a workflow; `data` is the engine's own note about it (JSON)."""

    name: str
    workflow: str
    data: dict[str, Any]


Lines = list[LogLine]
Pods = list[Pod]


class Records(ObjectStore):
    """The whole store: objects, pods, logs and conditions."""

    def put_pod(self, ns: str, pod: str, workflow: str, data: dict[str, Any] | None = None) -> None:
        with self._writing() as db:
            db.execute(
                "INSERT INTO pod VALUES (?, ?, ?, ?) ON CONFLICT (ns, pod) DO UPDATE SET data = excluded.data",
                (ns, pod, workflow, json.dumps(data or {})),
            )

    def pods(self, ns: str, workflow: str) -> Pods:
        """Pods that exist, in the order in which they were made."""
        rows = self._rows(
            "SELECT pod, workflow, data FROM pod WHERE ns = ? AND workflow = ? ORDER BY rowid", ns, workflow
        )
        return [Pod(str(pod), str(owner), json.loads(str(data))) for pod, owner, data in rows]

    def delete_pod(self, ns: str, pod: str) -> None:
        """Remove a pod with its logs."""
        with self._writing() as db:
            for table in ("pod", "log", "log_end"):
                db.execute(f"DELETE FROM {table} WHERE ns = ? AND pod = ?", (ns, pod))  # noqa: S608

    def append_log(self, ns: str, pod: str, text: str, container: str = "main") -> None:
        """Add one or more whole lines; a newline at the end of `text` ends the last line and begins none."""
        self.append_lines(ns, pod, text.removesuffix("\n").split("\n"), container)

    def append_lines(self, ns: str, pod: str, lines: Iterable[str], container: str = "main") -> None:
        moment = self._clock()
        with self._writing() as db:
            [(last,)] = db.execute(
                "SELECT COALESCE(MAX(number), 0) FROM log WHERE ns = ? AND pod = ? AND container = ?",
                (ns, pod, container),
            ).fetchall()
            db.executemany(
                "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (ns, pod, container, number, moment, line.encode("utf-8", "replace").decode())
                    for number, line in enumerate(lines, last + 1)
                ),
            )

    def end_log(self, ns: str, pod: str, container: str = "main") -> None:
        """No line will follow: whoever follows may stop."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO log_end VALUES (?, ?, ?)", (ns, pod, container))

    def log_ended(self, ns: str, pod: str, container: str = "main") -> bool:
        return bool(self._rows("SELECT 1 FROM log_end WHERE ns = ? AND pod = ? AND container = ?", ns, pod, container))

    def read_log(self, ns: str, pod: str, container: str = "main", after: int = 0, limit: int = 10_000) -> Lines:
        """At most `limit` lines with a number above `after`; unknown pods have none."""
        rows = self._rows(
            "SELECT number, time, content FROM log WHERE ns = ? AND pod = ? AND container = ? AND number > ?"
            " ORDER BY number LIMIT ?",
            ns, pod, container, after, limit,
        )  # fmt: skip
        return [LogLine(int(str(number)), float(str(moment)), str(content)) for number, moment, content in rows]

    def wait_log(self, ns: str, pod: str, container: str = "main", after: int = 0, timeout: float = 1.0) -> Lines:
        """As `read_log`, but waits up to `timeout` seconds for a line while the log has not ended."""
        deadline = time.monotonic() + timeout
        with self._news:
            while not (lines := self.read_log(ns, pod, container, after)):
                left = deadline - time.monotonic()
                if left <= 0 or self.log_ended(ns, pod, container):
                    break
                self._news.wait(left)
        return lines

    def set_condition(self, name: str, value: Any) -> None:
        """Remember a JSON value; None forgets it."""
        with self._writing() as db:
            if value is None:
                db.execute("DELETE FROM condition WHERE name = ?", (name,))
            else:
                db.execute("INSERT OR REPLACE INTO condition VALUES (?, ?)", (name, json.dumps(value)))

    def conditions(self) -> dict[str, Any]:
        rows = self._rows("SELECT name, value FROM condition ORDER BY name")
        return {str(name): json.loads(str(value)) for name, value in rows}

    def _forget_pods(self, ns: str, workflow: str) -> None:
        for pod in self.pods(ns, workflow):
            for table in ("pod", "log", "log_end"):
                self._connection.execute(f"DELETE FROM {table} WHERE ns = ? AND pod = ?", (ns, pod.name))  # noqa: S608
