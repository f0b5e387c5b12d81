"""Whether the newest events are whole: cheap enough for a page. `manage.py audit_verify` walks all of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from provisioning.audit import GENESIS, digest
from provisioning.models import AuditEvent, AuditHead

NEWEST = 1_000


@dataclass(frozen=True, slots=True)
class ChainState:
    """`count` events, from `newest` back, were compared with their hashes and with each other.

    `whole`: that was all of them. `broken_at` is the id of an event that does not fit; `reason` says why, "" when all
    is well.
    """

    count: int
    newest: AuditEvent | None
    whole: bool
    broken_at: int | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        return not self.reason


def check_newest(most: int = NEWEST) -> ChainState:
    """Two queries. The head is read first: events that are written in between are newer than it."""
    head = AuditHead.objects.filter(pk=1).values_list("hash", flat=True).first() or GENESIS
    rows = list(AuditEvent.objects.order_by("-id")[: most + 1])
    whole, newest, checked = len(rows) <= most, next(iter(rows), None), rows[:most]
    if head != GENESIS and head not in {row.hash for row in checked}:
        return ChainState(len(checked), newest, whole, reason="events are missing at the end")
    if head == GENESIS and rows:
        return ChainState(len(checked), newest, whole, reason="the chain's head is missing")
    for row in checked:
        if row.hash != digest(row):
            return ChainState(len(checked), newest, whole, row.pk, "its content is not what was written")
    for row, before in pairwise(rows):
        if row.previous_hash != before.hash:
            return ChainState(
                len(checked), newest, whole, row.pk, "an event before it is missing, or was put in between"
            )
    if whole and rows and rows[-1].previous_hash != GENESIS:
        return ChainState(len(checked), newest, whole, rows[-1].pk, "events before it are missing")
    return ChainState(len(checked), newest, whole)
