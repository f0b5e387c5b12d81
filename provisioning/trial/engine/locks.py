"""Mutexes: one holder each, the others in line by priority, then by age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str]  # namespace, name of a workflow


@dataclass(slots=True)
class Lock:
    holder: Key | None = None
    waiting: list[tuple[int, str, int, Key]] = field(default_factory=list)  # -priority, created, arrival, who


def lock_names(namespace: str, spec: Mapping[str, Any]) -> list[str]:
    """Full names `NS/Mutex/NAME` of what a resolved spec asks for."""
    mutexes = (spec.get("synchronization") or {}).get("mutexes") or []
    return [f"{mutex.get('namespace') or namespace}/Mutex/{mutex['name']}" for mutex in mutexes]


class Locks:
    """All locks of one engine. What is held is also in the workflows, so a restart can `hold` again."""

    def __init__(self) -> None:
        self._locks: dict[str, Lock] = {}
        self._arrivals = 0

    def hold(self, name: str, who: Key) -> None:
        self._locks.setdefault(name, Lock()).holder = who

    def acquire(self, names: list[str], who: Key, workflow: Mapping[str, Any], priority: int) -> str | None:
        """Take all of `names`, or none and stand in line: then the first one that is not free is returned."""
        for name in names:
            self._stand_in_line(name, who, workflow, priority)
        for name in names:
            lock = self._locks[name]
            if lock.holder not in {None, who} or (lock.holder is None and lock.waiting[0][3] != who):
                return name
        for name in names:
            lock = self._locks[name]
            lock.holder = who
            lock.waiting = [entry for entry in lock.waiting if entry[3] != who]
        return None

    def holder(self, name: str) -> Key | None:
        lock = self._locks.get(name)
        return lock.holder if lock else None

    def release(self, who: Key) -> list[Key]:
        """Give up what `who` holds or waits for; returns those who may come next."""
        following: list[Key] = []
        for name, lock in list(self._locks.items()):
            lock.waiting = [entry for entry in lock.waiting if entry[3] != who]
            if lock.holder == who:
                lock.holder = None
            if lock.holder is None and lock.waiting:
                following.append(lock.waiting[0][3])
            if lock.holder is None and not lock.waiting:
                del self._locks[name]
        return following

    def _stand_in_line(self, name: str, who: Key, workflow: Mapping[str, Any], priority: int) -> None:
        lock = self._locks.setdefault(name, Lock())
        if lock.holder == who or any(entry[3] == who for entry in lock.waiting):
            return
        self._arrivals += 1
        lock.waiting.append((-priority, workflow["metadata"]["creationTimestamp"], self._arrivals, who))
        lock.waiting.sort()
