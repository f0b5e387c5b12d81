"""A request as its approver needs it: who, what, why it needs a person, what changes, what room is left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch
from django.http import Http404, HttpRequest

from provisioning import access, headroom, lifecycle, manifests
from provisioning.catalog import Catalog, Feature, Tier
from provisioning.config import the_catalog
from provisioning.models import Decision, Kind, Phase, Request, User
from provisioning.models.request import RequestQuerySet
from provisioning.pages import compare
from provisioning.pages.life.request import KindView
from provisioning.pages.room import Room, rooms
from provisioning.pages.web import person
from provisioning.policy import Verdict
from provisioning.spec import NamespaceSpec


def approver(request: HttpRequest) -> User:
    """The platform admin who asks; for everybody else these pages don't exist."""
    user = person(request)
    if not user.is_platform_admin:
        raise Http404
    return user


def waiting() -> RequestQuerySet:
    """What waits for a decision, the longest first, with all that a row shows: two queries."""
    return with_people().filter(phase=Phase.PENDING).order_by("waiting_since", "id")


def with_people() -> RequestQuerySet:
    answers = Prefetch("decisions", queryset=Decision.objects.select_related("by"))
    return Request.objects.select_related("team", "requester", "namespace").prefetch_related(answers)


def decidable_by(user: User) -> RequestQuerySet:
    """What waits for this person: neither their own nor answered by them already."""
    answered = Decision.objects.filter(request=OuterRef("pk"), revision=OuterRef("revision"), by=user)
    return waiting().exclude(requester=user).exclude(Exists(answered))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the queue. `why_not`: why this person can't decide it. `alone`: why it can't go with others."""

    request: Request
    spec: NamespaceSpec
    tier: Tier | None
    features: list[Feature]
    verdict: Verdict
    why_not: str
    alone: str

    @property
    def waits(self) -> bool:
        return self.request.phase == Phase.PENDING


def row_of(request: Request, user: User) -> Row:
    """No query for a request of `waiting`."""
    catalog = the_catalog()
    features = [catalog.features[key] for key in request.spec.features if key in catalog.features]
    verdict = Verdict.from_json(request.verdict)
    why_not = why_not_decide(user, request)
    alone = why_not or _alone(request, features, verdict)
    return Row(request, request.spec, catalog.tiers.get(request.tier), features, verdict, why_not, alone)


def why_not_decide(user: User, request: Request) -> str:
    """The reason beside a decision that this person can't take; '' when they can."""
    if why := access.why_not_decide(user, request):
        return why
    mine = [item for item in request.decisions.all() if item.by_id == user.pk and item.revision == request.revision]
    return "You approved it already: another platform admin has to approve it, too." if mine else ""


def _alone(request: Request, features: Sequence[Feature], verdict: Verdict) -> str:
    gated = [feature.title for feature in features if feature.gate]
    if request.kind == Kind.DELETE:
        return "A deletion is decided on its own page."
    if gated:
        return f"{' and '.join(gated)} has to be allowed by name, on its own page."
    return "It needs two approvers: it is decided on its own page." if verdict.result == "two" else ""


@dataclass(frozen=True, slots=True)
class Review:
    """All that the approver's page shows of a request."""

    row: Row
    rooms: list[Room]
    properties: list[compare.Difference]
    narrowed: list[compare.Difference]
    objects: list[dict[str, Any]]
    compares: bool
    life: KindView

    @property
    def decisions(self) -> list[Decision]:
        return list(self.row.request.decisions.all())


def review_of(request: Request, user: User) -> Review:
    catalog = the_catalog()
    before = lifecycle.base_spec(request)
    replacing = catalog.tiers.get(before.tier) if before else None
    # A deletion takes no room.
    adds = catalog.tiers.get(request.tier) if request.kind != Kind.DELETE else None
    # The room as it would be without this request, so that what it adds can be drawn on top.
    free = headroom.of_team(request.team, without=request)
    return Review(
        row=row_of(request, user),
        rooms=rooms(free, adds, replacing),
        properties=compare.differences(before, request.spec, catalog),
        narrowed=compare.changes(request.asked_spec, request.spec, catalog),
        objects=manifests.objects_of(request.rendered),
        compares=before is not None,
        life=KindView(request, user),
    )


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a request since it was shown: by whom, when, and what it asks differently."""

    sentence: str
    at: dt.datetime | None
    rows: list[compare.Difference]


def news_of(request: Request, sentence: str = "") -> News:
    """Read from the trail's last event about the request."""
    event = request.events.select_related("actor").order_by("-id").first()
    if event is None:
        return News(sentence or "This request changed.", None, [])
    who = event.actor.display_name if event.actor else event.actor_name
    told = sentence or f"{who} {WORDS.get(event.action, 'changed this request')}."
    return News(told, event.at, _edited(event.before, event.after, the_catalog()))


WORDS = {
    "request.resubmitted": "edited this request",
    "request.approved": "approved this request",
    "request.approved-first": "approved this request; one more approver is needed",
    "request.denied": "denied this request",
    "request.changes-requested": "requested changes",
    "request.cancelled": "cancelled this request",
    "request.expired": "ended this request, as nobody decided in time",
}


def _edited(before: dict[str, Any], after: dict[str, Any], catalog: Catalog) -> list[compare.Difference]:
    if "asked" not in before or "asked" not in after:
        return []
    old, new = NamespaceSpec.from_json(before["asked"]), NamespaceSpec.from_json(after["asked"])
    return compare.changes(old, new, catalog)
