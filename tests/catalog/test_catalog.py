from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from provisioning import catalog

SHIPPED = catalog.load()


def test_three_tiers_hold_the_promised_amounts() -> None:
    amounts = {key: (t.cpu, t.memory_bytes, t.pods, t.pvc_max) for key, t in SHIPPED.tiers.items()}
    assert amounts == {
        "small": (Decimal(2), 4 * 2**30, 10, "10Gi"),
        "medium": (Decimal(4), 8 * 2**30, 20, "25Gi"),
        "large": (Decimal(8), 16 * 2**30, 50, "50Gi"),
    }
    assert [tier.rank for tier in SHIPPED.tiers.values()] == [0, 1, 2]
    assert SHIPPED.tiers["small"].summary == "2 CPU, 4 Gi memory, 10 pods, 20 Gi storage"


def test_eleven_features_two_on_by_default_two_behind_a_gate() -> None:
    assert list(SHIPPED.features) == [
        "monitoring", "logging", "ingress", "external-egress", "kube-api", "service-mesh", "backup",
        "pod-security-restricted", "gpu", "cost-tracking", "auto-expiry",
    ]  # fmt: skip
    assert SHIPPED.default_features() == ("logging", "monitoring")
    assert [key for key, feature in SHIPPED.features.items() if feature.gate] == ["external-egress", "gpu"]
    assert all(f.title and f.text and f.effect and f.risk for f in SHIPPED.features.values())


def test_features_ask_for_what_they_need() -> None:
    fields = {field.key: field for feature in SHIPPED.features.values() for field in feature.fields}
    assert list(fields) == ["log_retention_days", "gpu_count", "cost_center", "owner_email"]
    assert [key for key, field in fields.items() if field.required] == ["gpu_count", "cost_center"]


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("payments-dev", "dev"), ("dev-payments", "dev"), ("payments-dev-2", "dev"), ("payments-prod", "prod"),
        ("payments-dev-prod", "prod"), ("prod-dev", "prod"), ("search-staging", "staging"), ("search-qa", "test"),
        ("search-sandbox", "sandbox"), ("payments", ""), ("developers", ""), ("payments-device", ""),
    ],
)  # fmt: skip
def test_the_environment_is_read_from_the_name_production_first(name: str, environment: str) -> None:
    assert SHIPPED.environment_of(name) == environment


@pytest.mark.parametrize(
    ("name", "is_reserved"),
    [
        ("default", True), ("argo", True), ("argo-events", True), ("kube-system", True), ("openshift", True),
        ("openshift-dns", True), ("platform-provisioning", True), ("monitoring", True), ("ingress-nginx", True),
        ("argocd", False), ("kubernetes", False), ("defaults", False), ("payments-dev", False),
    ],
)  # fmt: skip
def test_reserved_names_have_a_reason(name: str, is_reserved: bool) -> None:
    assert bool(SHIPPED.reserved(name)) is is_reserved


def test_the_namespaces_of_the_settings_are_reserved_wherever_they_are_moved() -> None:
    cluster = dataclasses.replace(
        SHIPPED.cluster, namespace="flows", ingress_namespace="edge", monitoring_namespace="eyes"
    )
    moved = dataclasses.replace(SHIPPED, cluster=cluster)
    assert [bool(moved.reserved(n)) for n in ("flows", "edge", "eyes", "ingress-nginx")] == [True, True, True, False]


def test_a_workflow_namespace_that_could_not_stand_in_a_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="no name of a namespace"):
        dataclasses.replace(SHIPPED.cluster, namespace="x' || true || '")


def test_the_version_changes_with_the_text() -> None:
    text = catalog.DEFAULT_PATH.read_text()
    assert catalog.parse(text).version == SHIPPED.version
    assert catalog.parse(text + "\n# more\n").version != SHIPPED.version


def test_a_tier_and_a_feature_are_added_by_the_file_alone() -> None:
    text = catalog.DEFAULT_PATH.read_text()
    small = text[text.index("  small:") : text.index("  medium:")]
    more = text.replace("  medium:\n", small.replace("  small:", "  tiny:") + "  medium:\n", 1).replace(
        "  backup:\n",
        "  chaos:\n    title: Chaos\n    text: t\n    effect: e\n    risk: r\n    labels: {platform.io/chaos: 'on'}\n  backup:\n",
        1,
    )
    read = catalog.parse(more)
    assert list(read.tiers) == ["small", "tiny", "medium", "large"]
    assert read.features["chaos"].labels == {"platform.io/chaos": "on"}


def test_lease_and_allowance() -> None:
    assert SHIPPED.lease == catalog.Lease(90, 365, (30, 90, 180, 365), (30, 7, 1), 7, 14)
    assert SHIPPED.allowance == catalog.Allowance(6, Decimal(24), 48 * 2**30, 150)


def test_the_end_of_a_lease_is_written_as_the_start_is() -> None:
    assert catalog.expires_at("2026-11-23T10:00:00Z", 90) == "2027-02-21T10:00:00Z"


def test_the_network_is_told_in_words() -> None:
    assert SHIPPED.network(()) == catalog.Network(
        ("from pods of this namespace",), ("to pods of this namespace", "to cluster DNS")
    )
    assert SHIPPED.network(("logging", "external-egress", "ingress", "monitoring")) == catalog.Network(
        ("from pods of this namespace", "from Prometheus", "from the ingress controller"),
        ("to pods of this namespace", "to cluster DNS", "to public addresses on ports 80 and 443"),
    )
