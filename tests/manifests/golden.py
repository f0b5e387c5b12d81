"""The objects that are expected, as files: each tier with sets of features, and other settings of the cluster.

After an intended change of the objects: `.venv/bin/python -m tests.manifests.golden` writes the files again; read the
difference before committing it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from provisioning import catalog
from provisioning.catalog import Catalog
from provisioning.manifests import Identity, Rendered, render
from provisioning.spec import NamespaceSpec, Subject

HERE = Path(__file__).parent / "golden"
SHIPPED = catalog.load()
IDENTITY = Identity("3f2c8f1e-0d4b-4a7e-9a51-6f0f5a1c2b3d", "2026-11-23T10:00:00Z", "alice")
PLAIN = NamespaceSpec(
    name="payments-dev",
    team="payments",
    tier="small",
    features=(),
    admins=(Subject("User", "alice@example.com"),),
)
FEATURES = {
    "bare": PLAIN,
    "usual": PLAIN.replace(features=SHIPPED.default_features()),
    "all": PLAIN.replace(
        features=tuple(SHIPPED.features),
        editors=(Subject("Group", "payments-devs"),),
        viewers=(Subject("Group", "payments-support"), Subject("User", "o'brien {{x}} $(id)@example.com")),
        purpose='it\'s {{=1+1}} $(HOME) `id` "q" \\ é 😀\nsecond line',
        options={
            "cost_center": "CC-1042",
            "owner_email": "lead@example.com",
            "gpu_count": "2",
            "log_retention_days": "14",
        },
    ),
}


def _with(**settings: object) -> Catalog:
    cluster = dataclasses.replace(SHIPPED.cluster, **settings)  # type: ignore[arg-type]
    return dataclasses.replace(SHIPPED, cluster=cluster)


# OpenShift with the Prometheus operator, NodeLocal DNSCache, Linkerd and IPv6: every setting in another way.
ELSEWHERE = _with(
    dns_namespace="openshift-dns",
    dns_labels={"dns.operator.openshift.io/daemonset-dns": "default"},
    dns_port=5353,
    node_local_dns="169.254.20.10/32",
    ingress_namespace="openshift-ingress",
    monitoring_namespace="openshift-monitoring",
    service_monitor=True,
    service_monitor_labels={"release": "prometheus"},
    kube_api_cidr="10.0.0.1/32",
    kube_api_port=6443,
    public_addresses=(
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}},
        {"ipBlock": {"cidr": "::/0", "except": ["fc00::/7", "fe80::/10"]}},
    ),
    mesh_namespace="linkerd",
    mesh_port=8086,
    mesh_labels={},
    mesh_annotations={"linkerd.io/inject": "enabled"},
    admin_role="team-admin",
)


def cases() -> dict[str, Rendered]:
    found = {
        f"{tier}-{name}": render(spec.replace(tier=tier), IDENTITY, SHIPPED)
        for tier in SHIPPED.tiers
        for name, spec in FEATURES.items()
    }
    alone = {f"only-{key}": PLAIN.replace(features=(key,), options=_needed(key)) for key in SHIPPED.features}
    found |= {name: render(spec, IDENTITY, SHIPPED) for name, spec in alone.items()}
    return found | {"elsewhere-all": render(FEATURES["all"], IDENTITY, ELSEWHERE)}


def _needed(feature: str) -> dict[str, str]:
    return {"cost_center": "CC-1042"} if feature == "cost-tracking" else {}


def text(rendered: Rendered) -> str:
    return f"# sha256 {rendered.digest}\n{rendered.to_yaml()}"


if __name__ == "__main__":
    for name, rendered in cases().items():
        (HERE / f"{name}.yaml").write_text(text(rendered), encoding="utf-8")
