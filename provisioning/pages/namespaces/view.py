"""What the page of a namespace shows, gathered from rows: a fixed number of queries."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, Q
from django.utils import timezone

from provisioning import manifests
from provisioning.catalog import Feature, Tier
from provisioning.config import the_catalog
from provisioning.models import (
    LIVE,
    AuditEvent,
    Decision,
    Namespace,
    NamespaceRevision,
    NamespaceStatus,
    Request,
    User,
)
from provisioning.pages import compare, story
from provisioning.pages.home import LEASE_NEAR, LOOKS
from provisioning.pages.sheet import Sheet, sheet_of
from provisioning.spec import NamespaceSpec

REQUESTS = 20
REVISIONS = 20
EVENTS = 30
DAY = 86400
DELETED = ("mute", "minus-circle")
# What a request about it means while nobody has ended it.
WORDS = {"create": "It is being made", "change": "A change is under way", "delete": "It is asked to be deleted"}


@dataclass(frozen=True, slots=True)
class Line:
    """A namespace in the list. `look`: tone and icon. `ends_soon`: within LEASE_NEAR, or over."""

    row: Namespace
    look: tuple[str, str]
    ends_soon: bool


def line_of(row: Namespace) -> Line:
    exists = row.status != NamespaceStatus.DELETED
    return Line(row, look_of(row), exists and row.lease_ends_at <= timezone.now() + LEASE_NEAR)


def look_of(row: Namespace) -> tuple[str, str]:
    return DELETED if row.status == NamespaceStatus.DELETED else LOOKS.get(row.status, ("mute", "question"))


@dataclass(frozen=True, slots=True)
class Granted:
    """A revision, who granted it, and what it changed in the one before it."""

    row: NamespaceRevision
    changes: list[compare.Difference]


@dataclass(frozen=True, slots=True)
class Biography:
    """A request about the namespace and the last answer it got."""

    request: Request
    answer: Decision | None


@dataclass
class NamespaceView:
    row: Namespace
    user: User

    @property
    def exists(self) -> bool:
        return self.row.status != NamespaceStatus.DELETED

    @property
    def look(self) -> tuple[str, str]:
        return look_of(self.row)

    @functools.cached_property
    def spec(self) -> NamespaceSpec:
        return self.row.spec

    @property
    def tier(self) -> Tier | None:
        return the_catalog().tiers.get(self.row.tier)

    @property
    def environment(self) -> str:
        return the_catalog().environment_of(self.row.name)

    @property
    def sheet(self) -> Sheet:
        return sheet_of(self.spec, the_catalog())

    @property
    def features(self) -> list[tuple[str, Feature | None]]:
        known = the_catalog().features
        return [(key, known.get(key)) for key in self.spec.features]

    @property
    def levels(self) -> list[tuple[str, tuple[Any, ...]]]:
        spec = self.spec
        return [("Admin", spec.admins), ("Editor", spec.editors), ("Viewer", spec.viewers)]

    # ── the lease ──

    @property
    def days_left(self) -> int:
        """Whole days; negative when it is over."""
        return int((self.row.lease_ends_at - timezone.now()).total_seconds() // DAY)

    @property
    def days_over(self) -> int:
        return -self.days_left

    @property
    def lease_tone(self) -> str:
        if self.row.lease_is_over:
            return "bad"
        return "warn" if self.row.lease_ends_at <= timezone.now() + LEASE_NEAR else "info"

    @property
    def lease_used(self) -> int:
        """Percent of the lease that has passed, from 0 to 100."""
        left = (self.row.lease_ends_at - timezone.now()).total_seconds() / (self.spec.lease_days * DAY)
        return round(100 * min(max(1 - left, 0.0), 1.0))

    # ── its life ──

    @functools.cached_property
    def requests(self) -> list[Biography]:
        """Newest first; two queries."""
        answers = Prefetch("decisions", Decision.objects.select_related("by"))
        rows = Request.objects.visible_to(self.user).filter(namespace=self.row).select_related("requester")
        shown = rows.prefetch_related(answers).defer("rendered")[: REQUESTS + 1]
        return [Biography(row, next(reversed(list(row.decisions.all())), None)) for row in shown]

    @property
    def shown_requests(self) -> list[Biography]:
        return self.requests[:REQUESTS]

    @property
    def more_requests(self) -> bool:
        return len(self.requests) > REQUESTS

    @property
    def under_way(self) -> Request | None:
        """The request about it that is not over; there is one at most."""
        return next((item.request for item in self.requests if item.request.phase in LIVE), None)

    @property
    def under_way_words(self) -> str:
        return WORDS.get(self.under_way.kind, "A request about it is under way") if self.under_way else ""

    @functools.cached_property
    def revisions(self) -> list[Granted]:
        """Newest first."""
        rows = self.row.revisions.select_related("granted_by", "request").defer("rendered", "request__rendered")
        found = list(rows.order_by("-number")[: REVISIONS + 1])
        older = [*found[1:], None]
        granted = [Granted(row, _changes(before, row)) for row, before in zip(found, older, strict=True)]
        return granted[:REVISIONS]

    @functools.cached_property
    def objects(self) -> list[dict[str, Any]]:
        """What was applied last."""
        current = self.row.revisions.filter(number=self.row.revision).only("rendered").first()
        return manifests.objects_of(current.rendered) if current else []

    @functools.cached_property
    def events(self) -> list[dict[str, Any]]:
        """About it, newest first, as the component `events` takes them. An earlier namespace of the same name had its
        own requests; an event without a request is about this one if it came after it was ready."""
        about = Q(request__namespace=self.row) | Q(request__isnull=True, at__gte=self.row.ready_at)
        rows = AuditEvent.objects.visible_to(self.user).filter(about, subject=self.row.name)
        shown = rows.select_related("actor", "request").defer("request__rendered").order_by("-id")[:EVENTS]
        return [_told(event) for event in shown]


def _changes(before: NamespaceRevision | None, after: NamespaceRevision) -> list[compare.Difference]:
    if before is None:
        return []
    old, new = NamespaceSpec.from_json(before.spec_json), NamespaceSpec.from_json(after.spec_json)
    return compare.changes(old, new, the_catalog())


def _told(event: AuditEvent) -> dict[str, Any]:
    told = story.told(event)
    url = event.request.get_absolute_url() if event.request else ""
    return {"url": url, **{name: getattr(told, name) for name in ("text", "at", "tone", "icon", "who", "comment")}}
