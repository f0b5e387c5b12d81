"""Looks at a namespace that end as a test says."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from provisioning import lifecycle, manifests
from provisioning.models import Check, Namespace, User

MADE = "2026-11-20T10:00:00Z"


def pod(name: str = "web-1") -> str:
    return f"Pod\t{name}\t{MADE}\t\t\t\tRunning\t\t"


def volume(name: str = "ledger-db", size: str = "10Gi") -> str:
    return f"PersistentVolumeClaim\t{name}\t{MADE}\t\t\t{size}\tBound\t\t"


def balancer(name: str = "front", address: str = "203.0.113.7") -> str:
    return f"Service\t{name}\t{MADE}\t\tLoadBalancer\t\t\t{address}\t"


def used(**amounts: str) -> list[str]:
    """What the quota counts; `limits_cpu` stands for `limits.cpu`."""
    told = {name.replace("_", "."): amount for name, amount in amounts.items()}
    return [f"used\t{json.dumps(told)}", f"hard\t{json.dumps(dict.fromkeys(told, '100'))}"]


def inventory(*lines: str) -> str:
    return "\n".join([*lines, f"end\t{len(lines)}"])


def live_of(namespace: Namespace) -> dict[str, Any]:
    """The cluster has just what was granted."""
    items = copy.deepcopy(manifests.objects_of(namespace.current_revision.rendered))
    single = {"Namespace": "namespace", "ConfigMap": "monitoringConfig", "ServiceAccount": "platformUser"}
    live: dict[str, Any] = {"objects": {"items": [item for item in items if item["kind"] not in single]}}
    for kind, key in single.items():
        live[key] = next((item for item in items if item["kind"] == kind), None)
    return live


def item_of(live: dict[str, Any], kind: str, name: str = "") -> dict[str, Any]:
    items = live["objects"]["items"]
    return next(item for item in items if item["kind"] == kind and name in {"", item["metadata"]["name"]})


def look(
    namespace: Namespace, *lines: str, by: User | None = None, live: dict[str, Any] | None = None, gone: bool = False
) -> Check:
    """Somebody looked at it a moment ago, and found `live` (as granted, left out) and these lines inside."""
    check = lifecycle.ask_check(namespace.name, by=by, why="delete")
    outputs = {"live": "", "inventory": ""}
    if not gone:
        outputs = {"live": json.dumps(live or live_of(namespace)), "inventory": inventory(*lines)}
    assert lifecycle.finish_check(check, outputs), check.error
    namespace.refresh_from_db()
    return check


def long_ago(check: Check, **ago: int) -> Check:
    """It was so long ago."""
    at = timezone.now() - timedelta(**ago)
    Check.objects.filter(pk=check.pk).update(asked_at=at, finished_at=at)
    check.refresh_from_db()
    return check
