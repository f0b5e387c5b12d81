"""The end of a lease, in steps: reminders before it, then telling platform admins, then a delete request. Pure.

Nothing is deleted by a step: the last one opens a request that a person decides on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from provisioning.catalog import Lease

StepKind = Literal["remind", "escalate", "delete-request"]


@dataclass(frozen=True, slots=True)
class LeaseStep:
    """`days` before the end for a reminder, past it for the others; `at` is when it falls due."""

    kind: StepKind
    days: int
    at: datetime

    @property
    def key(self) -> str:
        """`remind-7`, `escalate`, `delete-request`: by which it is recorded as done."""
        return f"remind-{self.days}" if self.kind == "remind" else self.kind


def steps(lease_ends_at: datetime, settings: Lease, *, at_once: bool = False) -> list[LeaseStep]:
    """All steps of this end, the earliest first. `at_once`: the delete request is opened at the end itself, as
    the feature auto-expiry asks."""
    reminders = [_step("remind", days, lease_ends_at, -days) for days in settings.reminders]
    past = [
        _step("escalate", settings.escalate_after, lease_ends_at, settings.escalate_after),
        _step("delete-request", settings.delete_request_after, lease_ends_at, settings.delete_request_after),
    ]
    if at_once:
        past = [_step("delete-request", 0, lease_ends_at, 0)]
    return sorted([*reminders, *past], key=lambda step: step.at)


def due_steps(
    lease_ends_at: datetime, now: datetime, done: Collection[str], settings: Lease, *, at_once: bool = False
) -> list[LeaseStep]:
    """What has to happen now, the earliest first. Of several reminders that are due only the last is left: a lease
    shorter than the first reminder, or a worker that was away, makes no heap of them. A step whose successor is done
    is not made up for."""
    all_steps = steps(lease_ends_at, settings, at_once=at_once)
    taken = max((number for number, step in enumerate(all_steps) if step.key in done), default=-1)
    due = [step for number, step in enumerate(all_steps) if number > taken and step.at <= now]
    last_reminder = max((number for number, step in enumerate(due) if step.kind == "remind"), default=-1)
    return [step for number, step in enumerate(due) if step.kind != "remind" or number == last_reminder]


def next_step(lease_ends_at: datetime, now: datetime, settings: Lease, *, at_once: bool = False) -> LeaseStep | None:
    """The one that comes after `now`: what pages announce."""
    return next((step for step in steps(lease_ends_at, settings, at_once=at_once) if step.at > now), None)


def _step(kind: StepKind, days: int, end: datetime, offset: int) -> LeaseStep:
    return LeaseStep(kind, days, end + timedelta(days=offset))
