"""The catalogue as it is answered: what may be asked for, and who decides when."""

from __future__ import annotations

from pydantic import Field

from provisioning.api.answers import Answer
from provisioning.catalog import Catalog, Feature, Rule, Tier
from provisioning.policy import Result


class TierAnswer(Answer):
    key: str
    title: str
    text: str
    summary: str
    quota: dict[str, str]


class OptionAnswer(Answer):
    """Something that a feature asks for; it is sent in `options`."""

    key: str
    title: str
    help: str
    kind: str = Field(description="integer, label, email or text")
    required: bool
    default: str
    minimum: int | None
    maximum: int | None


class FeatureAnswer(Answer):
    key: str
    title: str
    text: str
    effect: str
    risk: str
    default: bool
    gated: bool
    options: list[OptionAnswer]


class RuleAnswer(Answer):
    """A rule of the policy. The strictest result of all that apply counts."""

    key: str
    result: Result
    when: str
    reason: str


class LeaseAnswer(Answer):
    """In days."""

    default: int
    most: int
    choices: list[int]


class EnvironmentAnswer(Answer):
    """Told from a namespace's name."""

    key: str
    title: str
    patterns: list[str]


class ReservedAnswer(Answer):
    pattern: str
    reason: str


class CatalogAnswer(Answer):
    """Everything that may be asked for here."""

    version: str
    tiers: list[TierAnswer]
    features: list[FeatureAnswer]
    environments: list[EnvironmentAnswer]
    lease: LeaseAnswer
    name_pattern: str
    reserved_names: list[ReservedAnswer]
    policy: list[RuleAnswer]


def catalog_answer(catalog: Catalog) -> CatalogAnswer:
    lease = catalog.lease
    return CatalogAnswer(
        version=catalog.version,
        tiers=[_tier(tier) for tier in catalog.tiers.values()],
        features=[_feature(feature) for feature in catalog.features.values()],
        environments=[
            EnvironmentAnswer(key=one.key, title=one.title, patterns=list(one.patterns))
            for one in catalog.environments.values()
        ],
        lease=LeaseAnswer(default=lease.default_days, most=lease.max_days, choices=list(lease.choices)),
        name_pattern=catalog.name_pattern,
        reserved_names=[ReservedAnswer(pattern=name.pattern, reason=name.reason) for name in catalog.cluster.reserved],
        policy=[_rule(rule) for rule in (*catalog.rules, catalog.otherwise)],
    )


def _tier(tier: Tier) -> TierAnswer:
    return TierAnswer(key=tier.key, title=tier.title, text=tier.text, summary=tier.summary, quota=dict(tier.hard))


def _feature(feature: Feature) -> FeatureAnswer:
    names = ("key", "title", "help", "kind", "required", "default", "minimum", "maximum")
    return FeatureAnswer(
        key=feature.key,
        title=feature.title,
        text=feature.text,
        effect=feature.effect,
        risk=feature.risk,
        default=feature.default,
        gated=feature.gate,
        options=[OptionAnswer(**{name: getattr(item, name) for name in names}) for item in feature.fields],
    )


def _rule(rule: Rule) -> RuleAnswer:
    return RuleAnswer.model_validate(
        {"key": rule.key, "result": rule.result, "when": _words(rule), "reason": rule.reason}
    )


def _words(rule: Rule) -> str:
    """The rule's conditions in a sentence's half: all must hold."""
    when = rule.when
    parts = [
        ("a request to", when.kinds),
        ("team", when.teams),
        ("tier", when.tiers),
        ("environment", when.environments),
        ("with feature", when.features),
        ("without feature", when.without_features),
    ]
    found = [f"{words} {' or '.join(values)}" for words, values in parts if values]
    if when.lease_over is not None:
        found.append(f"a lease of more than {when.lease_over} days")
    if when.lease_at_most is not None:
        found.append(f"a lease of {when.lease_at_most} days at most")
    if when.headroom:
        found.append(f"{when.headroom} the team's headroom")
    return ", ".join(found) or "no other rule applies"
