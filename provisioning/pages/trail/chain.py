"""Whether the newest events are whole: cheap enough for a page. `manage.py audit_verify` walks all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from provisioning.audit import GENESIS, digest
from provisioning.models import AuditEvent, AuditHead

NEWEST = 1_000
# An event that is written between the two queries makes them differ; not thrice in a row.
TRIES = 3


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
    """Two queries, as a rule. One event more than `most` is read, for its hash."""
    rows, at_head = _newest(most + 1)
    broken_at, reason = _fault(rows, whole=len(rows) <= most)
    if not reason and not at_head:
        broken_at, reason = None, "its end is not the last event that was written"
    return ChainState(min(len(rows), most), next(iter(rows), None), len(rows) <= most, broken_at, reason)


def _newest(most: int) -> tuple[list[AuditEvent], bool]:
    """Newest first, and whether the chain's head is that of the first of them."""
    rows: list[AuditEvent] = []
    for _ in range(TRIES):
        rows = list(AuditEvent.objects.order_by("-id")[:most])
        head = AuditHead.objects.filter(pk=1).values_list("hash", flat=True).first() or GENESIS
        if head == (rows[0].hash if rows else GENESIS):
            return rows, True
    return rows, False


def _fault(rows: Sequence[AuditEvent], *, whole: bool) -> tuple[int | None, str]:
    """The newest event that does not fit, and why. Unless they are `whole` the last row is only looked at for its
    hash."""
    for row, before in pairwise(rows):
        if row.hash != digest(row):
            return row.pk, "its content is not what was written"
        if row.previous_hash != before.hash:
            return row.pk, "an event before it is missing, or was put in between"
    if whole and rows and rows[-1].hash != digest(rows[-1]):
        return rows[-1].pk, "its content is not what was written"
    if whole and rows and rows[-1].previous_hash != GENESIS:
        return rows[-1].pk, "the events before it are missing"
    return None, ""
