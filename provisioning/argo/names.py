"""How Argo names nodes and pods, and how the workflow's name carries request and attempt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_FNV_OFFSET, _FNV_PRIME, _32_BITS = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_LONGEST_PREFIX = 242
_ATTEMPT = re.compile(r"-(\d{1,6})\Z")


def fnv32a(text: str) -> int:
    """The 32-bit FNV-1a hash that Argo puts at the end of node ids and pod names."""
    value = _FNV_OFFSET
    for byte in text.encode():
        value = ((value ^ byte) * _FNV_PRIME) & _32_BITS
    return value


def node_id(workflow: str, node_name: str) -> str:
    """The id of a node: the workflow's name for the root."""
    return workflow if node_name == workflow else f"{workflow}-{fnv32a(node_name)}"


def pod_name(workflow: str, node: Mapping[str, Any], pod_name_format: str = "v2") -> str:
    """The pod of a node. `pod_name_format` is the annotation workflows.argoproj.io/pod-name-format (absent: v2)."""
    name = str(node.get("name", ""))
    if pod_name_format == "v1":
        return str(node.get("id") or node_id(workflow, name))
    if name == workflow:
        return workflow
    reference = node.get("templateRef") or {}
    template = str(reference.get("template") or node.get("templateName") or "")
    prefix = f"{workflow}-{template}" if template else workflow
    return f"{prefix[:_LONGEST_PREFIX]}-{fnv32a(name)}"


def attempt_of(workflow: str) -> int | None:
    """The number at the end of `create-namespace-3f2c8f1e-1`; None when the name has another form."""
    found = _ATTEMPT.search(workflow)
    return int(found.group(1)) if found else None
