"""What was done, and comes next, about leases that end: for home, the namespace's page and the admins' approvals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from provisioning import lifecycle
from provisioning.lease import LeaseStep
from provisioning.models import LIVE, Kind, LeaseNotice, Namespace, NamespaceStatus, Request

TOLD_ADMINS = ("escalate", "delete-request")


@dataclass(frozen=True, slots=True)
class LeaseView:
    """How a lease that ends soon, or has ended, stands. `days`: whole days until the end, negative past it.

    `last` is the newest step that was taken about this end, None before the first; `next` the one that comes, None
    after the last. `deletion` is the open request to delete it.
    """

    namespace: Namespace
    days: int
    last: LeaseNotice | None
    next: LeaseStep | None
    deletion: Request | None

    @property
    def is_over(self) -> bool:
        return self.days < 0

    @property
    def admins_know(self) -> bool:
        return self.last is not None and self.last.step in TOLD_ADMINS

    @property
    def sentence(self) -> str:
        """What the last step was about; the dates are the page's to show."""
        if self.deletion is not None:
            return "Its lease is over: a platform admin decides whether it is deleted. Nothing is deleted by itself."
        if self.admins_know:
            return "Its lease is over, and platform admins were told. Renew it or give it back."
        if self.is_over:
            return "Its lease is over. Renew it or give it back."
        return "Its lease ends soon. Renew it or give it back."


def lease_views(namespaces: Iterable[Namespace], now: datetime) -> list[LeaseView]:
    """In the given order, those about which a step was taken or whose lease is over. Two queries for all of them."""
    rows = list(namespaces)
    notices = {notice.namespace_id: notice for notice in _notices(rows)}
    open_ones = Request.objects.filter(namespace__in=rows, kind=Kind.DELETE, phase__in=LIVE)
    deletions = {row.namespace_id: row for row in open_ones}
    return [
        _view(row, now, notices.get(row.pk), deletions.get(row.pk))
        for row in rows
        if row.pk in notices or row.lease_ends_at <= now
    ]


def lease_view(namespace: Namespace, now: datetime) -> LeaseView | None:
    """Of one namespace; None while there is nothing to tell."""
    return next(iter(lease_views([namespace], now)), None)


def escalated(now: datetime, limit: int = 20) -> list[LeaseView]:
    """Leases that are over and that platform admins have to see to, the longest over first; three queries."""
    told = LeaseNotice.objects.filter(step__in=TOLD_ADMINS, lease_ends_at=F("namespace__lease_ends_at"))
    rows = Namespace.objects.existing().exclude(status=NamespaceStatus.DELETING).select_related("team")
    over = rows.filter(pk__in=told.values("namespace"), lease_ends_at__lte=now).order_by("lease_ends_at", "pk")
    return lease_views(over[:limit], now)


def _notices(rows: list[Namespace]) -> QuerySet[LeaseNotice]:
    """About their present ends, the newest of each last."""
    return LeaseNotice.objects.filter(namespace__in=rows, lease_ends_at=F("namespace__lease_ends_at"))


def _view(row: Namespace, now: datetime, last: LeaseNotice | None, deletion: Request | None) -> LeaseView:
    return LeaseView(row, (row.lease_ends_at - now).days, last, lifecycle.next_lease_step(row, now), deletion)
