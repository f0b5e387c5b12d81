"""The lease: renewing it, and what happens as its end draws near."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from provisioning import access, audit, lease, policy
from provisioning.catalog.placeholders import name_of
from provisioning.config import the_catalog
from provisioning.lifecycle import changing, checking, opening, returning
from provisioning.lifecycle.drafting import live_request
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid
from provisioning.lifecycle.transition import move
from provisioning.models import UNDECIDED, Kind, LeaseNotice, Namespace, NamespaceStatus, Phase, Request, User
from provisioning.spec import NamespaceSpec

# The placeholder of the catalogue by which a feature writes the end of the lease into the cluster.
_LEASE_END = "request.expires_at"
# Those whose lease is of interest: the others are on their way out.
_LIVING = (
    NamespaceStatus.READY,
    NamespaceStatus.UPDATING,
    NamespaceStatus.UPDATE_FAILED,
    NamespaceStatus.DELETE_FAILED,
)


def renewal(namespace: Namespace, days: int, *, by: User) -> policy.Verdict:
    """What the policy says to a lease of `days` from now. Raises Invalid for days that no lease may have."""
    return changing.draft_change(namespace, by=by, renew_days=days).verdict


def renew(namespace: Namespace, days: int, *, by: User) -> Request | None:
    """Let the lease run for `days` from now. None when that is done at once, as a rule of kind `renew` allows it;
    else the change request that asks for it, decided or to be decided.

    With a feature that writes the end of the lease on the namespace in the cluster (auto-expiry) it always takes a
    change, so that nothing there acts on an old date. A delete request that the portal opened, as the lease was over,
    is taken back by it. Raises Forbidden, Invalid (lease_days), or Conflict with the request that stands against it.
    """
    if not access.may_steer(by, namespace):
        raise Forbidden("Only the team's leads and platform admins can renew a lease.")

    def write() -> Request | None:
        held = opening.lock_namespace(namespace)
        opening.lock_team(held.team_id)
        made = changing.draft_change(held, by=by, renew_days=days)
        end = timezone.now() + timedelta(days=days)
        if end <= held.lease_ends_at:
            raise Invalid({"lease_days": [f"The lease runs longer already, until {held.lease_ends_at:%Y-%m-%d}."]})
        if made.verdict.result == "refuse":
            raise Invalid({"lease_days": [made.verdict.sentence]})
        _clear_the_way(held, by)
        if not made.verdict.is_auto or writes_lease_end(held.spec):
            return changing.insert_change(held, made, by)
        _renewed(held, end, made.verdict, by)
        return None

    done = _in_one_transaction(namespace.name, write)
    namespace.refresh_from_db()
    return done


def _in_one_transaction(name: str, write: Any) -> Request | None:
    try:
        with transaction.atomic():
            found: Request | None = write()
            return found
    except IntegrityError as error:
        if (live := live_request(name)) is None:
            raise
        raise Conflict(opening.BUSY, live) from error


def _clear_the_way(namespace: Namespace, by: User) -> None:
    """A deletion stands against a renewal, unless it only waits because the lease was over. A change does when it
    writes the old end into the cluster."""
    live = live_request(namespace.name)
    if live is None:
        return
    if live.kind == Kind.DELETE:
        if live.requester.username != returning.PORTAL or live.phase not in UNDECIDED:
            raise Conflict("Its deletion is asked for: that comes first.", live)
        before = live.phase
        move(live, Phase.CANCELLED, expected=UNDECIDED, message=f"{by.display_name} renewed the lease.")
        audit.record("request.cancelled", by=by, request=live, before={"phase": before}, after={"phase": live.phase})
    elif writes_lease_end(live.spec):
        raise Conflict("A change is on its way that writes the end of the lease: wait for its end.", live)


def _renewed(namespace: Namespace, end: datetime, verdict: policy.Verdict, by: User) -> None:
    Namespace.objects.filter(pk=namespace.pk).update(
        lease_ends_at=end, renewals=F("renewals") + 1, version=F("version") + 1
    )
    audit.record(
        "namespace.renewed",
        by=by,
        request=namespace.current_revision.request,
        subject=namespace.name,
        before={"lease_ends_at": namespace.lease_ends_at.isoformat(), "renewals": namespace.renewals},
        after={"lease_ends_at": end.isoformat(), "renewals": namespace.renewals + 1, "rule": verdict.rule},
        note=verdict.sentence,
    )


def writes_lease_end(spec: NamespaceSpec) -> bool:
    """Whether one of its features has the end of the lease on the namespace in the cluster."""
    features = the_catalog().features
    chosen = (features[key] for key in spec.features if key in features)
    return any(_names(part, _LEASE_END) for item in chosen for part in (item.labels, item.annotations, item.objects))


def _names(value: Any, wanted: str) -> bool:
    if isinstance(value, dict):
        return any(_names(item, wanted) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_names(item, wanted) for item in value)
    return name_of(value) == wanted


# ── its end ──────────────────────────────────────────────────────────────────────────────────────────────────


def lease_steps(namespace: Namespace, now: datetime) -> list[lease.LeaseStep]:
    """What is due for it, the earliest first."""
    notices = namespace.lease_notices.all()
    done = {notice.step for notice in notices if notice.lease_ends_at == namespace.lease_ends_at}
    at_once = writes_lease_end(namespace.spec)
    return lease.due_steps(namespace.lease_ends_at, now, done, the_catalog().lease, at_once=at_once)


def next_lease_step(namespace: Namespace, now: datetime) -> lease.LeaseStep | None:
    """What comes next, for pages."""
    at_once = writes_lease_end(namespace.spec)
    return lease.next_step(namespace.lease_ends_at, now, the_catalog().lease, at_once=at_once)


def namespaces_with_lease_steps(now: datetime, limit: int) -> list[Namespace]:
    """Those for which something is due, the earliest end first, `limit` at most. Two queries for every 500 whose end is
    near or past; call it every few minutes."""
    return [namespace for namespace, _ in zip(_due(now), range(limit), strict=False)]


def _due(now: datetime) -> Iterator[Namespace]:
    horizon = now + timedelta(days=max(the_catalog().lease.reminders))
    rows = Namespace.objects.filter(status__in=_LIVING, lease_ends_at__lte=horizon).order_by("lease_ends_at", "pk")
    for namespace in rows.select_related("team").prefetch_related("lease_notices").iterator(chunk_size=500):
        if lease_steps(namespace, now):
            yield namespace


def lease_step_done(namespace: Namespace, step: lease.LeaseStep) -> bool:
    """Claim a step, once for this end of the lease. False when it is done already, or the lease was renewed meanwhile.

    Whoever gets True does it, best in the same transaction: a mail's row in the outbox, say.
    """
    with transaction.atomic():
        held = Namespace.objects.select_for_update().get(pk=namespace.pk)
        if held.lease_ends_at != namespace.lease_ends_at or held.status not in _LIVING:
            return False
        _, made = LeaseNotice.objects.get_or_create(namespace=held, lease_ends_at=held.lease_ends_at, step=step.key)
        if made:
            audit.record(
                f"lease.{step.kind}",
                by=audit.WORKER,
                request=held.current_revision.request,
                subject=held.name,
                after={"step": step.key, "lease_ends_at": held.lease_ends_at.isoformat()},
            )
        return made


def take_lease_steps(namespace: Namespace, now: datetime) -> list[lease.LeaseStep]:
    """Do what is due of the domain, and give back what people have to be told: reminders, escalations, and a delete
    request that was opened. For that the namespace is looked at first; until the check has ended the step stays due."""
    told = []
    for step in lease_steps(namespace, now):
        if step.kind == "delete-request" and not _has_delete_request(namespace):
            continue
        if lease_step_done(namespace, step):
            told.append(step)
    return told


def _has_delete_request(namespace: Namespace) -> bool:
    """Whether there is one now, or never will be: opened here once a fresh inventory is known."""
    live = live_request(namespace.name)
    if live is not None and live.kind == Kind.DELETE:
        return True
    if namespace.protected:
        return True  # people are told all the same, and decide what it is for
    if live is not None:
        return False
    inventory = checking.fresh_inventory(namespace)
    if inventory is None:
        checking.ask_check(namespace.name, why="delete")
        return False
    return returning.open_lease_delete(namespace, inventory) is not None
