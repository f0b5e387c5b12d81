"""Argo's limit of calls per second, with its headers and its two ways of saying no."""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class RateLimit:
    """`limit` calls per second for each of two users of one bucket: the HTTP middleware and the gRPC interceptor.

    All HTTP callers reach the interceptor from loopback, and so does the caller of a trial: one bucket, each API call
    costs two. A limit of 0 only sends the headers.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._second = 0
        self._used = 0

    def take(self) -> bool:
        """False when this second's calls are spent."""
        with self._lock:
            second = int(self._clock())
            if second != self._second:
                self._second, self._used = second, 0
            self._used += 1
            return not self._limit or self._used <= self._limit

    def headers(self) -> dict[str, str]:
        with self._lock:
            left = max(0, self._limit - self._used) if self._limit else 0
            return {
                "X-Ratelimit-Limit": str(self._limit),
                "X-Ratelimit-Remaining": str(left),
                "X-Ratelimit-Reset": http_date(self._second + 1, "UTC"),
            }


def http_date(moment: float, zone: str = "GMT") -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime(f"%a, %d %b %Y %H:%M:%S {zone}")
