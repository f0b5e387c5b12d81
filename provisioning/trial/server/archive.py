"""The workflow archive, as a server answers that has it switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .selectors import SelectorFault, requirements_of
from .status import INTERNAL, INVALID, Status

if TYPE_CHECKING:
    from .calls import Call, Object


def list_archived(call: Call) -> Object:
    call.caller.require_list(_namespace(call))
    return {"metadata": {}, "items": None}


def _namespace(call: Call) -> str:
    for requirement in call.query.text("listOptions.fieldSelector").split(","):
        key, _, value = requirement.partition("=")
        if key == "metadata.namespace":
            return value.lstrip("=")
    return call.query.text("namespace")


def label_keys(_call: Call) -> Object:
    return {}


def label_values(call: Call) -> Object:
    """Raises Status (400) unless exactly one label is asked for."""
    try:
        found = requirements_of(call.query.text("listOptions.labelSelector"))
    except SelectorFault as fault:
        raise Status(INVALID, str(fault)) from None
    if len(found) != 1:
        raise Status(INVALID, f"only allow 1 labelRequirement, found {len(found)}")
    return {}


def unsupported(_call: Call) -> Object:
    raise Status(INTERNAL, "getting archived workflows not supported")
