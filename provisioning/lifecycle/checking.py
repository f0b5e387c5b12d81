"""Checks: a namespace compared with what was granted, or the list of all. Asked here, run by the worker, recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.utils import timezone

from provisioning import access, audit, drift, inventory, manifests
from provisioning.catalog.model import NAME
from provisioning.lifecycle.errors import Forbidden, Invalid
from provisioning.lifecycle.options import rfc3339
from provisioning.lifecycle.returning import FRESH
from provisioning.models import (
    LIVE,
    OPEN_CHECKS,
    Check,
    CheckState,
    ClusterListing,
    Namespace,
    NamespaceStatus,
    Request,
    User,
)
from provisioning.workflows import workflow

# Older ones of the same name are forgotten: what matters of them is in the trail.
KEPT = 20
_BUSY = frozenset({NamespaceStatus.UPDATING, NamespaceStatus.DELETING, NamespaceStatus.DELETED})
MOVED = "The namespace was changed while it was looked at: check it again."


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────


def ask_check(name: str, *, by: User | None = None, why: str = "drift") -> Check:
    """A look at the namespace `name`, or at the list of all with "". One that is open already is given back.

    Nobody (`by` None) is the worker. Raises Forbidden, or Invalid for a name that no namespace has.
    """
    namespace = Namespace.objects.existing().select_related("team").filter(name=name).first() if name else None
    _refuse_strangers(namespace, by)
    if name and not NAME.match(name):
        raise Invalid({"name": ["This is no name of a namespace."]})
    made = Check(
        pk=uuid.uuid4(),
        name=name,
        namespace=namespace,
        revision=namespace.revision if namespace else 0,
        why=why if name else "listing",
        asked_by=by,
    )
    made.workflow_name = workflow.name("audit", str(made.pk), 1)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        return Check.objects.open().get(name=name)
    return made


def ask_listing(*, by: User | None = None) -> Check:
    """As `ask_check`, for the list of all managed namespaces: what comes of it is in `ClusterListing.latest()`."""
    return ask_check("", by=by, why="listing")


def _refuse_strangers(namespace: Namespace | None, by: User | None) -> None:
    if by is None:
        return
    if namespace is None:
        if not access.may_look_around(by):
            raise Forbidden("Only platform admins can look at what the portal does not know.")
    elif not access.may_check(by, namespace):
        raise Forbidden("Only the team's leads and platform admins can check a namespace.")


def plan_checks(now: datetime, *, every: timedelta, limit: int) -> int:
    """Ask for checks of namespaces that were not looked at for so long, those of longest ago first. How many."""
    since = now - every
    # A check that failed is not tried again at once, or those that always fail would keep all others waiting.
    tried = Check.objects.filter(namespace=OuterRef("pk")).filter(Q(state__in=OPEN_CHECKS) | Q(asked_at__gt=since))
    rows = (
        Namespace.objects.exclude(status__in=_BUSY)
        .filter(Q(checked_at__lt=since) | Q(checked_at__isnull=True, ready_at__lt=since))
        .filter(~Exists(tried))
        .order_by(F("checked_at").asc(nulls_first=True), "pk")
    )
    names = list(rows.values_list("name", flat=True)[:limit])
    for name in names:
        ask_check(name, why="nightly")
    return len(names)


def fresh_inventory(namespace: Namespace) -> inventory.Inventory | None:
    """What was in it, as far as it was looked at just before; for a deletion. Nothing is in one that is gone."""
    check = namespace.checks.done().filter(finished_at__gt=timezone.now() - FRESH).first()
    if check is None or check.finished_at is None:
        return None
    if check.exists is False:
        return inventory.Inventory((), (), rfc3339(check.finished_at))
    return inventory.Inventory.from_json(check.inventory) if check.inventory else None


# ── what the worker reports ──────────────────────────────────────────────────────────────────────────────────


def checks_due(now: datetime, limit: int) -> list[Check]:
    """The next to submit, what people wait for first."""
    by_clock = ExpressionWrapper(Q(asked_by__isnull=True), output_field=BooleanField())
    rows = Check.objects.filter(state=CheckState.QUEUED, next_try_at__lte=now)
    return list(rows.order_by(by_clock, "next_try_at", "asked_at")[:limit])


def claim_check(check: Check, worker: str) -> bool:
    """Take it before submitting. Taking it again after a crash is fine, as the workflow's name is always the same."""
    return bool(Check.objects.filter(pk=check.pk, state=CheckState.QUEUED).update(claimed_by=worker))


def check_submitted(check: Check, *, uid: str, adopted: bool = False) -> bool:  # noqa: ARG001 - as for runs
    """Argo has it; `adopted`: since an earlier try. False when that was recorded before."""
    count = Check.objects.filter(pk=check.pk, state=CheckState.QUEUED).update(
        state=CheckState.SUBMITTED, workflow_uid=uid, submitted_at=timezone.now(), failures=0, trouble=""
    )
    check.refresh_from_db()
    return count == 1


def hold_check(check: Check, trouble: str, *, until: datetime) -> None:
    """It cannot go on now."""
    Check.objects.filter(pk=check.pk, state__in=OPEN_CHECKS).update(
        trouble=trouble, next_try_at=until, failures=F("failures") + 1
    )
    check.refresh_from_db()


def fail_check(check: Check, error: str) -> bool:
    """It ended without a result. False when its end was recorded before."""
    return _end(check, CheckState.FAILED, error=error)


def finish_check(check: Check, outputs: Mapping[str, str]) -> bool:
    """Record what was found. `outputs` are the audit step's: `live` and `inventory`. What cannot be read fails it.

    False when its end was recorded before.
    """
    if check.is_listing:
        return _finish_listing(check, outputs.get("live", ""))
    now = timezone.now()
    try:
        live = drift.parse(outputs.get("live", ""))
        taken = inventory.parse(outputs.get("inventory", ""), rfc3339(now)) if live else None
    except (ValueError, KeyError, TypeError) as error:
        return fail_check(check, f"What the check sent could not be read: {error}")
    columns: dict[str, Any] = {"exists": live is not None, "inventory": taken.to_json() if taken else None}
    with transaction.atomic():
        namespace = Namespace.objects.select_for_update().filter(checks=check).first()
        if namespace is None:
            return _end(check, CheckState.FINISHED, live=live, **columns)
        if namespace.revision != check.revision or namespace.status in _BUSY:
            return fail_check(check, MOVED)
        findings = drift.compare(manifests.objects_of(namespace.current_revision.rendered), live)
        done = _end(check, CheckState.FINISHED, findings=[item.to_json() for item in findings], **columns)
        if done:
            _tell(check, namespace, findings, now)
    return done


def _tell(check: Check, namespace: Namespace, findings: list[drift.Finding], now: datetime) -> None:
    """The namespace's row, and an event when it is news or somebody asked."""
    before = namespace.drift
    Namespace.objects.filter(pk=namespace.pk).update(checked_at=now, drift=len(findings), version=F("version") + 1)
    if check.asked_by is not None or before != len(findings):
        audit.record(
            "namespace.checked",
            by=check.asked_by or audit.WORKER,
            request=namespace.current_revision.request,
            subject=namespace.name,
            before={"findings": before},
            after={"findings": len(findings), "check": str(check.pk)},
            note=" ".join(item.sentence for item in findings[:5]),
        )


def _end(check: Check, state: CheckState, **columns: Any) -> bool:
    with transaction.atomic():
        count = Check.objects.filter(pk=check.pk, state__in=OPEN_CHECKS).update(
            state=state, finished_at=timezone.now(), trouble="", **columns
        )
        if count == 1:
            _forget_older(check)
    check.refresh_from_db()
    return count == 1


def _forget_older(check: Check) -> None:
    kept = Check.objects.filter(name=check.name).values_list("pk", flat=True)[:KEPT]
    Check.objects.filter(name=check.name).exclude(pk__in=list(kept)).exclude(state__in=OPEN_CHECKS).delete()


# ── the list of all ──────────────────────────────────────────────────────────────────────────────────────────


def _finish_listing(check: Check, text: str) -> bool:
    entries = [_entry(line) for line in text.splitlines() if line.strip()]
    with transaction.atomic():
        done = _end(check, CheckState.FINISHED, exists=True)
        if done:
            ClusterListing.objects.create(
                check_run=check, entries=entries, ghosts=_ghosts(check, entries), orphans=_orphans(entries)
            )
            if check.asked_by is not None:
                audit.record("cluster.listed", by=check.asked_by, after={"namespaces": len(entries)})
    return done


def _entry(line: str) -> dict[str, str]:
    """`NAME REQUEST-ID STATUS`, the latter two may be missing."""
    name, owner, status = [*line.split(" "), "", ""][:3]
    return {"name": name, "request_id": owner, "status": status}


def _ghosts(check: Check, entries: list[dict[str, str]]) -> list[dict[str, str]]:
    """Here, not there. What came to be after the look began, or is on its way out, is none."""
    there = {(entry["name"], entry["request_id"]) for entry in entries}
    rows = Namespace.objects.existing().exclude(status=NamespaceStatus.DELETING).filter(ready_at__lt=check.asked_at)
    return [
        {"name": row.name, "team": row.team.name, "status": row.status}
        for row in rows.select_related("team")
        if (row.name, str(row.owner_request_id)) not in there
    ]


def _orphans(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    """There, managed, not here. What an open request is about is none: a retry goes on from it."""
    known = {(row.name, str(row.owner_request_id)) for row in Namespace.objects.existing()}
    coming = set(Request.objects.filter(phase__in=LIVE).values_list("name", flat=True))
    return [
        entry for entry in entries if (entry["name"], entry["request_id"]) not in known and entry["name"] not in coming
    ]
