"""What can be done to a workflow that exists: stop, terminate, suspend, resume, retry, resubmit, set."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from provisioning.trial.store import NotFound

from . import rerun
from .metadata import set_actor
from .status import INTERNAL, INVALID, NOT_FOUND, Status
from .submit import overridden, stored
from .types import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from .calls import Call, Object

TERMINAL = {"Succeeded", "Failed", "Error"}
SETTABLE = {"Succeeded", "Failed", "Error", ""}
NO_NODES = "currently, set only targets suspend nodes: no suspend nodes matching nodeFieldSelector: "


def finished(workflow: Object) -> bool:
    return (workflow.get("status") or {}).get("phase") in TERMINAL


def stop(call: Call) -> Object:
    """Ask for an end with exit handlers; the answer is the object as it is now. Raises Status (500) when over."""
    return _shut_down(call, "Stop")


def terminate(call: Call) -> Object:
    """Ask for an end without exit handlers."""
    return _shut_down(call, "Terminate")


def _shut_down(call: Call, strategy: str) -> Object:
    call.find("workflows")
    _no_node(call)

    def mutate(workflow: Object) -> Object:
        if finished(workflow):
            where = f'workflow: "{call.name}", namespace: "{call.namespace}"'
            raise Status(INTERNAL, f"cannot shutdown a completed workflow: {where}")
        workflow["spec"]["shutdown"] = strategy
        set_actor(workflow["metadata"], call.caller, strategy)
        return workflow

    return _changed(call, "patch", mutate)


def suspend(call: Call) -> Object:
    """Nothing new starts until `resume`. Raises Status (400) when over."""
    call.find("workflows")

    def mutate(workflow: Object) -> Object:
        if finished(workflow):
            raise Status(INVALID, "timed out waiting for the condition: cannot suspend completed workflows")
        if not workflow["spec"].get("suspend"):
            workflow["spec"]["suspend"] = True
            set_actor(workflow["metadata"], call.caller, "Suspend")
        return workflow

    return _changed(call, "update", mutate)


def resume(call: Call) -> Object:
    """Without effect on what is over, or not suspended."""
    call.find("workflows")
    _no_node(call)

    def mutate(workflow: Object) -> Object:
        if workflow["spec"].pop("suspend", None):
            set_actor(workflow["metadata"], call.caller, "Resume")
        return workflow

    return _changed(call, "update", mutate)


def set_node(call: Call) -> Object:
    """Edits a suspend node. The trial runs no suspend templates, so none ever matches. Raises Status."""
    call.find("workflows")
    phase = call.message.get("phase") or ""
    if phase not in SETTABLE:
        raise Status(INVALID, f"{phase} is an invalid phase to set to")
    _no_node(call)
    raise Status(INTERNAL, "'set' currently only targets suspend nodes, use a node field selector to target them")


def _no_node(call: Call) -> None:
    if selector := call.message.get("nodeFieldSelector"):
        raise Status(INTERNAL, NO_NODES + selector)


def retry(call: Call) -> Object:
    """Take the failed nodes away and run again: the same object. Raises Status (400) unless it has failed."""
    call.find("workflows")
    doomed: list[str] = []

    def mutate(workflow: Object) -> Object:
        again = rerun.reset(
            workflow,
            now=call.store.now(),
            restart_successful=bool(call.message.get("restartSuccessful")),
            selector=call.message.get("nodeFieldSelector") or "",
        )
        doomed[:] = again.pods
        spec = again.workflow["spec"]
        spec["arguments"] = overridden(spec.get("arguments") or {}, call.message.get("parameters") or [])
        set_actor(again.workflow["metadata"], call.caller, "Retry")
        return again.workflow

    answer = _changed(call, "update", mutate)
    for pod in doomed:
        call.store.delete_pod(call.namespace, pod)
    return answer


def resubmit(call: Call) -> Object:
    """The same once more, as a new workflow."""
    old = call.find("workflows")
    new = rerun.copy_of(old, memoized=bool(call.message.get("memoized")))
    new["metadata"]["namespace"] = call.namespace
    new["spec"]["arguments"] = overridden(new["spec"].get("arguments") or {}, call.message.get("parameters") or [])
    if call.caller.label:
        new["metadata"]["labels"]["workflows.argoproj.io/creator"] = call.caller.label
    return stored(call, new, dry_run=False)


def _changed(call: Call, verb: str, mutate: Callable[[Object], Object]) -> Object:
    call.caller.require(verb, "workflows", call.namespace, call.name)
    try:
        changed = call.store.update("workflows", call.namespace, call.name, lambda old: mutate(copy.deepcopy(old)))
    except NotFound as missing:
        raise Status(NOT_FOUND, missing.message) from None
    answer: Object = encode("Workflow", changed)
    return answer
