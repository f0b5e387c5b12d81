"""What a namespace looks like in terms of the catalogue, when somebody wants to take it over."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning import adoption, catalog
from provisioning.adoption import Proposal
from provisioning.spec import Subject
from tests.drift.live import found, item

SHIPPED = catalog.load()
TEAMS = ["red", "red-hot", "payments"]
OWNER = "3f2c8f1e-0d4b-4a7e-9a51-6f0f5a1c2b3d"


def bare(name: str = "red-shop", **labels: str) -> dict[str, Any]:
    """A namespace that somebody made by hand."""
    metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}, "uid": "u-1"}
    namespace = {"kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}}
    return {"namespace": namespace, "objects": {"items": []}, "monitoringConfig": None, "platformUser": None}


def quota(name: str = "their-own", **hard: str) -> dict[str, Any]:
    return {"kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": hard}}


def binding(role: str, *subjects: tuple[str, str], kind: str = "ClusterRole") -> dict[str, Any]:
    return {
        "kind": "RoleBinding",
        "metadata": {"name": f"{role}-binding"},
        "roleRef": {"kind": kind, "name": role},
        "subjects": [{"kind": kind, "name": name} for kind, name in subjects],
    }


def proposed(live: dict[str, Any]) -> Proposal:
    return adoption.propose(live, SHIPPED, TEAMS, 90)


def test_an_orphan_is_proposed_as_it_was_granted() -> None:
    live = found()
    labels = live["namespace"]["metadata"]["labels"]
    labels["platform.io/request-id"] = OWNER
    labels["platform.io/team"] = "red"
    live["namespace"]["metadata"]["annotations"]["platform.io/log-retention-days"] = "14"
    result = proposed(live)
    spec = result.spec
    assert (spec.name, spec.team, spec.tier) == ("team-red-dev", "red", "medium")
    assert spec.features == ("backup", "logging", "monitoring")
    assert spec.options == {"log_retention_days": "14"}
    assert Subject("User", "alice@example.com") in spec.admins
    assert all(subject.kind in {"User", "Group"} for subject in spec.subjects)
    assert (result.owner_request_id, result.is_managed) == (OWNER, True)
    assert result.notes == (
        "Team red, by the label platform.io/team.",
        "Tier medium, by its label.",
        "Features as the namespace itself says.",
    )


def test_a_request_id_that_is_none_of_a_portal_is_refused() -> None:
    live = found()
    live["namespace"]["metadata"]["labels"]["platform.io/request-id"] = "req-1"
    with pytest.raises(ValueError, match="“req-1”"):
        proposed(live)
    live["namespace"]["metadata"]["labels"]["platform.io/managed"] = "false"
    assert proposed(live).owner_request_id == ""


@pytest.mark.parametrize(
    ("live", "team"),
    [
        (bare(), "red"),
        (bare("red-hot-shop"), "red-hot"),
        (bare("red"), "red"),
        (bare("reddish"), ""),
        (bare("shop", team="payments"), "payments"),
        (bare("red-shop", **{"app.kubernetes.io/part-of": "payments"}), "payments"),
        (bare("shop", team="nobody"), ""),
    ],
)
def test_the_team_is_told_by_labels_then_by_the_name(live: dict[str, Any], team: str) -> None:
    assert proposed(live).spec.team == team


@pytest.mark.parametrize(
    ("quotas", "tier"),
    [
        ([], "small"),
        ([quota(**{"limits.cpu": "1500m"})], "small"),
        ([quota(**{"requests.cpu": "3"})], "medium"),
        ([quota(pods="11")], "medium"),
        ([quota(**{"limits.memory": "12Gi"})], "large"),
        ([quota(pods="5"), quota("second", **{"limits.cpu": "8"})], "large"),
        ([quota(pods="5000")], "large"),
    ],
)
def test_the_tier_is_the_smallest_that_holds_the_quota(quotas: list[dict[str, Any]], tier: str) -> None:
    live = bare()
    live["objects"]["items"] = quotas
    result = proposed(live)
    assert result.spec.tier == tier
    assert any("tier" in note.lower() for note in result.notes)


def test_features_are_seen_by_labels_and_by_policies_that_are_theirs() -> None:
    assert proposed(bare()).spec.features == ()
    labels = {
        "istio-injection": "enabled",
        "platform.io/cost-center": "CC-1",
        "pod-security.kubernetes.io/enforce": "restricted",
        "monitoring": "off",
    }
    live = bare(**labels)
    live["objects"]["items"] = [{"kind": "NetworkPolicy", "metadata": {"name": "allow-external-egress"}}]
    spec = proposed(live).spec
    assert spec.features == ("cost-tracking", "external-egress", "pod-security-restricted", "service-mesh")
    assert spec.options == {"cost_center": "CC-1"}


def test_gpus_are_read_from_the_quota() -> None:
    live = bare(**{"platform.io/gpu": "enabled"})
    live["objects"]["items"] = [quota(**{"requests.nvidia.com/gpu": "4"})]
    assert proposed(live).spec.options == {"gpu_count": "4"}


def test_people_come_from_bindings_to_known_roles_and_accounts_do_not() -> None:
    live = bare()
    live["objects"]["items"] = [
        binding("admin", ("User", "ann"), ("ServiceAccount", "ci"), ("Group", "system:masters")),
        binding("edit", ("Group", "devs")),
        binding("view", ("User", "vic")),
        binding("namespace-editor", ("User", "ed")),
        binding("cluster-admin", ("User", "root")),
        binding("admin", ("User", "local"), kind="Role"),
    ]
    spec = proposed(live).spec
    assert spec.admins == (Subject("User", "ann"),)
    assert spec.editors == (Subject("Group", "devs"), Subject("User", "ed"))
    assert spec.viewers == (Subject("User", "vic"),)


def test_the_consent_is_one_command() -> None:
    assert adoption.command("red-shop", OWNER) == f"kubectl label namespace red-shop platform.io/adopt={OWNER}"


def test_what_is_proposed_can_be_asked_for() -> None:
    live = found()
    live["namespace"]["metadata"]["labels"] |= {"platform.io/request-id": OWNER, "platform.io/team": "red"}
    assert item(live, "Namespace")["metadata"]["name"] == "team-red-dev"
    spec = proposed(live).spec
    assert spec == type(spec).from_json(spec.to_json())
