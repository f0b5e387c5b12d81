"""WorkflowTemplates: the same rules as for workflows, without a status."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from provisioning.trial.engine.errors import Invalid
from provisioning.trial.store import AlreadyExists, NotFound

from .gojson import dumps
from .metadata import admit, check, set_actor, set_creator, taken
from .selectors import SelectorFault, parse
from .status import EXISTS, INVALID, NOT_FOUND, Status
from .submit import refused
from .types import encode

if TYPE_CHECKING:
    from .calls import Call, Object

KIND = "workflowtemplates"


def get(call: Call) -> Object:
    return _written(call.find(KIND))


def list_templates(call: Call) -> Object:
    """By namespace and name. Raises Status (400) for a selector that does not parse."""
    call.caller.require("list", KIND, call.namespace)
    try:
        matches = parse(call.query.text("listOptions.labelSelector"))
    except SelectorFault as fault:
        raise Status(INVALID, str(fault)) from None
    pattern = call.query.text("namePattern")
    snapshot = call.store.snapshot(KIND, call.namespace)
    items = [
        _written(item)
        for item in snapshot.items
        if matches(item["metadata"].get("labels") or {}) and pattern in item["metadata"]["name"]
    ]
    return {"metadata": {"resourceVersion": str(snapshot.version)}, "items": items or None}


def create(call: Call) -> Object:
    template = _checked(call)
    call.caller.require("create", KIND, call.namespace)
    admit(template, "WorkflowTemplate", call.namespace, call.trial.namespace, len(dumps(template)))
    try:
        return _written(call.store.create(KIND, template))
    except AlreadyExists:
        raise taken(KIND, template["metadata"]) from None


def lint(call: Call) -> Object:
    """The template normalised; what is wrong with it as 400 / 3 (a workflow's is 500 / 2)."""
    return _written(_checked(call))


def update(call: Call) -> Object:
    """Replaces labels, annotations and spec. Raises Status: 409 when a resourceVersion was sent that is not the
    current one."""
    template = _checked(call)
    call.caller.require("update", KIND, call.namespace, call.name)
    sent = template["metadata"].get("resourceVersion")
    set_actor(template["metadata"], call.caller)
    check({**template["metadata"], "name": call.name}, "WorkflowTemplate")

    def mutate(old: Object) -> Object:
        if sent and sent != old["metadata"]["resourceVersion"]:
            raise Status(EXISTS, _conflict(call.name))
        kept = {key: value for key, value in old["metadata"].items() if key not in {"labels", "annotations"}}
        given = {key: template["metadata"][key] for key in ("labels", "annotations") if template["metadata"].get(key)}
        return {"metadata": {**kept, **given}, "spec": template["spec"]}

    try:
        return _written(call.store.update(KIND, call.namespace, call.name, mutate))
    except NotFound as missing:
        raise Status(NOT_FOUND, missing.message) from None


def delete(call: Call) -> Object:
    call.caller.require("delete", KIND, call.namespace, call.name)
    try:
        call.store.delete(KIND, call.namespace, call.name)
    except NotFound as missing:
        raise Status(NOT_FOUND, missing.message) from None
    return {}


def _checked(call: Call) -> Object:
    if call.message.get("template") is None:
        raise Status(INVALID, "workflow template was not found in the request body")
    template: Object = copy.deepcopy(call.message["template"])
    for key in ("apiVersion", "kind"):
        template.pop(key, None)
    template["metadata"] = template.get("metadata") or {}
    template["metadata"]["namespace"] = template["metadata"].get("namespace") or call.namespace
    template["spec"] = template.get("spec") or {}
    set_creator(template["metadata"], call.caller)
    try:
        call.trial.validation.validate_template(template)
    except Invalid as invalid:
        raise refused(INVALID, invalid.message) from None
    return template


def _conflict(name: str) -> str:
    return (
        f'Operation cannot be fulfilled on workflowtemplates.argoproj.io "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


def _written(template: Object) -> Object:
    answer: Object = encode("WorkflowTemplate", template)
    return answer
