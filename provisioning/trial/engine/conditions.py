"""What may be wrong with the trial's cluster: remembered in the store, set from outside, read here.

`image_pull_fails`: an image that cannot be pulled, or a list of them ("*" is every image). `unschedulable`: a step, by
the task's or the template's name, whose pods no node takes, or a list of them ("*" is every step).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IMAGE_PULL = "image_pull_fails"
UNSCHEDULABLE = "unschedulable"

BACK_OFF_SECONDS = 10.0


def _names(conditions: Mapping[str, Any], name: str) -> list[str]:
    value = conditions.get(name) or []
    return [value] if isinstance(value, str) else list(value)


def full_image(image: str) -> str:
    """With the registry that a short name means."""
    first, slash, _ = image.partition("/")
    if not slash:
        return f"docker.io/library/{image}"
    return image if "." in first or ":" in first or first == "localhost" else f"docker.io/{image}"


def pull_problem(conditions: Mapping[str, Any], image: str, waited: float) -> str:
    """What a pod says whose image cannot be pulled, by how long it has tried; "" when it can be pulled."""
    blocked = _names(conditions, IMAGE_PULL)
    full = full_image(image)
    if not any(name == "*" or full_image(name) == full for name in blocked):
        return ""
    error = (
        f'ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "{full}": '
        f'failed to resolve reference "{full}": {full}: not found'
    )
    return error if waited < BACK_OFF_SECONDS else f'ImagePullBackOff: Back-off pulling image "{full}": {error}'


def schedule_problem(conditions: Mapping[str, Any], *names: str) -> str:
    """What a pod of this step says that no node takes; "" when one does."""
    if not {"*", *names} & set(_names(conditions, UNSCHEDULABLE)):
        return ""
    return (
        "Unschedulable: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to "
        "deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
