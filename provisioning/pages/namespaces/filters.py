"""What namespaces can be filtered by. Deleted ones are shown only when they are asked for."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django_filters import ChoiceFilter, ModelChoiceFilter

from provisioning.config import the_catalog
from provisioning.models import Namespace, NamespaceStatus, Team, User
from provisioning.pages.home import LEASE_NEAR
from provisioning.pages.lists.filtering import ListFilters, PlainChoice, search_filter, teams_of
from provisioning.pages.lists.keyset import BY_NAME
from provisioning.pages.lists.stream import EVERYTHING, MOST_BRANCHES, Stream, one_of

LEASES = (("near", f"ends within {LEASE_NEAR.days} days"), ("over", "is over"))


def tiers() -> list[tuple[str, str]]:
    return [(key, tier.title) for key, tier in the_catalog().tiers.items()]


def teams(request: HttpRequest) -> QuerySet[Team]:
    """Of the namespaces that one may see."""
    user = request.user
    if not isinstance(user, User):
        return Team.objects.none()
    return teams_of(user) if user.sees_everything else Team.objects.filter(memberships__user=user)


class NamespaceFilters(ListFilters):
    q = search_filter("by_text", "part of a name")
    team = ModelChoiceFilter(
        label="Team", queryset=teams, to_field_name="name", empty_label="All teams", method="by_team"
    )
    tier = PlainChoice(label="Tier", field_name="tier", choices=tiers, empty_label="All tiers")
    status = PlainChoice(
        label="Status", field_name="status", choices=NamespaceStatus.choices, empty_label="All that exist"
    )
    lease = ChoiceFilter(label="Lease", choices=LEASES, empty_label="Any", method="by_lease")

    class Meta:
        model = Namespace
        fields = ()
        form = forms.Form

    def filter_queryset(self, queryset: QuerySet[Namespace]) -> QuerySet[Namespace]:
        found: QuerySet[Namespace] = super().filter_queryset(queryset)
        return found if self.value["status"] else found.exclude(status=NamespaceStatus.DELETED)

    def by_text(self, rows: QuerySet[Namespace], name: str, value: str) -> QuerySet[Namespace]:  # noqa: ARG002
        return rows.filter(name__icontains=value)

    def by_team(self, rows: QuerySet[Namespace], name: str, value: Team) -> QuerySet[Namespace]:  # noqa: ARG002
        return rows.filter(one_of("team_id", [value.pk]))

    def by_lease(self, rows: QuerySet[Namespace], name: str, value: str) -> QuerySet[Namespace]:  # noqa: ARG002
        now = timezone.now()
        if value == "over":
            return rows.filter(lease_ends_at__lte=now)
        return rows.filter(lease_ends_at__gt=now, lease_ends_at__lte=now + timedelta(days=LEASE_NEAR.days))

    def stream(self, user: User) -> Stream[Namespace]:
        """Only after `is_valid()`. `queryset` holds the rows that one may see."""
        return Stream(
            shown=self.queryset,
            rows=Namespace.objects.all(),
            order=BY_NAME,
            branches=self._branches(user),
            sieve=self.filter_queryset,
            # Leaving out the deleted ones is not counted as a filter: names are mostly given once.
            costly=self.set_besides("team"),
        )

    def _branches(self, user: User) -> tuple[Q, ...]:
        if self.value["team"]:
            return (Q(team=self.value["team"]),)
        if user.sees_everything:
            return EVERYTHING
        mine = list(user.memberships.order_by("team").values_list("team", flat=True))
        if len(mine) > MOST_BRANCHES:
            return (Q(team__in=mine),)
        return tuple(Q(team=key) for key in mine) or (Q(pk__in=[]),)
