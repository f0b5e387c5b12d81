"""A few threads that copy logs, so that a long log keeps nothing else waiting."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog
from django.db import close_old_connections, connections

from provisioning.argo import ArgoError
from provisioning.reconcile import logs
from provisioning.reconcile.backoff import seconds
from provisioning.reconcile.context import Context
from provisioning.reconcile.guard import attempt

log = structlog.get_logger(__name__)

# A growing log is read once a second; one that takes long to read, less often.
LOOK_EVERY = 1.0
LOOK_COSTS = 5.0
LONGEST_PAUSE = 60.0
ROOM = 1_000


@dataclass(slots=True)
class _Pause:
    """When a log may be read again, by the monotonic clock, and how often in a row it was not whole."""

    until: float = 0.0
    tries: int = 0


class Copier:
    """`offer` never waits. With `threads` 0 it copies at once, in the caller's thread: for one pass, and for tests."""

    def __init__(
        self,
        threads: int,
        *,
        cap_bytes: int,
        wake: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cap = cap_bytes
        self._wake = wake
        self._clock = clock
        self._queue: queue.PriorityQueue[tuple[int, int, int, bool]] = queue.PriorityQueue(ROOM)
        self._order = iter(range(2**63))
        self._taken: set[int] = set()
        # Ended while a look at them was under way: that look may have missed the end.
        self._again: set[int] = set()
        self._pauses: dict[int, _Pause] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._size = threads
        self._threads: list[threading.Thread] = []
        self._context: Context | None = None

    def start(self, context: Context) -> None:
        """Begin to work. Before this, what is offered is left for later."""
        self._context = context
        for number in range(self._size):
            thread = threading.Thread(target=self._work, name=f"copier-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Stop between two lines. A thread that waits for Argo is left behind: it can store nothing any more."""
        self._stop.set()
        deadline = self._clock() + timeout
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - self._clock()))

    def offer(self, log_id: int, *, urgent: bool = False, look: bool = False) -> None:
        """Copy this log when its turn comes, unless it is waited with or already taken. `look`: it still grows."""
        with self._lock:
            if log_id in self._taken:
                if not look:
                    self._again.add(log_id)
                return
            # The pause between two looks does not hold for a log that has ended: its reader waits for the rest.
            pause = self._pauses.get(log_id)
            waits = pause is not None and pause.until > self._clock() and (look or pause.tries > 0)
            if waits or self._queue.full():
                return
            self._taken.add(log_id)
        if self._size == 0:
            self._copy(log_id, look=look)
        else:
            self._queue.put_nowait((0 if urgent else 1, next(self._order), log_id, look))

    @property
    def is_idle(self) -> bool:
        with self._lock:
            return not self._taken

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                _, _, log_id, look = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            close_old_connections()
            attempt(partial(self._copy, log_id, look=look), doing="copy a log", log=log_id)
            close_old_connections()
        connections.close_all()

    def _copy(self, log_id: int, *, look: bool) -> None:
        began = self._clock()
        whole: bool | None = None
        try:
            if self._context is not None:
                whole = logs.copy(self._context, log_id, cap_bytes=self._cap, stop=self._stop, look=look)
        except ArgoError as error:
            log.warning("log not read", log=log_id, cause=error.cause)
            if error.whole_server:
                self._drop_waiting()
        finally:
            if self._put_back(log_id, whole=whole, took=self._clock() - began, look=look):
                self.offer(log_id)
            self._wake()

    def _drop_waiting(self) -> None:
        """Argo is away: what waits would wait for a timeout each. It is offered again when Argo is back."""
        with self._lock, contextlib.suppress(queue.Empty):
            while True:
                self._taken.discard(self._queue.get_nowait()[2])

    def _put_back(self, log_id: int, *, whole: bool | None, took: float, look: bool) -> bool:
        """`whole` is None when it could not be read. Whether it has to be read again at once."""
        with self._lock:
            again = log_id in self._again and not whole
            self._again.discard(log_id)
            self._taken.discard(log_id)
            pause = self._pauses.pop(log_id, _Pause())
            if whole:
                return False
            pause.tries = 0 if look and whole is not None else pause.tries + 1
            wait = LOOK_EVERY if pause.tries == 0 else seconds(pause.tries - 1, LONGEST_PAUSE)
            pause.until = self._clock() + max(wait - took, took * LOOK_COSTS)
            self._pauses[log_id] = pause
            return again and pause.tries == 0
