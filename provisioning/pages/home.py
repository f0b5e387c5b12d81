"""Home: what needs this person, their teams' namespaces, and what was asked lately."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from provisioning import headroom
from provisioning.catalog import Tier
from provisioning.config import the_catalog
from provisioning.lease_view import LeaseView, escalated
from provisioning.models import (
    MOVING,
    AuditEvent,
    Decision,
    Membership,
    Namespace,
    Phase,
    Request,
    Team,
    User,
)
from provisioning.pages.decide.reading import decidable_by
from provisioning.pages.room import Room, rooms
from provisioning.pages.web import person

SHOWN = 8
NAMESPACES_SHOWN = 20
LEASE_NEAR = timedelta(days=30)
LOOKS = {
    "ready": ("ok", "check-circle"),
    "updating": ("info", "running"),
    "update-failed": ("bad", "x-circle"),
    "deleting": ("info", "running"),
    "delete-failed": ("bad", "x-circle"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A namespace with its quota. `look`: tone and icon. `ends_soon`: the lease runs out within LEASE_NEAR."""

    namespace: Namespace
    tier: Tier | None
    look: tuple[str, str]
    ends_soon: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that waits for its requester's side; `answer` is the last one that was given to it."""

    request: Request
    answer: Decision | None


@dataclass(frozen=True, slots=True)
class TeamRoom:
    team: Team
    rooms: list[Room]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx what may have changed: 204 when nothing did since `v`."""
    user = person(request)
    led, others = _teams(user)
    context = _live(user, led, [*led, *others])
    if not request.htmx:  # type: ignore[attr-defined]
        response = render(request, "provisioning/home.html", {**context, **_still(user, led, others)})
    elif context["v"] == request.GET.get("v"):
        response = HttpResponse(status=204)
    else:
        response = render(request, "provisioning/home_live.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _teams(user: User) -> tuple[list[Team], list[Team]]:
    """Those that somebody leads, and those they are a member of; one query."""
    mine = list(user.memberships.select_related("team").order_by("team__name"))
    led = [item.team for item in mine if item.role == Membership.Role.LEAD]
    return led, [item.team for item in mine if item.role != Membership.Role.LEAD]


def _live(user: User, led: list[Team], teams: list[Team]) -> dict[str, Any]:
    """What changes by itself."""
    recent = list(Request.objects.visible_to(user).select_related("team", "requester")[:SHOWN])
    to_decide = list(decidable_by(user)[: SHOWN + 1]) if user.is_platform_admin else []
    mine = _in_my_hands(user, led)
    lines, ending = _lines(teams), _ending(led)
    overdue = _overdue(ending) if user.is_platform_admin else []
    requests, namespaces = (
        [*recent, *to_decide, *(turn.request for turn in mine)],
        [*ending, *(view.namespace for view in overdue), *(line.namespace for line in lines)],
    )
    return {
        "to_decide": to_decide[:SHOWN],
        "more_to_decide": len(to_decide) > SHOWN,
        "mine": mine,
        "ending": ending,
        "overdue": overdue,
        "needs": len(to_decide) + len(mine) + len(ending) + len(overdue),
        "lines": lines[:NAMESPACES_SHOWN],
        "more_namespaces": len(lines) > NAMESPACES_SHOWN,
        "recent": recent,
        "leads": led,
        "teams": teams,
        "v": _version(requests, namespaces),
    }


def _still(user: User, led: list[Team], others: list[Team]) -> dict[str, Any]:
    """What is drawn once."""
    room = headroom.of_teams(led) if led else {}
    deciders = User.objects.filter(is_platform_admin=True, is_active=True).order_by("first_name", "username")
    return {
        "others": others,
        "rooms": [TeamRoom(team, rooms(room[team.pk])) for team in led],
        "admins": [] if user.is_platform_admin else list(deciders[:SHOWN]),
        "numbers": _numbers() if user.sees_everything else {},
        "events": list(AuditEvent.objects.select_related("actor", "request")[:SHOWN]) if user.is_auditor else [],
    }


def _in_my_hands(user: User, led: list[Team]) -> list[Turn]:
    """Changes were requested, or a run failed."""
    answers = Prefetch("decisions", queryset=Decision.objects.select_related("by"))
    own = Q(requester=user) | Q(team__in=led)
    rows = Request.objects.filter(own, phase__in=[Phase.CHANGES_REQUESTED, Phase.FAILED])
    shown = rows.select_related("team", "requester").prefetch_related(answers)[:SHOWN]
    return [Turn(row, next(reversed(list(row.decisions.all())), None)) for row in shown]


def _lines(teams: list[Team]) -> list[Line]:
    if not teams:
        return []
    tiers, soon = the_catalog().tiers, timezone.now() + LEASE_NEAR
    rows = Namespace.objects.existing().filter(team__in=teams).select_related("team")[: NAMESPACES_SHOWN + 1]
    return [
        Line(row, tiers.get(row.tier), LOOKS.get(row.status, ("mute", "question")), row.lease_ends_at <= soon)
        for row in rows
    ]


def _ending(led: list[Team]) -> list[Namespace]:
    """Whose lease is over or ends soon, for those who can renew it."""
    if not led:
        return []
    soon = timezone.now() + LEASE_NEAR
    rows = Namespace.objects.existing().filter(team__in=led, lease_ends_at__lte=soon)
    return list(rows.order_by("lease_ends_at")[:SHOWN])


def _overdue(told: list[Namespace]) -> list[LeaseView]:
    """Leases of any team that are over so long that platform admins are told, those apart that wait for a decision."""
    views = escalated(timezone.now(), SHOWN)
    return [view for view in views if view.deletion is None and view.namespace not in told]


def _numbers() -> dict[str, int]:
    """How things stand on the whole platform."""
    phase = Request.objects.aggregate(
        waiting=Count("pk", filter=Q(phase=Phase.PENDING)),
        moving=Count("pk", filter=Q(phase__in=MOVING)),
        failed=Count("pk", filter=Q(phase=Phase.FAILED)),
    )
    return {**phase, "namespaces": Namespace.objects.existing().count()}


def _version(requests: list[Request], namespaces: list[Namespace]) -> str:
    shown = [(str(row.pk), row.version) for row in requests] + [(str(row.pk), row.version) for row in namespaces]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


urlpatterns = [path("", home, name="home")]
