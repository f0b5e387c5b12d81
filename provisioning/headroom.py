"""How much of a team's allowance is taken: by namespaces that exist and by requests on their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from provisioning.config import the_catalog
from provisioning.models import LIVE, Kind, Namespace, Request, Team
from provisioning.policy import Headroom

GIB = 1024**3


def of_team(team: Team, *, without: Request | None = None) -> Headroom:
    """Two queries. `without` leaves one request out: that which is being asked or decided."""
    existing = list(Namespace.objects.existing().filter(team=team).values_list("tier", flat=True))
    coming = Request.objects.filter(team=team, phase__in=LIVE, kind=Kind.CREATE)
    if without is not None:
        coming = coming.exclude(pk=without.pk)
    return _sum(team, [*existing, *coming.values_list("tier", flat=True)])


def of_teams(teams: Sequence[Team]) -> dict[int, Headroom]:
    """By the team's primary key; two queries for all of them."""
    held: dict[int, list[str]] = {team.pk: [] for team in teams}
    existing = Namespace.objects.existing().filter(team__in=held)
    coming = Request.objects.filter(team__in=held, phase__in=LIVE, kind=Kind.CREATE)
    for rows in (existing, coming):
        for team_id, tier in rows.values_list("team_id", "tier"):
            held[team_id].append(tier)
    return {team.pk: _sum(team, held[team.pk]) for team in teams}


def _sum(team: Team, tiers: Iterable[str]) -> Headroom:
    known = the_catalog().tiers
    taken = [known[key] for key in tiers if key in known]
    return Headroom(
        namespaces_used=len(taken),
        namespaces_limit=team.max_namespaces,
        cpu_used=sum(tier.cpu for tier in taken),
        cpu_limit=team.max_cpu,
        memory_used=sum(tier.memory_bytes for tier in taken),
        memory_limit=team.max_memory_gib * GIB,
        pods_used=sum(tier.pods for tier in taken),
        pods_limit=team.max_pods,
    )
