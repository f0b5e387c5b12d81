"""Manifests as the platform sends them."""

from __future__ import annotations

import json
from typing import Any

NAME = "payments-dev"
LABELS = {
    "platform.io/managed": "true",
    "platform.io/team": "payments",
    "platform.io/resource-tier": "small",
    "platform.io/request-id": "r-1",
    "pod-security.kubernetes.io/enforce": "baseline",
}
APPLY = ("apply", "--server-side", "--field-manager=platform-portal", "-f", "-")
UPDATE = ("apply", "--server-side", "--force-conflicts", "--field-manager=platform-portal", "-f", "-")


def namespace(name: str = NAME, **labels: str) -> str:
    metadata = {"name": name, "labels": LABELS | labels}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def several(*items: dict[str, Any]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})


def thing(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    group = {"NetworkPolicy": "networking.k8s.io/", "RoleBinding": "rbac.authorization.k8s.io/"}.get(kind, "")
    labels = {"platform.io/managed": "true"}
    metadata = {"name": name, "namespace": NAME, "labels": labels}
    return {"apiVersion": f"{group}v1", "kind": kind, "metadata": metadata, **fields}


def quota(**hard: str) -> dict[str, Any]:
    return thing("ResourceQuota", "compute-resources", spec={"hard": {k.replace("_", "."): v for k, v in hard.items()}})


def config(**data: str) -> dict[str, Any]:
    return thing("ConfigMap", "monitoring-config", data=data)


def policy(name: str = "default-deny-all", **spec: Any) -> dict[str, Any]:
    return thing("NetworkPolicy", name, spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"], **spec})
