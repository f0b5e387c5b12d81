"""What a difference means, in words: "pods 10 → 20", "internet egress opened"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from provisioning.catalog.quantities import readable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioning.catalog import Catalog
    from provisioning.manifests.difference import FieldChange, ObjectChange

_QUOTA_WORDS = {
    "requests.cpu": "CPU requests",
    "limits.cpu": "CPU",
    "requests.memory": "memory requests",
    "limits.memory": "memory",
    "persistentvolumeclaims": "volume claims",
    "requests.storage": "storage",
    "requests.ephemeral-storage": "ephemeral storage requests",
    "limits.ephemeral-storage": "ephemeral storage",
    "services.loadbalancers": "load balancers",
    "services.nodeports": "node ports",
    "configmaps": "config maps",
    "requests.nvidia.com/gpu": "GPUs",
}
_LEVEL_WORDS = {"team-admin-binding": "admin", "team-editor-binding": "editor", "team-viewer-binding": "viewer"}
_LABEL_WORDS = {
    "platform.io/resource-tier": "tier",
    "platform.io/team": "team",
    "platform.io/cost-center": "cost centre",
    "platform.io/owner-email": "owner's e-mail",
    "platform.io/log-retention-days": "days of log retention",
    "platform.io/expires-at": "end of the lease",
    "platform.io/purpose": "purpose",
    "platform.io/backup": "backup",
    "pod-security.kubernetes.io/enforce": "Pod Security",
}


def meaning(change: ObjectChange, catalog: Catalog) -> str:
    """All that `change` means, in one line."""
    return "; ".join(_of_object(change, catalog))


def meanings(changes: Iterable[ObjectChange], catalog: Catalog) -> list[str]:
    """What all `changes` mean together, each thing said once."""
    return list(dict.fromkeys(text for change in changes for text in _of_object(change, catalog)))


def _of_object(change: ObjectChange, catalog: Catalog) -> list[str]:
    if change.kind == "RoleBinding" and change.name in _LEVEL_WORDS:
        return _of_subjects(change)
    if change.change == "changed":
        return [text for field in change.fields for text in _of_field(change, field, catalog)]
    done = {"added": "opened", "removed": "closed"}
    if way := _way(change, catalog):
        return [f"{way} {done[change.change]}"]
    return [f"{change.kind} {change.name} {change.change}"]


def _way(change: ObjectChange, catalog: Catalog) -> str:
    """What of the network the object opens: said by the feature that brings it."""
    for feature in catalog.features.values():
        if any((item["kind"], item["metadata"]["name"]) == (change.kind, change.name) for item in feature.objects):
            return feature.way if change.kind == "NetworkPolicy" else ""
    return ""


def _of_subjects(change: ObjectChange) -> list[str]:
    level = _LEVEL_WORDS[change.name]
    before, after = _people(change.before), _people(change.after)
    gained = [f"{name} becomes {level}" for name in after if name not in before]
    lost = [f"{name} is no longer {level}" for name in before if name not in after]
    rest = [f"{change.name}: {field.path} changed" for field in change.fields if field.path != "subjects"]
    return gained + lost + rest


def _people(binding: dict[str, Any] | None) -> list[str]:
    subjects = binding.get("subjects", []) if binding else []
    return [
        f"group {subject['name']}" if subject["kind"] == "Group" else subject["name"]
        for subject in subjects
        if subject["kind"] != "ServiceAccount"
    ]


def _of_field(change: ObjectChange, field: FieldChange, catalog: Catalog) -> list[str]:
    if field.path == "metadata.annotations[platform.io/features]":
        return _of_features(field, catalog)
    if field.path == "spec.limits":
        return _of_limits(field.before, field.after)
    words = {**_QUOTA_WORDS, **_LABEL_WORDS}.get(field.key, field.key)
    if change.kind in {"Namespace", "ResourceQuota", "ConfigMap"}:
        return [_from_to(words, field.before, field.after)]
    return [_from_to(f"{change.kind} {change.name}: {field.path}", field.before, field.after)]


def _of_features(field: FieldChange, catalog: Catalog) -> list[str]:
    before, after = (json.loads(value) if value else [] for value in (field.before, field.after))
    titles = {key: feature.title for key, feature in catalog.features.items()}
    added = [f"feature {titles.get(key, key)} added" for key in after if key not in before]
    removed = [f"feature {titles.get(key, key)} removed" for key in before if key not in after]
    return added + removed


def _of_limits(before: Any, after: Any) -> list[str]:
    """The LimitRange's items: what a container gets, how large a claim may be."""
    words = {
        "default": "container limit by default",
        "defaultRequest": "container request by default",
        "max": "largest",
    }
    old, new = ({item["type"]: item for item in side or []} for side in (before, after))
    found = []
    for kind in dict.fromkeys([*old, *new]):
        for part, says in words.items():
            earlier, later = old.get(kind, {}).get(part, {}), new.get(kind, {}).get(part, {})
            for key in dict.fromkeys([*earlier, *later]):
                if earlier.get(key) != later.get(key):
                    says_what = "largest volume" if kind == "PersistentVolumeClaim" else f"{says}, {key}"
                    found.append(_from_to(says_what, earlier.get(key), later.get(key)))
    return found


def _from_to(words: str, before: Any, after: Any) -> str:
    return f"{words} {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return readable(value) if isinstance(value, str) else json.dumps(value)
