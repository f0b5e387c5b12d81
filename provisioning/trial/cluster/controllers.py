"""What the controllers of the cluster do a moment after a request: fill new namespaces, count quotas, empty
namespaces that terminate.

Nothing runs in the background: work is noted with its time and done at the beginning of the next request, so a
restart loses nothing and tests decide when it happens.
"""

from __future__ import annotations

import uuid
from typing import Any

from provisioning.trial.cluster import ownership, quota
from provisioning.trial.cluster.clock import timestamp
from provisioning.trial.cluster.kinds import CONFIG_MAP, NAMESPACE, RESOURCE_QUOTA, SERVICE_ACCOUNT, Kind
from provisioning.trial.cluster.objects import Objects
from provisioning.trial.cluster.schemas import SCHEMAS

Object = dict[str, Any]

FILL = "fill"  # the default service account and the cluster's CA
COUNT = "count"  # quotas' status
TERMINATE = "terminate"
PASSING = {"kubernetes.io/pvc-protection"}  # finalizers that a controller takes away once no pod uses the object
ROOT_CA = "kube-root-ca.crt"
ROOT_CA_TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the"
    " internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of"
    " Kubernetes clusters."
)
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nthe trial cluster has no certificates\n-----END CERTIFICATE-----\n"


def run(objects: Objects, now: float) -> None:
    """Does everything that is due, inside the caller's transaction."""
    for work, namespace in list(objects.due(now)):
        found = objects.get(NAMESPACE, "", namespace)
        if found is None:
            continue
        if work == TERMINATE:
            _terminate(objects, found, now)
        elif work == FILL:
            _fill(objects, found, now)
        else:
            count(objects, namespace, now)


def _fill(objects: Objects, namespace: Object, now: float) -> None:
    name = namespace["metadata"]["name"]
    if namespace["status"]["phase"] != "Active":
        return
    if objects.get(SERVICE_ACCOUNT, name, "default") is None:
        objects.put(SERVICE_ACCOUNT, _new(SERVICE_ACCOUNT, name, "default", now))
    if objects.get(CONFIG_MAP, name, ROOT_CA) is None:
        bundle = _new(CONFIG_MAP, name, ROOT_CA, now)
        bundle["metadata"]["annotations"] = {"kubernetes.io/description": ROOT_CA_TEXT}
        bundle["data"] = {"ca.crt": CERTIFICATE}
        writer = ownership.Writer(quota.CONTROLLER, "Update", "v1", time=timestamp(now))
        objects.put(CONFIG_MAP, ownership.update(SCHEMAS["ConfigMap"], {"metadata": {}}, bundle, writer))
        count(objects, name, now)


def _new(kind: Kind, namespace: str, name: str, now: float) -> Object:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "creationTimestamp": timestamp(now),
            "name": name,
            "namespace": namespace,
            "uid": str(uuid.uuid4()),
        },
    }


def count(objects: Objects, namespace: str, now: float) -> None:
    """Writes hard and used of every quota of the namespace where they differ."""
    for found in objects.every(RESOURCE_QUOTA, namespace):
        hard = found.get("spec", {}).get("hard", {})
        status = {"hard": hard, "used": quota.used(hard, objects.contents(namespace))} if hard else {}
        if found.get("status", {}) == status:
            continue
        writer = quota.status_writer(quota.CONTROLLER, timestamp(now))
        updated = ownership.update(SCHEMAS["ResourceQuota"], found, found | {"status": status}, writer)
        objects.put(RESOURCE_QUOTA, updated)


def _terminate(objects: Objects, namespace: Object, now: float) -> None:
    """Empties the namespace; what finalizers hold stays, and the namespace then says so in its conditions."""
    name = namespace["metadata"]["name"]
    held: list[tuple[Kind, Object]] = []
    for kind, obj in objects.contents(name):
        if not set(obj["metadata"].get("finalizers", [])) - PASSING:
            objects.remove(kind, name, obj["metadata"]["name"])
            continue
        held.append((kind, obj))
        mark_deleted(objects, kind, obj, now)
    if not held:
        objects.remove(NAMESPACE, "", name)
        return
    objects.schedule(TERMINATE, name, now)
    conditions = _conditions(namespace, held, timestamp(now))
    if namespace["status"].get("conditions") != conditions:
        writer = quota.status_writer(quota.CONTROLLER, timestamp(now))
        status = namespace["status"] | {"conditions": conditions}
        objects.put(
            NAMESPACE, ownership.update(SCHEMAS["Namespace"], namespace, namespace | {"status": status}, writer)
        )


def mark_deleted(objects: Objects, kind: Kind, obj: Object, now: float) -> None:
    """An object that a finalizer holds stays, with the time of its deletion."""
    if "deletionTimestamp" not in obj["metadata"]:
        obj["metadata"] |= {"deletionTimestamp": timestamp(now), "deletionGracePeriodSeconds": 0}
        objects.put(kind, obj)


def _conditions(namespace: Object, held: list[tuple[Kind, Object]], now: str) -> list[Object]:
    before = {found["type"]: found for found in namespace["status"].get("conditions", [])}
    resources = _counts(kind.resource if kind.group else f"{kind.plural}." for kind, _ in held)
    finalizers = _counts(name for _, obj in held for name in obj["metadata"]["finalizers"])
    remaining = ", ".join(f"{name} has {number} resource instances" for name, number in resources.items())
    waiting = ", ".join(f"{name} in {number} resource instances" for name, number in finalizers.items())
    wanted = (
        ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered",
         "All resources successfully discovered"),
        ("NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
         "All legacy kube types successfully parsed"),
        ("NamespaceDeletionContentFailure", "False", "ContentDeleted",
         "All content successfully deleted, may be waiting on finalization"),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain",
         f"Some resources are remaining: {remaining}"),
        ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
         f"Some content in the namespace has finalizers remaining: {waiting}"),
    )  # fmt: skip
    return [
        {
            "lastTransitionTime": before.get(type_, {}).get("lastTransitionTime", now),
            "message": message,
            "reason": reason,
            "status": status,
            "type": type_,
        }
        for type_, status, reason, message in wanted
    ]


def _counts(names: Any) -> dict[str, int]:
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    return dict(sorted(counted.items()))
