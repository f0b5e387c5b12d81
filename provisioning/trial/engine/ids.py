"""Argo's names: a node's id and a pod's name come from the FNV-1a hash of the node's name."""

from __future__ import annotations

POD_PREFIX_LENGTH = 242  # 253 (a Kubernetes name) minus a dash and ten digits


def fnv1a(text: str) -> int:
    """The 32 bit FNV-1a hash of the UTF-8 bytes."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def node_id(workflow: str, node_name: str) -> str:
    return workflow if node_name == workflow else f"{workflow}-{fnv1a(node_name)}"


def pod_name(workflow: str, node_name: str, template: str) -> str:
    """`pod-name-format: v2`: workflow, template, hash."""
    if node_name == workflow:
        return workflow
    prefix = f"{workflow}-{template}" if template else workflow
    return f"{prefix[:POD_PREFIX_LENGTH]}-{fnv1a(node_name)}"
