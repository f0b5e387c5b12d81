"""The line before a mutex."""

from __future__ import annotations

from typing import Any

from provisioning.trial.engine.locks import Locks, lock_names


def workflow(created: int) -> dict[str, Any]:
    return {"metadata": {"creationTimestamp": f"2027-01-15T08:00:{created:02d}Z"}}


A, B, C = ("argo", "a"), ("argo", "b"), ("argo", "c")


def test_names_hold_the_namespace() -> None:
    spec = {"synchronization": {"mutexes": [{"name": "x"}, {"name": "y", "namespace": "other"}]}}
    assert lock_names("argo", spec) == ["argo/Mutex/x", "other/Mutex/y"]
    assert lock_names("argo", {}) == []


def test_who_comes_when_the_lock_has_just_been_given_up_stands_behind_those_who_wait() -> None:
    locks = Locks()
    assert locks.acquire(["x"], A, workflow(0), 0) is None
    assert locks.acquire(["x"], B, workflow(1), 0) == "x"
    assert locks.release(A) == [B]
    assert locks.acquire(["x"], C, workflow(2), 0) == "x"
    assert locks.acquire(["x"], B, workflow(1), 0) is None
    assert locks.holder("x") == B


def test_the_older_and_the_more_important_come_first() -> None:
    locks = Locks()
    locks.acquire(["x"], A, workflow(0), 0)
    locks.acquire(["x"], C, workflow(9), 0)
    locks.acquire(["x"], B, workflow(5), 0)
    assert locks.release(A) == [B]
    locks.acquire(["x"], A, workflow(20), 7)
    assert locks.acquire(["x"], B, workflow(5), 0) == "x"
    assert locks.acquire(["x"], A, workflow(20), 7) is None


def test_two_locks_are_taken_together_or_not_at_all() -> None:
    locks = Locks()
    locks.acquire(["x"], A, workflow(0), 0)
    assert locks.acquire(["y", "x"], B, workflow(1), 0) == "x"
    assert locks.holder("y") is None
    assert locks.acquire(["y"], C, workflow(2), 0) == "y"
    assert set(locks.release(A)) >= {B}
    assert locks.acquire(["y", "x"], B, workflow(1), 0) is None
    assert locks.release(B) == [C]


def test_who_gives_up_waiting_leaves_the_line() -> None:
    locks = Locks()
    locks.acquire(["x"], A, workflow(0), 0)
    locks.acquire(["x"], B, workflow(1), 0)
    locks.acquire(["x"], C, workflow(2), 0)
    assert locks.release(B) == []
    assert locks.release(A) == [C]
