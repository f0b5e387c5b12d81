"""Pod Security as far as it shows here: the warning when a namespace's level rises over pods that run in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]
ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = ("privileged", "baseline", "restricted")


def warnings(namespace: Object, before: Object, pods: list[Object]) -> list[str]:
    """Lines for the client when `namespace` enforces another level than `before`."""
    old, new = _level(before), _level(namespace)
    if new == old or LEVELS.index(new[0]) < LEVELS.index(old[0]):
        return []
    groups: dict[str, list[str]] = {}
    for pod in pods:
        if found := list(violations(pod, new[0])):
            groups.setdefault(", ".join(found), []).append(pod["metadata"]["name"])
    if not groups:
        return []
    name = namespace["metadata"]["name"]
    head = f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{new[0]}:{new[1]}"'
    return [head, *sorted(f"{_names(names)}: {reasons}" for reasons, names in groups.items())]


def _names(names: list[str]) -> str:
    others = len(names) - 1
    return names[0] if not others else f"{names[0]} (and {others} other pod{'s' if others > 1 else ''})"


def _level(namespace: Object) -> tuple[str, str]:
    labels = namespace["metadata"].get("labels", {})
    return labels.get(ENFORCE, "privileged"), labels.get(f"{ENFORCE}-version", "latest")


def violations(pod: Object, level: str) -> Iterator[str]:
    """Short names of what the level forbids, in the order in which the server lists them."""
    spec = pod["spec"]
    containers = [container.get("securityContext", {}) for container in spec.get("containers", [])]
    if level in LEVELS[1:]:
        yield from _baseline(spec, containers)
    if level == "restricted":
        yield from _restricted(spec.get("securityContext", {}), containers)


def _baseline(spec: Object, containers: list[Object]) -> Iterator[str]:
    if any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
        yield "host namespaces"
    if any(context.get("privileged") for context in containers):
        yield "privileged"


def _restricted(pod: Object, containers: list[Object]) -> Iterator[str]:
    if any(context.get("allowPrivilegeEscalation") is not False for context in containers):
        yield "allowPrivilegeEscalation != false"
    if any("ALL" not in context.get("capabilities", {}).get("drop", []) for context in containers):
        yield "unrestricted capabilities"
    if any(context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True for context in containers):
        yield "runAsNonRoot != true"
    if any(not {**pod, **context}.get("seccompProfile") for context in containers):
        yield "seccompProfile"
