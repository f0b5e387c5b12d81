"""A request's events as sentences, newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from provisioning.models import AuditEvent, Request

SHOWN = 100
# Sentence, tone and icon of each action.
WORDS = {
    "request.opened": ("Requested", "mute", "plus"),
    "request.resubmitted": ("Changed and sent again", "mute", "pencil"),
    "request.approved": ("Approved", "accent", "check"),
    "request.approved-first": ("Approved; one more approver is needed", "accent", "check"),
    "request.changes-requested": ("Changes requested", "ask", "pencil"),
    "request.denied": ("Denied", "bad", "no-symbol"),
    "request.cancelled": ("Cancelled", "mute", "minus-circle"),
    "request.cancel-asked": ("Asked to cancel the run", "warn", "stop"),
    "request.retried": ("Retried", "info", "retry"),
    "request.given-up": ("Given up", "mute", "minus-circle"),
    "request.expired": ("Expired: nobody decided in time", "mute", "hourglass"),
    "run.submitted": ("Submitted to Argo", "info", "play"),
    "run.succeeded": ("Run succeeded", "ok", "check-circle"),
    "run.failed": ("Run failed", "bad", "x-circle"),
    "run.cancelled": ("Run stopped", "mute", "stop"),
    "namespace.checked": ("Looked at in the cluster", "info", "search"),
    "namespace.renewed": ("Lease renewed", "ok", "calendar"),
    "namespace.protected": ("Protected against deletion", "mute", "lock"),
    "namespace.unprotected": ("Protection taken away", "warn", "lock-open"),
    "lease.remind": ("Reminded that the lease ends", "warn", "mail"),
    "lease.escalate": ("Platform admins told that the lease is over", "warn", "mail"),
    "lease.delete-request": ("Deletion asked for, as the lease is over", "warn", "hourglass"),
    "cluster.listed": ("Cluster listed", "info", "list"),
    "team.allowance-set": ("What the team may hold was set", "mute", "policy"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """As the component `events` takes it."""

    text: str
    at: dt.datetime
    tone: str
    icon: str
    who: str
    comment: str


def of_request(request: Request) -> list[Told]:
    """The newest events. One query."""
    rows = AuditEvent.objects.filter(request=request).select_related("actor").order_by("-id")[:SHOWN]
    return [told(row) for row in rows]


def told(row: AuditEvent) -> Told:
    text, tone, icon = WORDS.get(row.action, (row.action, "mute", "bolt"))
    return Told(f"{text}{_detail(row)}", row.at, tone, icon, _who(row), row.note)


def _who(row: AuditEvent) -> str:
    if row.actor is not None:
        return f"{row.actor.display_name}, {row.actor_role}"
    return f"rule “{row.actor_name}”" if row.actor_role == "policy" else row.actor_name


def _detail(row: AuditEvent) -> str:
    after = row.after
    if row.action == "run.submitted":
        found = " (found there from an earlier try)" if after.get("adopted") else ""
        return f" as {after.get('workflow', '')}{found}"
    if row.action == "request.retried":
        return f" as attempt {after.get('attempt', '')}"
    if row.action == "request.resubmitted":
        return f", revision {after.get('revision', '')}"
    if row.action == "namespace.checked":
        count = after.get("findings", 0)
        return f": {count} finding{'' if count == 1 else 's'}" if count else ": as granted"
    if row.action == "namespace.renewed":
        return f", to {str(after.get('lease_ends_at', ''))[:10]}"
    return ""


def newest(rows: Iterable[Told]) -> dt.datetime | None:
    return next((row.at for row in rows), None)
