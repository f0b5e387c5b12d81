from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from provisioning.manifests import Identity, diff, objects_of, render
from provisioning.spec import NamespaceSpec, Subject
from tests import recordings
from tests.manifests import golden

CASES = golden.cases()


@pytest.mark.parametrize("name", CASES)
def test_the_objects_are_the_expected_ones(name: str) -> None:
    assert golden.text(CASES[name]) == (golden.HERE / f"{name}.yaml").read_text(encoding="utf-8")


def test_no_expectation_is_left_over() -> None:
    assert {path.stem for path in golden.HERE.glob("*.yaml")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_what_is_shown_as_yaml_is_what_is_sent(name: str) -> None:
    rendered = CASES[name]
    assert list(yaml.safe_load_all(rendered.to_yaml())) == rendered.objects == objects_of(rendered.parameters)


@pytest.mark.parametrize("name", CASES)
def test_every_object_is_in_the_namespace_and_bears_the_pair_of_labels_for_pruning(name: str) -> None:
    rendered = CASES[name]
    components = {
        "rbac": rendered.rbac,
        "resource-quotas": rendered.quota,
        "network-policies": rendered.network_policies,
        "monitoring": rendered.monitoring,
    }
    for component, items in components.items():
        for item in items:
            assert item["metadata"]["namespace"] == "payments-dev"
            assert item["metadata"]["labels"]["platform.io/managed"] == "true"
            assert item["metadata"]["labels"]["platform.io/component"] == component
    assert "namespace" not in rendered.namespace["metadata"]
    assert "kubernetes.io/metadata.name" not in rendered.namespace["metadata"]["labels"]


def test_the_objects_are_those_that_a_real_cluster_took() -> None:
    run = recordings.load("runs")["runs/create-succeeded.json"]
    given = {item["name"]: item["value"] for item in run["spec"]["arguments"]["parameters"]}
    spec = NamespaceSpec(
        given["namespaceName"],
        given["team"],
        given["resourceTier"],
        tuple(json.loads(given["features"])),
        admins=(Subject("User", "alice@example.com"),),
        viewers=(Subject("Group", "team-red-support"),),
        purpose="checkout service, development",
    )
    rendered = render(spec, Identity(given["requestId"], "2026-11-23T10:00:00Z", "alice"), golden.SHIPPED)
    changes = diff(objects_of(given), rendered.objects)
    # The one who approves is not known when the objects are shown; the empty lists are sent so that they stay empty.
    assert [(c.kind, c.name, [(f.path, f.before, f.after) for f in c.fields]) for c in changes] == [
        ("Namespace", "team-red-dev", [("metadata.annotations[platform.io/approved-by]", "bob", None)]),
        ("NetworkPolicy", "default-deny-all", [("spec.ingress", None, []), ("spec.egress", None, [])]),
    ]


def test_who_approves_changes_nothing_of_what_was_shown() -> None:
    approved = Identity(golden.IDENTITY.request_id, golden.IDENTITY.created_at, "alice", approved_by="dana")
    assert render(golden.PLAIN, approved, golden.SHIPPED).digest == CASES["small-bare"].digest


def test_a_level_without_people_has_no_binding() -> None:
    assert [item["metadata"]["name"] for item in CASES["small-bare"].rbac] == ["platform-user", "team-admin-binding"]
    assert [item["metadata"]["name"] for item in CASES["small-all"].rbac[1:]] == [
        "team-admin-binding", "team-editor-binding", "team-viewer-binding",
    ]  # fmt: skip


def test_an_empty_field_leaves_its_entry_out() -> None:
    annotations = CASES["only-cost-tracking"].namespace["metadata"]["annotations"]
    assert "platform.io/owner-email" not in annotations
    assert CASES["only-gpu"].quota[0]["spec"]["hard"]["requests.nvidia.com/gpu"] == "1"


def test_a_renewed_lease_ends_when_it_is_said_to() -> None:
    renewed = Identity("id", "2026-11-23T10:00:00Z", "alice", expires_at="2027-11-23T10:00:00Z")
    rendered = render(golden.PLAIN.replace(features=("auto-expiry",)), renewed, golden.SHIPPED)
    assert rendered.namespace["metadata"]["annotations"]["platform.io/expires-at"] == "2027-11-23T10:00:00Z"


@pytest.mark.parametrize("change", [{"tier": "huge"}, {"features": ("teleport",)}])
def test_what_the_catalogue_lacks_is_not_rendered_as_something_else(change: dict[str, Any]) -> None:
    with pytest.raises(KeyError):
        render(golden.PLAIN.replace(**change), golden.IDENTITY, golden.SHIPPED)


def test_rendering_leaves_the_catalogue_as_it_was() -> None:
    first = render(golden.FEATURES["all"], golden.IDENTITY, golden.SHIPPED)
    for item in first.objects:
        item["metadata"]["labels"].clear()
        item.get("spec", {}).clear()
    assert render(golden.FEATURES["all"], golden.IDENTITY, golden.SHIPPED).digest == CASES["small-all"].digest


def test_no_quantity_is_one_that_the_api_server_writes_in_another_way() -> None:
    for tier in golden.SHIPPED.tiers.values():
        amounts = [*tier.hard.values(), *tier.container_default.values(), *tier.container_default_request.values()]
        assert [amount for amount in amounts if amount.endswith(("000m", "1024Mi"))] == []
