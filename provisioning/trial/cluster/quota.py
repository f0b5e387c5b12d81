"""What a namespace uses of its ResourceQuotas, and the refusal of what would exceed them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from provisioning.trial.cluster import quantity
from provisioning.trial.cluster.errors import Forbidden
from provisioning.trial.cluster.kinds import Kind
from provisioning.trial.cluster.ownership import Writer

Object = dict[str, Any]
Amounts = dict[str, Decimal]

CONTROLLER = "kube-controller-manager"
API_SERVER = "kube-apiserver"
_ONE = Decimal(1)
_COUNTED = ("pods", "services", "configmaps", "secrets", "persistentvolumeclaims")
_FINISHED = ("Succeeded", "Failed")


def charge(kind: Kind, obj: Object) -> Amounts:
    """What one object costs, by the name of the resource in `spec.hard`."""
    if kind.kind == "Pod":
        return _pod(obj)
    if kind.kind == "PersistentVolumeClaim":
        size = obj["spec"]["resources"]["requests"]["storage"]
        return {"persistentvolumeclaims": _ONE, "requests.storage": quantity.parse(size)}
    if kind.kind == "Service":
        return _service(obj)
    return {kind.plural: _ONE} if kind.plural in _COUNTED else {}


def _pod(obj: Object) -> Amounts:
    if obj.get("status", {}).get("phase") in _FINISHED:
        return {}
    total: Amounts = {"pods": _ONE}
    for container in obj["spec"].get("containers", []):
        for part in ("requests", "limits"):
            for name, amount in container.get("resources", {}).get(part, {}).items():
                key = f"{part}.{name}"
                total[key] = total.get(key, Decimal(0)) + quantity.parse(amount)
    return total


def _service(obj: Object) -> Amounts:
    cost = {"services": _ONE}
    if obj["spec"].get("type") == "LoadBalancer":
        cost["services.loadbalancers"] = _ONE
    if obj["spec"].get("type") in ("NodePort", "LoadBalancer"):
        cost["services.nodeports"] = Decimal(len(obj["spec"].get("ports", [])))
    return cost


def used(hard: Iterable[str], contents: Iterable[tuple[Kind, Object]]) -> dict[str, str]:
    """`status.used` for the resources of `hard`, counted anew."""
    total: Amounts = dict.fromkeys(hard, Decimal(0))
    for kind, obj in contents:
        for name, amount in charge(kind, obj).items():
            if name in total:
                total[name] += amount
    return {name: show(name, amount) for name, amount in total.items()}


def show(name: str, amount: Decimal) -> str:
    """Memory and storage in powers of 1024, everything else in powers of 1000."""
    binary = name.endswith(("memory", "storage"))
    return quantity.format_like(amount, "1Ki" if binary else "1")


def admit(kind: Kind, obj: Object, quotas: list[Object]) -> list[Object]:
    """The quotas whose `status.used` a new object changes, so changed; raises Forbidden when one is exceeded.

    A quota whose controller has not looked at it yet has no `status.hard` and restricts nothing.
    """
    cost = charge(kind, obj)
    touched = []
    for quota in quotas:
        status = quota.get("status", {})
        restricted = {name: amount for name, amount in cost.items() if name in status.get("hard", {})}
        if not restricted:
            continue
        used_now = status.setdefault("used", {})
        totals = {name: quantity.parse(used_now.get(name, "0")) + amount for name, amount in restricted.items()}
        over = sorted(name for name, total in totals.items() if total > quantity.parse(status["hard"][name]))
        if over:
            raise _exceeded(kind, obj, quota, {name: restricted[name] for name in over})
        used_now.update({name: show(name, total) for name, total in totals.items()})
        touched.append(quota)
    return touched


def _exceeded(kind: Kind, obj: Object, quota: Object, over: Amounts) -> Forbidden:
    status = quota["status"]
    requested = ",".join(f"{name}={show(name, amount)}" for name, amount in over.items())
    used_now = ",".join(f"{name}={status['used'].get(name, '0')}" for name in over)
    limited = ",".join(f"{name}={status['hard'][name]}" for name in over)
    why = f"exceeded quota: {quota['metadata']['name']}, requested: {requested}, used: {used_now}, limited: {limited}"
    return Forbidden(kind.resource, obj["metadata"]["name"], why)


def warnings(kind: Kind, obj: Object) -> list[str]:
    """Requests above limits make a quota of no use; the server only warns."""
    if kind.kind != "ResourceQuota":
        return []
    hard = obj.get("spec", {}).get("hard", {})
    found = []
    for name in ("cpu", "memory", "ephemeral-storage"):
        request, limit = hard.get(f"requests.{name}"), hard.get(f"limits.{name}")
        if request and limit and quantity.parse(request) > quantity.parse(limit):
            found.append(f"ResourceQuota requests.{name} ({request}) should be less than limits.{name} ({limit})")
    return found


def status_writer(manager: str, time: str) -> Writer:
    return Writer(manager, "Update", "v1", "status", time)
