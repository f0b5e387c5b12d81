"""How many calls one caller may make. A client gone wild is slowed down; nobody who works is meant to notice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

CALLS_PER_MINUTE = 1200
# So many calls may come at once after a quiet time.
BURST = 1200
MOST_CALLERS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Throttle:
    """A bucket of calls per caller, which fills up again steadily.

    Each web process counts for itself: a count that all share would cost a write to the database per call, and the
    purpose, keeping one caller from starving the others, does not need one. Safe to use from several threads.
    """

    def __init__(self, per_minute: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_minute / 60
        self.burst = burst
        self.clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, caller: str) -> float:
        """Count one call. 0.0 when it may go on, else the seconds after which the next one may."""
        now = self.clock()
        with self._lock:
            bucket = self._bucket(caller, now)
            bucket.left = min(self.burst, bucket.left + (now - bucket.at) * self.per_second)
            bucket.at = now
            if bucket.left < 1:
                return (1 - bucket.left) / self.per_second
            bucket.left -= 1
            return 0.0

    def forget(self) -> None:
        """Begin anew for everybody."""
        with self._lock:
            self._buckets.clear()

    def _bucket(self, caller: str, now: float) -> _Bucket:
        found = self._buckets.get(caller)
        if found is None:
            if len(self._buckets) >= MOST_CALLERS:
                self._drop_full(now)
            found = self._buckets[caller] = _Bucket(self.burst, now)
        return found

    def _drop_full(self, now: float) -> None:
        """A bucket that is full by now tells nothing. If all are in use, the fullest memory has to go."""
        refill = self.burst / self.per_second
        kept = {who: bucket for who, bucket in self._buckets.items() if now - bucket.at < refill}
        self._buckets = kept if len(kept) < MOST_CALLERS else {}


THROTTLE = Throttle(CALLS_PER_MINUTE, BURST)
