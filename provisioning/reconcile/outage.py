"""Argo or the database away: how long the loop waits before its next pass."""

from __future__ import annotations

import time
from collections.abc import Callable

from provisioning.reconcile.backoff import LONGEST_FOR_THE_SERVER, seconds


class Outage:
    """1, 2, 4 … 30 seconds after each pass that failed; over with the first that does not."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        return self._failures > 0

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._until - self._clock())

    def failed(self, at_least: float | None = None) -> None:
        """`at_least`: what the server itself asked for."""
        self._until = self._clock() + max(seconds(self._failures, LONGEST_FOR_THE_SERVER), at_least or 0.0)
        self._failures += 1

    def over(self) -> None:
        self._failures, self._until = 0, 0.0


class Every:
    """Due at once, then each `seconds`, by the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None

    def is_due(self, seconds_between: float) -> bool:
        return self._last is None or self._clock() - self._last >= seconds_between

    def done(self) -> None:
        self._last = self._clock()

    def now(self) -> None:
        """Let it be due."""
        self._last = None
