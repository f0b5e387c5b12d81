"""Waiting for a condition, with a deadline: the suite never waits for a time alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY = 0.02


def until(condition: Callable[[], T], seconds: float = 20.0, what: str = "") -> T:
    """What `condition` returns as soon as that is true. AssertionError with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or condition}"
        pause.wait(LOOK_EVERY)
    return found
