"""What the platform's set-up of a cluster may name differently from the shipped settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Installation:
    """Names in roles and admission policies. Reserved names may end in `*`, which stands for any ending."""

    namespace: str = "platform-provisioning"  # where the workflows and their service accounts live
    provisioner: str = "namespace-provisioner"
    decommissioner: str = "namespace-decommissioner"
    auditor: str = "namespace-auditor"
    roles: tuple[str, ...] = ("namespace-admin", "namespace-editor", "namespace-viewer")
    reserved: tuple[str, ...] = (
        "default",
        "argo",
        "argo-*",
        "kube-*",
        "openshift*",
        "platform-provisioning",
        "monitoring",
        "ingress-nginx",
    )
    labels: tuple[str, ...] = ("monitoring", "istio-injection")  # besides those of the platform
    admin_groups: tuple[str, ...] = ("system:masters", "kubeadm:cluster-admins", "platform-admins")

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Installation:
        """Raises ValueError for a name that is none of the fields."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise ValueError(f"unknown settings of the trial cluster: {', '.join(unknown)}")
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**values)

    def reserves(self, name: str) -> bool:
        return any(
            name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern for pattern in self.reserved
        )
