"""Reading and deleting one workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.trial.store import NotFound

from .status import INTERNAL, NOT_FOUND, Status
from .types import encode

if TYPE_CHECKING:
    from .calls import Call, Object

LATEST = "@latest"


def get(call: Call) -> Object:
    """The workflow, or of it what `fields` asks for. A version from the future waits, as in Kubernetes."""
    workflow = latest(call) if call.name == LATEST else call.find("workflows")
    uid = call.query.text("uid")
    if uid and uid != workflow["metadata"]["uid"]:
        # Argo looks for it in the archive and stumbles over the archive's answer
        raise Status(INTERNAL, "runtime error: invalid memory address or nil pointer dereference")
    version = call.query.text("getOptions.resourceVersion")
    if version.isdigit() and int(version) > call.store.version():
        workflow = _later(call, int(version))
    return written(call, workflow)


def _later(call: Call, version: int) -> Object:
    """The workflow as it is when the store has reached `version`. Raises Status when Kubernetes gives up waiting."""
    for _ in range(3):  # Kubernetes waits three seconds before it answers "Too large resource version"
        call.store.events("workflows", call.namespace, version - 1, timeout=1.0)
        if call.store.version() >= version:
            return call.find("workflows")
    raise Status(4, f"Timeout: Too large resource version: {version}, current: {call.store.version()}")


def latest(call: Call) -> Object:
    """The newest of the namespace. Raises Status (404) when there is none."""
    call.caller.require("list", "workflows", call.namespace)
    found = call.store.list("workflows", call.namespace)
    if not found:
        raise Status(NOT_FOUND, "no workflows found")
    return max(
        found, key=lambda item: (item["metadata"]["creationTimestamp"], int(item["metadata"]["resourceVersion"]))
    )


def written(call: Call, workflow: Object) -> Object:
    """As Argo writes it: cleaned by `fields`, then read into the struct again, so that required zeros come back."""
    answer: Object = encode("Workflow", call.cleaner.clean(workflow))
    return answer


def delete(call: Call) -> Object:
    workflow = call.find("workflows")
    call.caller.require("delete", "workflows", call.namespace, call.name)
    try:
        call.store.delete("workflows", call.namespace, workflow["metadata"]["name"])
    except NotFound as missing:
        raise Status(NOT_FOUND, missing.message) from None
    return {}
