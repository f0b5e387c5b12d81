"""Where the watch leaves what it saw until the loop has time: the latest of each workflow, and not too many."""

from __future__ import annotations

import threading
from collections.abc import Callable

from provisioning.argo import WatchEvent

ROOM = 500
_LOOK_SECONDS = 0.5


class Mailbox:
    """`put` waits while there is no room, so that a busy loop slows the stream down instead of filling memory."""

    def __init__(self, wake: Callable[[], None] = lambda: None, room: int = ROOM) -> None:
        self._wake = wake
        self._room = room
        self._events: dict[str, WatchEvent] = {}
        self._changed = threading.Condition()

    def put(self, name: str, event: WatchEvent, stop: threading.Event) -> None:
        with self._changed:
            while len(self._events) >= self._room and name not in self._events and not stop.is_set():
                self._changed.wait(_LOOK_SECONDS)
            self._events[name] = event
        self._wake()

    def take(self) -> dict[str, WatchEvent]:
        """All there is, by workflow; oldest first."""
        with self._changed:
            events, self._events = self._events, {}
            self._changed.notify_all()
        return events
