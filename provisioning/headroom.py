"""How much of a team's allowance is taken: by namespaces that exist and by requests on their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from provisioning.catalog import Tier
from provisioning.config import the_catalog
from provisioning.models import LIVE, Kind, Namespace, Request, Team
from provisioning.policy import Headroom

GIB = 1024**3
# Kinds that bring a namespace which is not there yet.
_COMING = (Kind.CREATE, Kind.ADOPT)


def of_team(team: Team, *, without: Request | None = None) -> Headroom:
    """Two queries. `without` leaves one request out: that which is being asked or decided."""
    return _headrooms([team], without)[team.pk]


def of_teams(teams: Sequence[Team]) -> dict[int, Headroom]:
    """By the team's primary key; two queries for all of them."""
    return _headrooms(teams, None)


@dataclass(slots=True)
class _Held:
    """Tiers by namespace, one or, while it is being changed, two: the larger counts, part by part."""

    tiers: dict[int, list[str]] = field(default_factory=dict)
    coming: list[list[str]] = field(default_factory=list)


def _headrooms(teams: Sequence[Team], without: Request | None) -> dict[int, Headroom]:
    held = {team.pk: _Held() for team in teams}
    rows = Namespace.objects.existing().filter(team__in=held).values_list("team_id", "pk", "tier")
    for team_id, namespace_id, tier in rows:
        held[team_id].tiers[namespace_id] = [tier]
    live = Request.objects.filter(team__in=held, phase__in=LIVE).exclude(kind=Kind.DELETE)
    if without is not None:
        live = live.exclude(pk=without.pk)
    for team_id, kind, namespace_id, tier in live.values_list("team_id", "kind", "namespace_id", "tier"):
        if kind in _COMING:
            held[team_id].coming.append([tier])
        elif namespace_id in held[team_id].tiers:
            held[team_id].tiers[namespace_id].append(tier)
    return {team.pk: _sum(team, [*held[team.pk].tiers.values(), *held[team.pk].coming]) for team in teams}


def _sum(team: Team, holders: Iterable[Sequence[str]]) -> Headroom:
    known = the_catalog().tiers
    taken: list[list[Tier]] = [[known[key] for key in keys if key in known] for keys in holders]
    taken = [tiers for tiers in taken if tiers]
    return Headroom(
        namespaces_used=len(taken),
        namespaces_limit=team.max_namespaces,
        cpu_used=sum(max(tier.cpu for tier in tiers) for tiers in taken),
        cpu_limit=team.max_cpu,
        memory_used=sum(max(tier.memory_bytes for tier in tiers) for tiers in taken),
        memory_limit=team.max_memory_gib * GIB,
        pods_used=sum(max(tier.pods for tier in tiers) for tiers in taken),
        pods_limit=team.max_pods,
    )
