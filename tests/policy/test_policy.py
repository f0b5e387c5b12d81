from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from provisioning import catalog
from provisioning.policy import (
    STRICTNESS,
    Facts,
    Headroom,
    Kind,
    Verdict,
    applies,
    decide,
    facts,
    facts_json,
    headroom_from_json,
)
from provisioning.spec import NamespaceSpec
from tests.manifests.values import PROPERTY, specs

SHIPPED = catalog.load()
GIB = 2**30
SPEC = NamespaceSpec("payments-dev", "payments", "small", ("logging", "monitoring"), lease_days=90)
ROOM = Headroom(
    namespaces_used=2, namespaces_limit=6, cpu_used=Decimal(20), cpu_limit=24,
    memory_used=10 * GIB, memory_limit=48 * GIB, pods_used=30, pods_limit=150,
)  # fmt: skip
FULL = Headroom(namespaces_used=6, namespaces_limit=6)


def verdict(spec: NamespaceSpec = SPEC, kind: Kind = "create", room: Headroom = ROOM, **more: Any) -> Verdict:
    return decide(facts(spec, kind, room, SHIPPED, **more), SHIPPED)


def changed(**changes: Any) -> NamespaceSpec:
    return SPEC.replace(**changes)


TABLE: list[tuple[NamespaceSpec, Kind, Headroom, str, str, tuple[str, ...]]] = [
    (SPEC, "create", ROOM, "auto", "small-in-dev", ("small tier in dev, inside the team's headroom",)),
    (changed(name="x-sandbox"), "create", ROOM, "auto", "small-in-dev", ("small tier in sandbox, inside the team's headroom",)),
    (changed(tier="medium"), "create", ROOM, "approve", "otherwise", ("no rule approves a medium tier in dev by itself",)),
    (changed(name="x-test"), "create", ROOM, "approve", "otherwise", ("no rule approves a small tier in test by itself",)),
    (changed(name="x"), "create", ROOM, "approve", "otherwise", ("no rule approves a small tier in an unknown environment by itself",)),
    (changed(tier="large", features=("external-egress",)), "create", Headroom(), "approve", "large-tier", ("large tier", "external egress")),
    (changed(features=("gpu", "external-egress")), "create", ROOM, "approve", "gated-feature", ("external egress, GPUs",)),
    (changed(name="x-prod"), "create", ROOM, "approve", "production", ("production",)),
    (changed(name="x-prod", features=("gpu",)), "create", ROOM, "two", "gpu-in-production", ("GPUs", "production", "GPUs in production")),
    (SPEC, "create", FULL, "approve", "over-headroom", ("outside the team's headroom: namespaces 7 of 6",)),
    (changed(lease_days=181), "create", ROOM, "approve", "long-lease", ("a lease of 181 days",)),
    (SPEC, "delete", FULL, "approve", "deletion", ("a deletion needs a second person",)),
    (changed(tier="large", name="x-prod", features=("gpu",)), "delete", ROOM, "approve", "deletion", ("a deletion needs a second person",)),
    (SPEC, "adopt", ROOM, "approve", "adoption", ("a namespace that exists is taken over",)),
    (changed(tier="large"), "adopt", FULL, "approve", "adoption", ("a namespace that exists is taken over", "large tier", "outside the team's headroom: namespaces 7 of 6")),
    (SPEC, "renew", FULL, "approve", "otherwise", ("no rule approves a small tier in dev by itself",)),
    (changed(lease_days=365), "renew", ROOM, "approve", "long-lease", ("a lease of 365 days",)),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
def test_the_shipped_rules(row: tuple[NamespaceSpec, Kind, Headroom, str, str, tuple[str, ...]]) -> None:
    found = verdict(*row[:3])
    assert (found.result, found.rule, found.reasons) == row[3:]


@pytest.mark.parametrize(
    ("roles", "days", "renewals", "rule"),
    [
        (("lead",), 180, 0, "renew-by-lead"),
        (("platform-admin",), 180, 3, "renew-by-lead"),
        (("member",), 90, 0, "otherwise"),
        (("lead",), 181, 0, "long-lease"),
        (("lead",), 90, 4, "many-renewals"),
        (("member", "lead"), 1, 0, "renew-by-lead"),
    ],
)
def test_who_renews_how_often_and_up_to_which_end(roles: tuple[str, ...], days: int, renewals: int, rule: str) -> None:
    found = verdict(changed(lease_days=days), "renew", FULL, current=SPEC, requester_roles=roles, renewals=renewals)
    assert (found.rule, found.is_auto) == (rule, rule == "renew-by-lead")


def test_a_change_that_leaves_a_long_lease_as_it_is_asks_for_none() -> None:
    long = changed(lease_days=365)
    assert verdict(long.replace(features=("ingress",)), "change", current=long).rule == "change-in-dev"
    assert verdict(long, "change", current=SPEC).rule == "long-lease"


def test_a_feature_that_the_catalogue_has_no_more_is_no_reason_to_fall_over() -> None:
    old = changed(features=("gone", "logging"))
    assert verdict(changed(), "change", current=old).rule == "change-in-dev"


def test_nothing_is_deleted_by_a_rule_whatever_the_catalogue_says() -> None:
    rules = own("    - {key: anything, when: {team: ['*']}, result: auto, reason: why not}")
    for kind in ("create", "change", "adopt", "renew"):
        assert decide(facts(SPEC, kind, ROOM, rules), rules).is_auto
    assert decide(facts(SPEC, "delete", ROOM, rules), rules).rule == "otherwise"


def test_facts_are_kept_so_that_the_decision_can_be_made_again() -> None:
    asked = facts(SPEC, "renew", ROOM, SHIPPED, current=SPEC, requester_roles=("lead",), renewals=2)
    kept = json.loads(json.dumps(facts_json(asked)))
    assert headroom_from_json(kept["headroom"]) == ROOM
    assert (kept["kind"], kept["roles"], kept["renewals"]) == ("renew", ["lead"], 2)
    assert NamespaceSpec.from_json(kept["current"]) == SPEC
    assert headroom_from_json(facts_json(facts(SPEC, "create", Headroom(), SHIPPED))["headroom"]) == Headroom()


def test_sentences_are_ready_to_be_shown() -> None:
    assert verdict().sentence == "will be approved automatically: small tier in dev, inside the team's headroom"
    both = verdict(changed(tier="large", features=("external-egress",)), room=Headroom())
    assert both.sentence == "needs a platform admin, because: large tier; external egress"
    two = verdict(changed(name="x-prod", features=("gpu",)))
    assert two.sentence == "needs two platform admins, because: GPUs; production; GPUs in production"
    assert [verdict().approvals_needed, both.approvals_needed, two.approvals_needed] == [0, 1, 2]


def test_a_change_is_judged_by_what_it_adds() -> None:
    opened = changed(features=("external-egress", "logging"))
    with_ingress = opened.replace(features=("external-egress", "ingress", "logging"))
    assert verdict(with_ingress, "change", current=opened).rule == "change-in-dev"
    assert verdict(opened, "change", current=SPEC).reasons == ("external egress",)


def test_more_of_a_gated_feature_is_asked_for_again() -> None:
    one = changed(features=("gpu",), options={"gpu_count": "1"})
    assert verdict(one.replace(options={}), "change", current=one).result == "auto"
    assert verdict(one.replace(options={"gpu_count": "4"}), "change", current=one).reasons == ("GPUs",)


def test_a_change_takes_only_the_difference_of_the_headroom() -> None:
    small, medium, large = (SHIPPED.tiers[key] for key in ("small", "medium", "large"))
    assert ROOM.shortfalls(large) == ["CPU 28 of 24"]
    assert ROOM.shortfalls(medium, replacing=small) == []
    full = Headroom(namespaces_used=6, namespaces_limit=6, cpu_used=24, cpu_limit=24)
    assert full.shortfalls(medium, replacing=small) == ["CPU 26 of 24"]
    assert full.fits(small, replacing=medium)
    assert full.after(small, replacing=medium).cpu_used == 22


def test_a_team_above_its_limit_may_still_shrink_or_stay() -> None:
    over = Headroom(cpu_used=30, cpu_limit=24, pods_used=10, pods_limit=0)
    small = SHIPPED.tiers["small"]
    assert over.shortfalls(small, replacing=small) == []
    assert over.shortfalls(small) == ["CPU 32 of 24", "pods 20 of 0"]


def test_shortfalls_are_told_in_units() -> None:
    tight = Headroom(namespaces_limit=0, cpu_limit=Decimal("1.5"), memory_limit=3 * GIB // 2, pods_limit=9)
    assert tight.shortfalls(SHIPPED.tiers["small"]) == [
        "namespaces 1 of 0",
        "CPU 2 of 1.5",
        "memory 4Gi of 1.5Gi",
        "pods 10 of 9",
    ]
    assert Headroom().fits(SHIPPED.tiers["large"])


def test_verdicts_survive_json() -> None:
    for row in TABLE:
        found = verdict(*row[:3])
        assert Verdict.from_json(json.loads(json.dumps(found.to_json()))) == found
    with pytest.raises(ValueError, match="no result"):
        Verdict.from_json({"result": "maybe", "rule": "", "reasons": [], "sentence": ""})


RULES = """
  rules:
    - key: no-squatting
      when: {team: [tmp-*, lab], kind: create}
      result: refuse
      reason: team {team} may not ask
    - key: bare
      when: {without_features: [logging, gated], lease_at_most: 30, environment: none, tier: [small, medium]}
      result: auto
      reason: "{name}: {kind} without {features}, {lease_days} days"
    - key: second
      when: {kind: [create, change]}
      result: auto
      reason: ordinary
  otherwise:
    result: two
    reason: nobody said otherwise
"""


def own(first: str = "") -> catalog.Catalog:
    text = catalog.DEFAULT_PATH.read_text()
    start, end = text.index("  rules:\n"), text.index("# ----", text.index("  otherwise:\n"))
    rules = RULES.lstrip("\n").replace("  rules:\n", f"  rules:\n{first}\n" if first else "  rules:\n")
    return catalog.parse(text[:start] + rules + text[end:])


def test_conditions_of_every_sort() -> None:
    rules = own()
    bare = SPEC.replace(name="x", features=("monitoring",), lease_days=30)

    def heard(spec: NamespaceSpec, kind: Kind = "create") -> list[str]:
        asked = facts(spec, kind, Headroom(), rules)
        return [rule.key for rule in rules.rules if applies(rule, asked, rules)]

    assert heard(bare) == ["bare", "second"]
    assert heard(bare, "delete") == ["bare"]
    assert heard(bare.replace(lease_days=31)) == ["second"]
    assert heard(bare.replace(features=("logging",))) == ["second"]
    assert heard(bare.replace(features=("gpu",))) == ["second"]
    assert heard(bare.replace(name="x-dev")) == ["second"]
    assert heard(bare.replace(tier="large")) == ["second"]
    assert heard(bare.replace(team="tmp-a")) == ["no-squatting", "bare", "second"]
    assert heard(bare.replace(team="lab")) == ["no-squatting", "bare", "second"]
    assert heard(bare.replace(team="labs")) == ["bare", "second"]


def test_the_strictest_rule_wins_and_the_first_of_it_is_named() -> None:
    rules = own()
    bare = SPEC.replace(name="x", features=("monitoring",), lease_days=30)
    found = decide(facts(bare, "create", Headroom(), rules), rules)
    assert found == Verdict(
        "auto",
        "bare",
        ("x: create without monitoring, 30 days",),
        "will be approved automatically: x: create without monitoring, 30 days",
    )
    refused = decide(facts(bare.replace(team="tmp-a"), "create", Headroom(), rules), rules)
    assert refused.sentence == "cannot be asked for, because: team tmp-a may not ask"
    assert decide(facts(SPEC, "delete", Headroom(), rules), rules).rule == "otherwise"


@PROPERTY
@given(specs())
def test_no_request_is_approved_by_itself_that_a_stricter_rule_sees(spec: NamespaceSpec) -> None:
    asked: Facts = facts(spec, "create", ROOM, SHIPPED)
    heard = [rule for rule in SHIPPED.rules if applies(rule, asked, SHIPPED)]
    found = decide(asked, SHIPPED)
    assert all(STRICTNESS.index(rule.result) <= STRICTNESS.index(found.result) for rule in heard)
    gated = any(SHIPPED.features[key].gate for key in spec.features)
    assert not (found.is_auto and (gated or spec.tier != "small" or not ROOM.fits(SHIPPED.tiers[spec.tier])))
    assert found.reasons
    assert all(reason and reason in found.sentence for reason in found.reasons)
