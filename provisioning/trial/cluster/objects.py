"""Where the cluster keeps its objects: one SQLite file, one writer at a time, one rising resourceVersion."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioning.trial.cluster.kinds import BY_KIND, Kind

Object = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS due (
    work TEXT NOT NULL, namespace TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (work, namespace)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
FIRST_VERSION = 1000


class Objects:
    """Reads and writes inside `transaction()` only; the lock makes a request one step for every other."""

    def __init__(self, path: str | Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is kept together, or not at all when an error leaves it. Does not nest."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        row = self._connection.execute(
            "SELECT body FROM objects WHERE kind = ? AND namespace = ? AND name = ?", (kind.kind, namespace, name)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def every(self, kind: Kind, namespace: str | None = None) -> list[Object]:
        """All objects of a kind, of one namespace or of all, by namespace and name."""
        where, values = ("", []) if namespace is None else (" AND namespace = ?", [namespace])
        rows = self._connection.execute(
            f"SELECT body FROM objects WHERE kind = ?{where} ORDER BY namespace, name",  # noqa: S608 - constants
            (kind.kind, *values),
        )
        return [json.loads(body) for (body,) in rows]

    def contents(self, namespace: str) -> list[tuple[Kind, Object]]:
        """Everything inside a namespace, by kind and name."""
        rows = self._connection.execute(
            "SELECT kind, body FROM objects WHERE namespace = ? AND kind != 'Namespace' ORDER BY kind, name",
            (namespace,),
        )
        return [(BY_KIND[kind], json.loads(body)) for kind, body in rows]

    def put(self, kind: Kind, obj: Object) -> Object:
        """Stores `obj` with a new resourceVersion, which is also set in it."""
        obj["metadata"]["resourceVersion"] = str(self._next_version())
        metadata = obj["metadata"]
        self._connection.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
            (kind.kind, metadata.get("namespace", ""), metadata["name"], json.dumps(obj)),
        )
        return obj

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        self._next_version()
        self._connection.execute(
            "DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?", (kind.kind, namespace, name)
        )

    def _next_version(self) -> int:
        version = int(self.setting("resourceVersion") or FIRST_VERSION) + 1
        self.set_setting("resourceVersion", str(version))
        return version

    def setting(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def settings(self, prefix: str) -> dict[str, str]:
        """All settings whose name starts with `prefix`, by name."""
        rows = self._connection.execute("SELECT name, value FROM settings ORDER BY name")
        return {name: value for name, value in rows if name.startswith(prefix)}

    def set_setting(self, name: str, value: str | None) -> None:
        """None removes it."""
        if value is None:
            self._connection.execute("DELETE FROM settings WHERE name = ?", (name,))
        else:
            self._connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def schedule(self, work: str, namespace: str, at: float) -> None:
        """Notes that a controller has `work` to do in `namespace`, not before `at` (Unix time)."""
        self._connection.execute("INSERT OR REPLACE INTO due VALUES (?, ?, ?)", (work, namespace, at))

    def due(self, now: float) -> Iterator[tuple[str, str]]:
        """Takes the work that is due, earliest first."""
        while True:
            row = self._connection.execute(
                "SELECT work, namespace FROM due WHERE at <= ? ORDER BY at, work, namespace LIMIT 1", (now,)
            ).fetchone()
            if row is None:
                return
            self._connection.execute("DELETE FROM due WHERE work = ? AND namespace = ?", row)
            yield row
