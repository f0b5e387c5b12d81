"""Who must decide, and why: rules of the catalogue applied to the facts of a request. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, Self

from provisioning.catalog.quantities import format_bytes, format_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.catalog import Catalog, Rule, Tier
    from provisioning.spec import NamespaceSpec

# Of a request, or `renew`: a longer lease, which becomes a request only where no rule grants it at once.
Kind = Literal["create", "change", "delete", "adopt", "renew"]
Result = Literal["auto", "approve", "two", "refuse"]
STRICTNESS: tuple[Result, ...] = ("auto", "approve", "two", "refuse")
# Nothing is ever deleted without a person's decision, whatever the catalogue says.
NEVER_AUTOMATIC: frozenset[Kind] = frozenset({"delete"})
OPENINGS: Mapping[str, str] = {
    "auto": "will be approved automatically: ",
    "approve": "needs a platform admin, because: ",
    "two": "needs two platform admins, because: ",
    "refuse": "cannot be asked for, because: ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What a team holds and may hold. CPU in cores, memory in bytes; a limit of None is no limit."""

    namespaces_used: int = 0
    namespaces_limit: int | None = None
    cpu_used: Decimal | int = 0
    cpu_limit: Decimal | int | None = None
    memory_used: int = 0
    memory_limit: int | None = None
    pods_used: int = 0
    pods_limit: int | None = None

    def after(self, tier: Tier | None, replacing: Tier | None = None) -> Headroom:
        """With one more namespace of `tier`; with `replacing`, a namespace of that tier becomes one of `tier`."""
        new, old = _amounts(tier), _amounts(replacing)
        used = {key: getattr(self, f"{key}_used") + new[key] - old[key] for key in new}
        return dataclasses.replace(self, **{f"{key}_used": value for key, value in used.items()})

    def shortfalls(self, tier: Tier | None, replacing: Tier | None = None) -> list[str]:
        """What would be above its limit, in words: "CPU 26 of 24". What a change does not raise is no shortfall."""
        then = self.after(tier, replacing)
        found = []
        for key, words in (("namespaces", "namespaces"), ("cpu", "CPU"), ("memory", "memory"), ("pods", "pods")):
            used, limit = getattr(then, f"{key}_used"), getattr(self, f"{key}_limit")
            if limit is not None and used > limit and used > getattr(self, f"{key}_used"):
                show = format_bytes if key == "memory" else format_number
                found.append(f"{words} {show(used)} of {show(limit)}")
        return found

    def fits(self, tier: Tier | None, replacing: Tier | None = None) -> bool:
        return not self.shortfalls(tier, replacing)


def _amounts(tier: Tier | None) -> dict[str, Decimal | int]:
    if tier is None:
        return {"namespaces": 0, "cpu": 0, "memory": 0, "pods": 0}
    return {"namespaces": 1, "cpu": tier.cpu, "memory": tier.memory_bytes, "pods": tier.pods}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    spec: NamespaceSpec
    kind: Kind = "create"
    environment: str  # key in the catalogue, "" = none fits the name
    headroom: Headroom
    current: NamespaceSpec | None = None  # what a change or a renewal starts from
    requester_roles: tuple[str, ...] = ()  # of lead, member, platform-admin
    renewals: int = 0  # of the lease by a rule, since a person last decided on it


@dataclass(frozen=True, slots=True)
class Verdict:
    result: Result
    rule: str  # the key of the first rule with this result; "otherwise" when none applied
    reasons: tuple[str, ...]
    sentence: str

    @property
    def is_auto(self) -> bool:
        return self.result == "auto"

    @property
    def approvals_needed(self) -> int:
        """How many different people have to approve; 0 = none. Meaningless for `refuse`."""
        return {"auto": 0, "approve": 1, "two": 2, "refuse": 0}[self.result]

    def to_json(self) -> dict[str, Any]:
        return {"result": self.result, "rule": self.rule, "reasons": list(self.reasons), "sentence": self.sentence}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError or ValueError for data that `to_json` did not make."""
        if data["result"] not in STRICTNESS:
            raise ValueError(f"{data['result']!r} is no result of a policy")
        return cls(data["result"], str(data["rule"]), tuple(map(str, data["reasons"])), str(data["sentence"]))


def facts(spec: NamespaceSpec, kind: Kind, headroom: Headroom, catalog: Catalog, **more: Any) -> Facts:
    """Facts with the environment that the catalogue sees in the name."""
    return Facts(spec=spec, kind=kind, headroom=headroom, environment=catalog.environment_of(spec.name), **more)


def decide(facts: Facts, catalog: Catalog) -> Verdict:
    """The strictest result of all rules that apply, with the reasons of each rule that needs a person.

    For an automatic approval: the first such rule, as it is named as the decider. Without any rule: `otherwise`.
    """
    heard = [rule for rule in catalog.rules if applies(rule, facts, catalog)]
    if facts.kind in NEVER_AUTOMATIC:
        heard = [rule for rule in heard if rule.result != "auto"]
    heard = heard or [catalog.otherwise]
    strictest = max(STRICTNESS.index(rule.result) for rule in heard)
    result = STRICTNESS[strictest]
    first = next(rule for rule in heard if rule.result == result)
    telling = [first] if result == "auto" else [rule for rule in heard if rule.result != "auto"]
    if result == "refuse":
        telling = [rule for rule in heard if rule.result == "refuse"]
    reasons = tuple(dict.fromkeys(_words(rule, facts, catalog) for rule in telling))
    return Verdict(result, first.key, reasons, OPENINGS[result] + "; ".join(reasons))


def applies(rule: Rule, facts: Facts, catalog: Catalog) -> bool:
    """Do all conditions of `rule` hold?"""
    when, spec = rule.when, facts.spec
    return (
        (not when.kinds or facts.kind in when.kinds)
        and (not when.teams or any(fnmatchcase(spec.team, pattern) for pattern in when.teams))
        and (not when.tiers or spec.tier in when.tiers)
        and (not when.environments or (facts.environment or "none") in when.environments)
        and (not when.features or bool(_asked(when.features, facts, catalog)))
        and not _asked(when.without_features, facts, catalog)
        and (not when.roles or bool(set(when.roles) & set(facts.requester_roles)))
        and (when.lease_over is None or (_asks_for_lease(facts) and spec.lease_days > when.lease_over))
        and (when.lease_at_most is None or not _asks_for_lease(facts) or spec.lease_days <= when.lease_at_most)
        and (when.renewals_over is None or facts.renewals > when.renewals_over)
        and (not when.headroom or when.headroom == ("outside" if _shortfalls(facts, catalog) else "inside"))
    )


def _asks_for_lease(facts: Facts) -> bool:
    """A change that leaves the lease as it is asks for none."""
    return facts.kind != "change" or facts.current is None or facts.current.lease_days != facts.spec.lease_days


def _asked(wanted: tuple[str, ...], facts: Facts, catalog: Catalog) -> list[str]:
    """Which of the wanted features are asked for; in a change, asked for anew or with more in their fields."""
    return [
        key
        for key in facts.spec.features
        if (key in wanted or ("gated" in wanted and key in catalog.features and catalog.features[key].gate))
        and not _held(key, facts, catalog)
    ]


def _held(key: str, facts: Facts, catalog: Catalog) -> bool:
    """Does the namespace have this feature already, with the same values in its fields?"""
    if facts.current is None or key not in facts.current.features or key not in catalog.features:
        return False
    feature = catalog.features[key]
    return feature.values(facts.current.options) == feature.values(facts.spec.options)


def _shortfalls(facts: Facts, catalog: Catalog) -> list[str]:
    if facts.kind in {"delete", "renew"}:
        return []
    current = catalog.tiers.get(facts.current.tier) if facts.current else None
    return facts.headroom.shortfalls(catalog.tiers.get(facts.spec.tier), current)


def _words(rule: Rule, facts: Facts, catalog: Catalog) -> str:
    spec = facts.spec
    asked = _asked(rule.when.features, facts, catalog) if rule.when.features else spec.features
    return rule.reason.format(
        name=spec.name,
        team=spec.team,
        tier=spec.tier,
        environment=facts.environment or "an unknown environment",
        features=", ".join(catalog.features[key].words for key in asked if key in catalog.features),
        lease_days=spec.lease_days,
        shortfalls=", ".join(_shortfalls(facts, catalog)),
        kind=facts.kind,
        renewals=facts.renewals,
    )


def facts_json(facts: Facts) -> dict[str, Any]:
    """What `facts` hold besides the specification, for storing: with it the decision can be made again later."""
    room = {
        field.name: None if (value := getattr(facts.headroom, field.name)) is None else str(value)
        for field in dataclasses.fields(Headroom)
    }
    return {
        "headroom": room,
        "current": facts.current.to_json() if facts.current else None,
        "roles": list(facts.requester_roles),
        "renewals": facts.renewals,
        "kind": facts.kind,
    }


def headroom_from_json(data: Mapping[str, str | None]) -> Headroom:
    """The other way round; what is missing counts as nothing used, and no limit."""
    amounts = {key: Decimal(value) for key, value in data.items() if value is not None}
    whole = {key: int(value) for key, value in amounts.items() if not key.startswith("cpu")}
    return Headroom(**{**amounts, **whole})  # type: ignore[arg-type]
