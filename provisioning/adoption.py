"""Taking over a namespace that the portal did not make: whose it seems to be, and what was granted to it. Pure.

Labels and quota suggest a specification; a person corrects it. A namespace that the platform manages is taken over
under the request id it bears. Any other needs the cluster's consent: a label that names the request, set by a cluster
administrator, without which the admission policies do not let the provisioner touch it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from provisioning.catalog import Catalog, Tier
from provisioning.catalog.placeholders import name_of
from provisioning.catalog.quantities import parse_quantity
from provisioning.drift import OWNER, objects
from provisioning.spec import LEVELS, NamespaceSpec, Subject

CONSENT = "platform.io/adopt"
MANAGED = "platform.io/managed"
TEAM = "platform.io/team"
TIER = "platform.io/resource-tier"
FEATURES = "platform.io/features"
# Labels by which others name the team, the most telling first.
TEAM_HINTS = (TEAM, "team", "app.kubernetes.io/part-of", "owner")
# Kubernetes' own roles, and the level that comes closest.
_BUILT_IN = {"admin": "admins", "edit": "editors", "view": "viewers"}
_SIZES = (("limits.cpu", "requests.cpu"), ("limits.memory", "requests.memory"), ("pods",))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A specification to begin with, and why each part is as it is, in sentences."""

    spec: NamespaceSpec
    owner_request_id: str  # that it bears; "" for one that the platform does not manage
    notes: tuple[str, ...] = ()

    @property
    def is_managed(self) -> bool:
        return bool(self.owner_request_id)


def is_managed(live: Mapping[str, Any]) -> bool:
    return _labels(live).get(MANAGED) == "true"


def owner_of(live: Mapping[str, Any]) -> str:
    """The request id that a managed namespace bears, "" for another. Raises ValueError for one that is no UUID."""
    if not is_managed(live):
        return ""
    bears = _labels(live).get(OWNER, "")
    try:
        return str(uuid.UUID(bears))
    except ValueError as error:
        raise ValueError(f"It is managed, and bears the request id “{bears}”, which is none of a portal's.") from error


def command(name: str, request_id: str) -> str:
    """What a cluster administrator runs to let this request take the namespace over."""
    return f"kubectl label namespace {name} {CONSENT}={request_id}"


def propose(live: Mapping[str, Any], catalog: Catalog, teams: Collection[str], lease_days: int) -> Proposal:
    """What `live` (an audit run's output of one namespace) looks like in terms of the catalogue.

    `teams` are those that exist. An unknown team stays empty, for the person to choose. Raises ValueError as
    `owner_of` does.
    """
    seen = _Seen(live, catalog)
    team, why_team = seen.team(teams)
    tier, why_tier = seen.tier()
    features, options, why_features = seen.features()
    people = seen.people()
    annotations = live["namespace"]["metadata"].get("annotations") or {}
    spec = NamespaceSpec(
        name=live["namespace"]["metadata"]["name"],
        team=team,
        tier=tier,
        features=features,
        purpose=str(annotations.get("platform.io/purpose", "")),
        lease_days=lease_days,
        options=options,
        **{level: tuple(people[level]) for level in LEVELS},
    )
    return Proposal(spec, owner_of(live), tuple(note for note in (why_team, why_tier, why_features) if note))


def _labels(live: Mapping[str, Any]) -> dict[str, str]:
    return dict(live["namespace"]["metadata"].get("labels") or {})


@dataclass(frozen=True)
class _Seen:
    live: Mapping[str, Any]
    catalog: Catalog
    items: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", objects(self.live))

    @property
    def labels(self) -> dict[str, str]:
        return _labels(self.live)

    @property
    def annotations(self) -> dict[str, str]:
        return dict(self.live["namespace"]["metadata"].get("annotations") or {})

    def of(self, kind: str) -> Iterable[dict[str, Any]]:
        return (item for item in self.items if item["kind"] == kind)

    def team(self, teams: Collection[str]) -> tuple[str, str]:
        for key in TEAM_HINTS:
            if (value := self.labels.get(key, "")) in teams and value:
                return value, f"Team {value}, by the label {key}."
        name = self.live["namespace"]["metadata"]["name"]
        beginnings = [team for team in teams if name == team or name.startswith(f"{team}-")]
        if beginnings:
            best = max(beginnings, key=len)
            return best, f"Team {best}, by the beginning of the name."
        return "", "Nothing says whose it is: choose the team."

    def tier(self) -> tuple[str, str]:
        """As labelled, else the smallest that holds what its quotas allow, or are used for."""
        label = self.labels.get(TIER, "")
        if label in self.catalog.tiers:
            return label, f"Tier {label}, by its label."
        tiers = sorted(self.catalog.tiers.values(), key=lambda tier: tier.rank)
        needed = [self._allowed(names) for names in _SIZES]
        if not any(needed):
            return tiers[0].key, "It has no quota, so the smallest tier is proposed: look at what runs in it."
        fitting = [tier for tier in tiers if _holds(tier, needed)]
        if fitting:
            return fitting[0].key, f"Tier {fitting[0].key}, the smallest that holds its quota."
        return tiers[-1].key, f"Its quota is larger than tier {tiers[-1].key}, the largest there is."

    def _allowed(self, names: tuple[str, ...]) -> Decimal:
        """The largest amount that any of its quotas states under one of these names; 0 when none does."""
        stated = [
            parse_quantity(str(quota["spec"]["hard"][name]))
            for quota in self.of("ResourceQuota")
            for name in names
            if name in (quota.get("spec", {}).get("hard") or {})
        ]
        return max(stated, default=Decimal(0))

    def features(self) -> tuple[tuple[str, ...], dict[str, str], str]:
        told = self._told_features()
        if told is not None:
            keys, note = told, "Features as the namespace itself says."
        else:
            keys = [key for key in self.catalog.features if self._shows(key)]
            note = f"Features by labels and policies: {', '.join(keys)}." if keys else "No label shows a feature."
        options = {key: value for feature in keys for key, value in self._options(feature).items()}
        return tuple(keys), options, note

    def _told_features(self) -> list[str] | None:
        """By the annotation that the portal writes; None without one that can be read."""
        try:
            told = json.loads(self.annotations.get(FEATURES, ""))
        except ValueError:
            return None
        return [key for key in told if key in self.catalog.features] if isinstance(told, list) else None

    def _shows(self, key: str) -> bool:
        """Every label of the feature is there, or every object that it brings; without either it cannot be seen."""
        feature = self.catalog.features[key]
        labels = self._filled(feature.labels)
        if labels:
            return all(self.labels.get(name) == value or not value for name, value in labels.items())
        brought = [(item["kind"], item["metadata"]["name"]) for item in feature.objects if "when" not in item]
        present = {(item["kind"], item["metadata"]["name"]) for item in self.items}
        return bool(brought) and set(brought) <= present

    def _filled(self, labels: Any) -> dict[str, str]:
        """A feature's labels with the cluster's settings filled in; "" for what a field of the request fills."""
        if isinstance(labels, str):
            labels = self.catalog.cluster.value(name_of(labels).removeprefix("cluster."))
        found = {}
        for key, value in (labels or {}).items():
            if key in self.labels or not name_of(value):
                found[key] = "" if name_of(value) else value
            else:
                found[key] = "absent"  # a value that only a request could fill, on a label that is not there
        return found

    def _options(self, key: str) -> dict[str, str]:
        """Values of the feature's fields, where a label, an annotation or the quota holds them."""
        feature = self.catalog.features[key]
        hard = [dict(quota.get("spec", {}).get("hard") or {}) for quota in self.of("ResourceQuota")]
        sources = ((feature.labels, [self.labels]), (feature.annotations, [self.annotations]), (feature.quota, hard))
        found = {}
        for template, holders in sources:
            for name, value in (template if isinstance(template, dict) else {}).items():
                scope, _, option = name_of(value).partition(".")
                held = next((str(holder[name]) for holder in holders if name in holder), "")
                if scope == "options" and held:
                    found[option] = held
        return found

    def people(self) -> dict[str, list[Subject]]:
        """Who is bound to a role of the platform, or to one of Kubernetes' own. Accounts and system: are left out."""
        cluster = self.catalog.cluster
        levels = {cluster.admin_role: "admins", cluster.editor_role: "editors", cluster.viewer_role: "viewers"}
        found: dict[str, list[Subject]] = {level: [] for level in LEVELS}
        for binding in self.of("RoleBinding"):
            role = binding["roleRef"]
            level = (levels | _BUILT_IN).get(role["name"]) if role["kind"] == "ClusterRole" else None
            if level:
                found[level] += [_person(subject) for subject in binding.get("subjects") or [] if _is_person(subject)]
        return found


def _holds(tier: Tier, needed: list[Decimal]) -> bool:
    has = (tier.cpu, Decimal(tier.memory_bytes), Decimal(tier.pods))
    return all(amount <= limit for amount, limit in zip(needed, has, strict=True))


def _is_person(subject: Mapping[str, Any]) -> bool:
    return subject["kind"] in {"User", "Group"} and not subject["name"].lower().startswith("system:")


def _person(subject: Mapping[str, Any]) -> Subject:
    return Subject(subject["kind"], subject["name"])
