"""Writes and verifies the append-only trail.

Each event's hash is sha256 over the hash before it and the event's own canonical JSON, so a row that was changed, left
out or put in by hand breaks the chain from there on. One row (AuditHead) holds the last hash; locking it makes writers
queue up, which is also what keeps ids and chain in the same order.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from provisioning.models import AuditEvent, AuditHead, Request, User

GENESIS = "0" * 64
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Machine:
    """An actor that is no person: a policy rule, the worker, a management command."""

    name: str
    role: str


WORKER = Machine("worker", "worker")
Actor = User | Machine


def role_of(user: User, request: Request | None = None) -> str:
    """In which part somebody acts; about a request, what they are to its team."""
    if user.is_platform_admin:
        return "platform admin"
    if user.is_auditor:
        return "auditor"
    if request is not None:
        membership = user.memberships.filter(team=request.team_id).first()
        return f"team {membership.role}" if membership else "requester"
    return "user"


def record(
    action: str,
    *,
    by: Actor,
    request: Request | None = None,
    subject: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    note: str = "",
) -> AuditEvent:
    """Append one event. Call it in the transaction of the change it tells of; raises outside of one."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an event belongs into the transaction of its change")
    head = _locked_head()
    event = AuditEvent(
        at=timezone.now(),
        action=action,
        actor=by if isinstance(by, User) else None,
        actor_name=by.username if isinstance(by, User) else by.name,
        actor_role=role_of(by, request) if isinstance(by, User) else by.role,
        request=request,
        subject=subject or (request.name if request else ""),
        before=before or {},
        after=after or {},
        note=note,
        previous_hash=head.hash,
    )
    event.hash = head.hash = digest(event)
    event.save(force_insert=True)
    head.save(update_fields=["hash"])
    return event


def _locked_head() -> AuditHead:
    head, _ = AuditHead.objects.select_for_update().get_or_create(pk=1)
    return head


def digest(event: AuditEvent) -> str:
    """The hash that this event must carry, from its own columns and `previous_hash`."""
    content = {
        "at": event.at.isoformat(timespec="microseconds"),
        "action": event.action,
        "actor": event.actor_id,
        "actor_name": event.actor_name,
        "actor_role": event.actor_role,
        "request": str(event.request_id or ""),
        "subject": event.subject,
        "before": event.before,
        "after": event.after,
        "note": event.note,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{event.previous_hash}{text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verification:
    """`count` events were read; `broken_at` is the id of the first that does not fit, None when all do."""

    count: int
    broken_at: int | None
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.broken_at is None and not self.reason


def verify() -> Verification:
    """Walk the whole chain in batches. Reads only; memory stays flat."""
    previous, count = GENESIS, 0
    for event in AuditEvent.objects.order_by("id").iterator(chunk_size=BATCH):
        if event.previous_hash != previous:
            return Verification(count, event.pk, "an event before it is missing, or was put in between")
        if event.hash != digest(event):
            return Verification(count, event.pk, "its content is not what was written")
        previous, count = event.hash, count + 1
    head = AuditHead.objects.filter(pk=1).first()
    if (head.hash if head else GENESIS) != previous:
        return Verification(count, None, "events are missing at the end")
    return Verification(count, None)
