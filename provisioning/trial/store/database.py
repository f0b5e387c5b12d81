"""One SQLite connection, one lock, and a condition that wakes whoever waits for news."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL,
    oldest INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS object (kind TEXT, ns TEXT, name TEXT, version INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (kind, ns, name));
CREATE TABLE IF NOT EXISTS event (version INTEGER PRIMARY KEY, kind TEXT NOT NULL, ns TEXT NOT NULL,
    type TEXT NOT NULL, body BLOB NOT NULL, labels TEXT);
CREATE TABLE IF NOT EXISTS pod (ns TEXT, pod TEXT, workflow TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (ns, pod));
CREATE INDEX IF NOT EXISTS pod_workflow ON pod (ns, workflow);
CREATE TABLE IF NOT EXISTS log (ns TEXT, pod TEXT, container TEXT, number INTEGER, time REAL NOT NULL,
    content TEXT NOT NULL, PRIMARY KEY (ns, pod, container, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_end (ns TEXT, pod TEXT, container TEXT, PRIMARY KEY (ns, pod, container));
CREATE TABLE IF NOT EXISTS condition (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
# A cluster that has lived a little: a client that asks for version 1 finds it gone.
FIRST_VERSION = 1000


class Database:
    """Opens (and creates) the file. `clock` gives seconds since 1970, for creationTimestamp and log times."""

    def __init__(self, path: str | Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._connection = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        # The kernel keeps what a killed process wrote; only a power cut could cost the trial its last second.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA journal_mode = TRUNCATE")
        self._connection.executescript(SCHEMA)
        self._connection.execute("INSERT OR IGNORE INTO counter VALUES (1, ?, ?)", (FIRST_VERSION, FIRST_VERSION))

    def close(self) -> None:
        """Wake all waiters and close the file; later calls raise `sqlite3.ProgrammingError`."""
        with self._news:
            self._connection.close()
            self._news.notify_all()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction under the lock; waiters are woken when it has been committed."""
        with self._news:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            self._news.notify_all()

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def now(self) -> str:
        """The clock's time as Kubernetes writes it: UTC, whole seconds, `Z`."""
        moment = dt.datetime.fromtimestamp(self._clock(), dt.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
