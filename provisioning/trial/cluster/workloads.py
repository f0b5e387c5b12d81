"""Workloads of a team, so that guards of deletion and inventories have something to show."""

from __future__ import annotations

import copy
import uuid
from typing import Any

from provisioning.trial.cluster import controllers, ownership, quota
from provisioning.trial.cluster.api import Api
from provisioning.trial.cluster.clock import timestamp
from provisioning.trial.cluster.errors import NotFound
from provisioning.trial.cluster.kinds import BY_KIND, CONFIG_MAP, NAMESPACE, RESOURCE_QUOTA, Kind
from provisioning.trial.cluster.schemas import SCHEMAS

Object = dict[str, Any]
FINALIZER = "trial.platform.io/hold"
HOLDER = "held-by-a-finalizer"

_RESOURCES = {
    "limits": {"cpu": "100m", "ephemeral-storage": "256Mi", "memory": "128Mi"},
    "requests": {"cpu": "50m", "ephemeral-storage": "128Mi", "memory": "64Mi"},
}
_POD = {
    "containers": [{"image": "registry.example.com/web:1.4.2", "name": "web", "resources": _RESOURCES}],
    "restartPolicy": "Always",
    "serviceAccountName": "default",
}
_TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": _POD}
_SELECTOR = {"matchLabels": {"app": "web"}}
_PORTS = [{"port": 80, "protocol": "TCP", "targetPort": 8080}]


def _objects() -> list[tuple[str, str, Object, Object]]:
    """Kind, name, spec and status."""
    job = {"template": _TEMPLATE}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    return [
        ("PersistentVolumeClaim", "data", storage, {"phase": "Bound"}),
        ("Service", "web", {"ports": _PORTS, "selector": {"app": "web"}, "type": "ClusterIP"}, {}),
        ("Deployment", "web", {"replicas": 2, "selector": _SELECTOR, "template": _TEMPLATE}, {"readyReplicas": 2}),
        ("StatefulSet", "db", {"replicas": 1, "selector": _SELECTOR, "template": _TEMPLATE}, {"readyReplicas": 1}),
        ("CronJob", "nightly", {"jobTemplate": {"spec": job}, "schedule": "0 3 * * *"}, {}),
        ("Ingress", "web", {"defaultBackend": backend}, {}),
        ("Pod", "web-7d9c5b8f6-4xk2p", _POD, {"phase": "Running"}),
        ("Pod", "web-7d9c5b8f6-9q8zl", _POD, {"phase": "Running"}),
        ("Pod", "db-0", _POD, {"phase": "Running"}),
    ]


def seed(api: Api, namespace: str) -> None:
    """Raises NotFound without the namespace, Forbidden when a quota does not admit them; what was there stays."""
    _require(api, namespace)
    for kind_name, name, spec, status in _objects():
        kind = BY_KIND[kind_name]
        if api.objects.get(kind, namespace, name) is not None:
            continue
        obj = _new(api, kind, namespace, name)
        obj |= {"spec": copy.deepcopy(spec), "status": dict(status)}
        _charge(api, kind, obj, namespace)
        api.objects.put(kind, obj)


def _require(api: Api, namespace: str) -> None:
    if api.objects.get(NAMESPACE, "", namespace) is None:
        raise NotFound("namespaces", namespace)


def _new(api: Api, kind: Kind, namespace: str, name: str) -> Object:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "creationTimestamp": timestamp(api.now),
            "name": name,
            "namespace": namespace,
            "uid": str(uuid.uuid4()),
        },
    }


def _charge(api: Api, kind: Kind, obj: Object, namespace: str) -> None:
    before = {found["metadata"]["name"]: found for found in api.objects.every(RESOURCE_QUOTA, namespace)}
    writer = quota.status_writer(quota.API_SERVER, timestamp(api.now))
    for charged in quota.admit(kind, obj, copy.deepcopy(list(before.values()))):
        old = before[charged["metadata"]["name"]]
        api.objects.put(RESOURCE_QUOTA, ownership.update(SCHEMAS["ResourceQuota"], old, charged, writer))


def hold(api: Api, namespace: str) -> None:
    _require(api, namespace)
    holder = _new(api, CONFIG_MAP, namespace, HOLDER)
    holder["metadata"]["finalizers"] = [FINALIZER]
    api.objects.put(CONFIG_MAP, holder)
    api.objects.schedule(controllers.COUNT, namespace, api.now)


def release(api: Api, namespace: str) -> None:
    holder = api.objects.get(CONFIG_MAP, namespace, HOLDER)
    if holder is None:
        raise NotFound("configmaps", HOLDER)
    api.objects.remove(CONFIG_MAP, namespace, HOLDER)
    api.objects.schedule(controllers.COUNT, namespace, api.now)
