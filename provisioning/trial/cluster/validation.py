"""What the API server's validation says about the kinds of the platform: the causes of a 422."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator
from typing import Any

from provisioning.trial.cluster import names, quantity
from provisioning.trial.cluster.errors import Cause, Invalid
from provisioning.trial.cluster.kinds import Kind
from provisioning.trial.cluster.names import invalid, quoted

Object = dict[str, Any]
POD_SECURITY = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
COUNTED = ("pods", "services", "configmaps", "secrets", "persistentvolumeclaims", "resourcequotas",
           "replicationcontrollers", "services.loadbalancers", "services.nodeports")  # fmt: skip
MEASURED = ("cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
            "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage")  # fmt: skip
PORTS = range(1, 65536)


def check(kind: Kind, new: Object, old: Object | None) -> None:
    """Raises Invalid with every cause. `old` is what is there already."""
    causes = list(_causes(kind, new, old))
    if causes:
        raise Invalid(kind.kind, kind.qualified, new["metadata"]["name"], causes)


def _causes(kind: Kind, new: Object, old: Object | None) -> Iterator[Cause]:
    meta = new["metadata"]
    yield from names.metadata(meta, [] if old else _name_problems(kind, meta["name"]))
    if old is not None and meta.get("uid") != old["metadata"]["uid"]:
        yield invalid("metadata.uid", meta.get("uid", ""), "field is immutable")
    check_kind = _CHECKS.get(kind.kind)
    if check_kind is not None:
        yield from check_kind(new, old)


def _name_problems(kind: Kind, name: str) -> list[str]:
    if kind.kind == "Namespace":
        return names.label(name)
    return names.path_segment(name) if kind.kind == "RoleBinding" else names.subdomain(name)


def _namespace(new: Object, _old: Object | None) -> Iterator[Cause]:
    for mode in ("enforce", "audit", "warn"):
        key = f"{POD_SECURITY}{mode}"
        level = new["metadata"].get("labels", {}).get(key, "privileged")
        # the labels' own rules come first; a value they refuse is not looked at here
        if level not in LEVELS and not names.label_value(level):
            yield invalid(f"metadata.labels[{key}]", level, f"must be one of {', '.join(LEVELS)}")


def _config_map(new: Object, _old: Object | None) -> Iterator[Cause]:
    for part in ("data", "binaryData"):
        for key in new.get(part, {}):
            yield from (invalid(f"{part}[{key}]", key, problem) for problem in names.config_key(key))


def _resource_quota(new: Object, _old: Object | None) -> Iterator[Cause]:
    for name, amount in new.get("spec", {}).get("hard", {}).items():
        path = f"spec.hard[{name}]"
        yield from _resource_name(path, name)
        if quantity.parse(amount) < 0:
            yield invalid(path, amount, "must be greater than or equal to 0")
        if (name in COUNTED or name.startswith("count/")) and quantity.parse(amount) % 1:
            yield invalid(path, amount, "must be an integer")


def _resource_name(path: str, name: str) -> Iterator[Cause]:
    if names.qualified(name):
        yield from (invalid(path, name, problem) for problem in names.qualified(name))
    if name not in COUNTED and name not in MEASURED and "/" not in name:
        yield invalid(path, name, "must be a standard resource type or fully qualified")
        yield invalid(path, name, "must be a standard resource for quota")


def _limit_range(new: Object, _old: Object | None) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, item in enumerate(new.get("spec", {}).get("limits", [])):
        path = f"spec.limits[{index}]"
        if item.get("type") in seen:
            yield Cause(f"{path}.type", f"Duplicate value: {quoted(item['type'])}")
        seen.add(item.get("type", ""))
        resources = {name for part in item.values() if isinstance(part, dict) for name in part}
        for name in sorted(resources):
            yield from _limit(path, item, name)


def _limit(path: str, item: Object, name: str) -> Iterator[Cause]:
    low, high = item.get("min", {}).get(name), item.get("max", {}).get(name)
    default, request = item.get("default", {}).get(name), item.get("defaultRequest", {}).get(name)
    for lower, upper, where, shown, text in (
        (low, high, "min", low, "min value {} is greater than max value {}"),
        (low, request, "defaultRequest", request, "min value {} is greater than default request value {}"),
        (request, high, "defaultRequest", request, "default request value {} is greater than max value {}"),
        (request, default, "defaultRequest", request,
         "default request value {} is greater than default limit value {}"),
        (low, default, "default", low, "min value {} is greater than default value {}"),
        (default, high, "default", high, "default value {} is greater than max value {}"),
    ):  # fmt: skip
        if lower is not None and upper is not None and quantity.parse(lower) > quantity.parse(upper):
            yield invalid(f"{path}.{where}[{name}]", shown, text.format(lower, upper))


def _role_binding(new: Object, old: Object | None) -> Iterator[Cause]:
    for index, subject in enumerate(new.get("subjects", [])):
        yield from _subject(f"subjects[{index}]", subject)
    if old is not None and new.get("roleRef") != old.get("roleRef"):
        role = new.get("roleRef", {})
        shown = {"APIGroup": role.get("apiGroup"), "Kind": role.get("kind"), "Name": role.get("name")}
        text = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
        yield Cause("roleRef", f"Invalid value: {text}: cannot change roleRef")


def _subject(path: str, subject: Object) -> Iterator[Cause]:
    if not subject.get("name"):
        yield Cause(f"{path}.name", "Required value")
    if subject.get("kind") not in ("ServiceAccount", "User", "Group"):
        yield _unsupported(f"{path}.kind", subject.get("kind", ""), '"ServiceAccount", "User", "Group"')


def _unsupported(path: str, value: str, supported: str) -> Cause:
    return Cause(path, f"Unsupported value: {quoted(value)}: supported values: {supported}")


def _network_policy(new: Object, _old: Object | None) -> Iterator[Cause]:
    spec = new.get("spec", {})
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction, [])):
            path = f"spec.{direction}[{index}]"
            for at, port in enumerate(rule.get("ports", [])):
                yield from _port(f"{path}.ports[{at}]", port)
            for at, peer in enumerate(rule.get(peers, [])):
                yield from _peer(f"{path}.{peers}[{at}]", peer)


def _port(path: str, port: Object) -> Iterator[Cause]:
    if port.get("protocol", "TCP") not in ("TCP", "UDP", "SCTP"):
        yield _unsupported(f"{path}.protocol", port["protocol"], '"TCP", "UDP", "SCTP"')
    number = port.get("port")
    if isinstance(number, int) and number not in PORTS:
        yield invalid(f"{path}.port", number, "must be between 1 and 65535, inclusive")


def _peer(path: str, peer: Object) -> Iterator[Cause]:
    if "ipBlock" not in peer:
        if not peer:
            yield Cause(path, "Required value: must specify a peer")
        return
    block = _network(peer["ipBlock"].get("cidr", ""))
    if block is None:
        yield _bad_network(f"{path}.ipBlock.cidr", peer["ipBlock"].get("cidr", ""))
    for index, text in enumerate(peer["ipBlock"].get("except", [])):
        where, hole = f"{path}.ipBlock.except[{index}]", _network(text)
        if hole is None:
            yield _bad_network(where, text)
        elif block is not None and not _inside(hole, block):
            yield invalid(where, text, "must be a strict subset of `cidr`")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _inside(hole: Network, block: Network) -> bool:
    if isinstance(hole, ipaddress.IPv4Network) and isinstance(block, ipaddress.IPv4Network):
        return hole != block and hole.subnet_of(block)
    if isinstance(hole, ipaddress.IPv6Network) and isinstance(block, ipaddress.IPv6Network):
        return hole != block and hole.subnet_of(block)
    return False


def _bad_network(path: str, text: str) -> Cause:
    return invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")


_CHECKS: dict[str, Callable[[Object, Object | None], Iterator[Cause]]] = {
    "Namespace": _namespace,
    "ConfigMap": _config_map,
    "ResourceQuota": _resource_quota,
    "LimitRange": _limit_range,
    "RoleBinding": _role_binding,
    "NetworkPolicy": _network_policy,
}
