"""The form in which the API server keeps an object: nulls and empty lists gone, amounts canonical, defaults filled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioning.trial.cluster import quantity
from provisioning.trial.cluster.kinds import RBAC, Kind
from provisioning.trial.cluster.schema import Node

Object = dict[str, Any]


def normalise(node: Node, value: Any) -> Any:
    """`value` after a round through the server's types; raises ValueError for an amount that is none."""
    if node.type == "quantity":
        return quantity.canonical(_number_text(value))
    if node.type == "list" and isinstance(value, list) and node.item is not None:
        return [normalise(node.item, item) for item in value]
    if node.type == "map" and isinstance(value, dict) and node.item is not None:
        return {name: _entry(node.item, item) for name, item in value.items()}
    if node.type == "struct" and isinstance(value, dict):
        return _struct(node, value)
    return value


def _number_text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _entry(node: Node, item: Any) -> Any:
    return "" if item is None and node.type == "string" else normalise(node, item)


def _struct(node: Node, value: Object) -> Object:
    kept = {}
    for name, item in value.items():
        child = node.child(name)
        if child is None:
            continue
        stored = normalise(child, item)
        if stored is None or (stored in ([], {}) and not _stays_empty(child)):
            continue
        if stored == "" and child.type in ("string", "time"):
            continue
        kept[name] = stored
    return kept


def _stays_empty(node: Node) -> bool:
    """A struct that is a pointer or embedded in the kind is kept although nothing is in it."""
    return node.type == "struct" and (node.keep_empty or node.model.endswith(("Spec", "Status", "ObjectMeta")))


def fill_defaults(kind: Kind, obj: Object) -> None:
    """The defaults that the server writes into a new or changed object."""
    default = _DEFAULTS.get(kind.kind)
    if default is not None:
        default(obj)


def _namespace(obj: Object) -> None:
    metadata = obj["metadata"]
    metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata.get("name", "")
    obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    obj.setdefault("status", {}).setdefault("phase", "Active")


def _role_binding(obj: Object) -> None:
    if "roleRef" in obj:
        obj["roleRef"].setdefault("apiGroup", RBAC)
    for subject in obj.get("subjects", []):
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC)


def _resource_quota(obj: Object) -> None:
    obj.setdefault("spec", {})
    obj.setdefault("status", {})


def _limit_range(obj: Object) -> None:
    for item in obj.get("spec", {}).get("limits", []):
        if item.get("type") != "Container":
            continue
        defaults = dict(item.get("default", {}))
        for name, amount in item.get("max", {}).items():
            defaults.setdefault(name, amount)
        requests = dict(item.get("defaultRequest", {}))
        for source in (defaults, item.get("min", {})):
            for name, amount in source.items():
                requests.setdefault(name, amount)
        item.update({k: v for k, v in (("default", defaults), ("defaultRequest", requests)) if v})


def _network_policy(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
        for port in rule.get("ports", []):
            port.setdefault("protocol", "TCP")


_DEFAULTS: dict[str, Callable[[Object], None]] = {
    "Namespace": _namespace,
    "RoleBinding": _role_binding,
    "ResourceQuota": _resource_quota,
    "LimitRange": _limit_range,
    "NetworkPolicy": _network_policy,
}
