"""At which time which workflow is to be looked at: one time for each, the earliest asked for."""

from __future__ import annotations

import heapq

Key = tuple[str, str]


class Agenda:
    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._at: dict[Key, float] = {}
        self._count = 0

    def add(self, key: Key, moment: float) -> None:
        """A later time than the one that stands is dropped: that look will ask again."""
        if self._at.get(key, float("inf")) > moment:
            self._at[key] = moment
            self._count += 1
            heapq.heappush(self._heap, (moment, self._count, key))

    def remove(self, key: Key) -> None:
        self._at.pop(key, None)

    def next(self) -> float | None:
        """The earliest time; None when nothing is to be done."""
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> Key | None:
        """Whose time has come, if anybody's."""
        moment = self.next()
        if moment is None or moment > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._at[key]
        return key
