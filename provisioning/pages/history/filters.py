"""What requests can be filtered by, and the way through indexes that each filter takes."""

from __future__ import annotations

import functools
import re
import uuid
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django_filters import ModelChoiceFilter

from provisioning.config import the_catalog
from provisioning.models import Kind, Phase, Request, Team, User
from provisioning.pages.lists.filtering import (
    ListFilters,
    PlainChoice,
    date_filter,
    days,
    people_named,
    search_filter,
    teams_of,
    text_filter,
)
from provisioning.pages.lists.keyset import NEWEST
from provisioning.pages.lists.stream import EVERYTHING, MOST_BRANCHES, Stream, one_of

# "Succeeded" reads Ready, Changed or Deleted, by the kind.
PHASES = [(value, "Ready, changed or deleted" if value == Phase.SUCCEEDED else label) for value, label in Phase.choices]
# Names hold hyphens and begin with a team: hardly any is eight digits of a UUID.
ID_PREFIX = re.compile(r"\A[0-9a-f]{8,32}\Z")
MOST_TEAMS = 50


def tiers() -> list[tuple[str, str]]:
    """Of the catalogue as it is now."""
    return [(key, tier.title) for key, tier in the_catalog().tiers.items()]


def teams(request: HttpRequest) -> QuerySet[Team]:
    return teams_of(request.user) if isinstance(request.user, User) else Team.objects.none()


def id_range(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The first and the last id that begin with the text, if any can."""
    digits = text.strip().lower().replace("-", "")
    if not ID_PREFIX.match(digits):
        return None
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


class HistoryFilters(ListFilters):
    q = search_filter("by_text", "name, purpose, id, team, person")
    team = ModelChoiceFilter(
        label="Team", queryset=teams, to_field_name="name", empty_label="All teams", method="by_team"
    )
    phase = PlainChoice(label="Phase", field_name="phase", choices=PHASES, empty_label="All phases")
    kind = PlainChoice(label="Kind", field_name="kind", choices=Kind.choices, empty_label="All kinds")
    tier = PlainChoice(label="Tier", field_name="tier", choices=tiers, empty_label="All tiers")
    requester = text_filter("Requester", "by_requester", "account or name")
    since = date_filter("From", "by_since")
    until = date_filter("To", "by_until")

    class Meta:
        model = Request
        fields = ()
        form = forms.Form

    def by_text(self, rows: QuerySet[Request], name: str, value: str) -> QuerySet[Request]:  # noqa: ARG002
        if self.ids is not None:
            return rows.filter(pk__range=self.ids)
        found = Q(name__icontains=value) | Q(asked__purpose__icontains=value)
        found |= Q(one_of("requester_id", self.text_people)) | Q(one_of("team_id", self.text_teams))
        return rows.filter(found)

    def by_team(self, rows: QuerySet[Request], name: str, value: Team) -> QuerySet[Request]:  # noqa: ARG002
        return rows.filter(one_of("team_id", [value.pk]))

    def by_requester(self, rows: QuerySet[Request], name: str, value: str) -> QuerySet[Request]:  # noqa: ARG002
        return rows.filter(one_of("requester_id", self.people))

    def by_since(self, rows: QuerySet[Request], name: str, value: Any) -> QuerySet[Request]:  # noqa: ARG002
        return rows.filter(days("created_at", value, None))

    def by_until(self, rows: QuerySet[Request], name: str, value: Any) -> QuerySet[Request]:  # noqa: ARG002
        return rows.filter(days("created_at", None, value))

    # What a filter looks up is looked up once, however many branches ask.

    @functools.cached_property
    def ids(self) -> tuple[uuid.UUID, uuid.UUID] | None:
        """Of the request that the text names by (the beginning of) its id, if one may see such a request."""
        span = id_range(self.value["q"] or "")
        return span if span and self.queryset.filter(pk__range=span).exists() else None

    @functools.cached_property
    def people(self) -> list[int]:
        return people_named(self.value["requester"])

    @functools.cached_property
    def text_people(self) -> list[int]:
        return people_named(self.value["q"])

    @functools.cached_property
    def text_teams(self) -> list[int]:
        found = Team.objects.filter(Q(name__icontains=self.value["q"]) | Q(title__icontains=self.value["q"]))
        return list(found.order_by("pk").values_list("pk", flat=True)[:MOST_TEAMS])

    # ── the way through indexes ──

    def stream(self, user: User) -> Stream[Request]:
        """Only after `is_valid()`. `queryset` holds the rows that one may see."""
        branches, served = self._branches(user)
        return Stream(
            shown=self.queryset,
            rows=Request.objects.all(),
            order=NEWEST,
            branches=branches,
            sieve=self.filter_queryset,
            span=days("created_at", self.value["since"], self.value["until"]),
            costly=self.set_besides("since", "until", *served),
        )

    def _branches(self, user: User) -> tuple[tuple[Q, ...], tuple[str, ...]]:
        """Conditions with an index in the list's order that together hold all that is wanted, and the filters that
        they already are."""
        value = self.value
        if value["q"] and self.ids is not None:
            return (Q(pk__range=self.ids),), ("q",)
        if not user.sees_everything:
            return branches_of(user, value["team"])
        if value["team"]:
            return (Q(team=value["team"]),), ("team",)
        if value["requester"] and len(self.people) == 1:
            return (Q(requester=self.people[0]),), ("requester",)
        return ((Q(tier=value["tier"]),), ("tier",)) if value["tier"] else (EVERYTHING, ())


def branches_of(user: User, team: Team | None = None) -> tuple[tuple[Q, ...], tuple[str, ...]]:
    """Of somebody who sees their teams' requests and their own: one per team, and one more."""
    mine = list(user.memberships.order_by("team").values_list("team", flat=True))
    if team is not None:
        return (Q(team=team) if team.pk in mine else Q(team=team, requester=user),), ("team",)
    if len(mine) > MOST_BRANCHES:
        return (Q(team__in=mine), Q(requester=user)), ()
    return (*(Q(team=key) for key in mine), Q(requester=user)), ()
