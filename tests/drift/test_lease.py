from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.catalog import Lease
from provisioning.lease import due_steps, next_step, steps

END = datetime(2026, 12, 31, 12, tzinfo=UTC)
SETTINGS = Lease(90, 365, (30, 90), (30, 7, 1), escalate_after=7, delete_request_after=14)


def due(days: float, done: tuple[str, ...] = (), *, at_once: bool = False) -> list[str]:
    """`days` before the end (negative: past it)."""
    now = END - timedelta(days=days)
    return [step.key for step in due_steps(END, now, done, SETTINGS, at_once=at_once)]


def test_each_step_falls_due_at_its_time() -> None:
    assert [(step.key, (step.at - END).days) for step in steps(END, SETTINGS)] == [
        ("remind-30", -30), ("remind-7", -7), ("remind-1", -1), ("escalate", 7), ("delete-request", 14),
    ]  # fmt: skip
    assert due(31) == []
    assert due(30) == ["remind-30"]
    assert due(29, ("remind-30",)) == []
    assert due(7, ("remind-30",)) == ["remind-7"]
    assert due(0.5, ("remind-30", "remind-7")) == ["remind-1"]
    assert due(-1, ("remind-30", "remind-7", "remind-1")) == []
    assert due(-7, ("remind-1",)) == ["escalate"]
    assert due(-14, ("remind-1", "escalate")) == ["delete-request"]
    assert due(-400, ("delete-request",)) == []


def test_a_short_lease_or_a_worker_that_was_away_makes_no_heap_of_reminders() -> None:
    assert due(3) == ["remind-7"]
    assert due(0) == ["remind-1"]
    assert due(-20) == ["remind-1", "escalate", "delete-request"]
    assert due(5, ("remind-7",)) == []


def test_with_auto_expiry_the_delete_request_comes_at_the_end_itself() -> None:
    assert due(0.1, ("remind-1",), at_once=True) == []
    assert due(0, ("remind-1",), at_once=True) == ["delete-request"]
    assert [step.key for step in steps(END, SETTINGS, at_once=True)][-1] == "delete-request"


def test_what_comes_next_is_known() -> None:
    following = next_step(END, END, SETTINGS)
    assert following is not None
    assert (following.key, following.at) == ("escalate", END + timedelta(days=7))
    assert next_step(END, END + timedelta(days=15), SETTINGS) is None


@settings(max_examples=200, deadline=None, database=None)
@given(st.lists(st.floats(-40, 40), min_size=1, max_size=30))
def test_whenever_somebody_looks_each_step_is_taken_once_at_most(moments: list[float]) -> None:
    taken: list[str] = []
    for days in sorted(moments, reverse=True):
        taken += due(days, tuple(taken))
    assert len(taken) == len(set(taken))
    order = [step.key for step in steps(END, SETTINGS)]
    assert [order.index(key) for key in taken] == sorted(order.index(key) for key in taken)
    if min(moments) <= -14:
        assert taken[-1] == "delete-request"
