"""The spec that is really executed: the workflow's, joined with its template's, with global names replaced."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from .substitute import replace_in

Spec = dict[str, Any]
Template = dict[str, Any]


def normalise_template(template: Template) -> Template:
    """A template as Argo's structures write it out: with the empty parts that are never left out."""
    full = {"name": template.get("name", ""), "inputs": {}, "outputs": {}, "metadata": {}} | template
    if "container" in full:
        full["container"] = {"name": "", **full["container"]}
        full["container"].setdefault("resources", {})
    for task in full.get("dag", {}).get("tasks", []):
        task.setdefault("arguments", {})
    for step in (step for group in full.get("steps", []) for step in group):
        step.setdefault("arguments", {})
    return full


def stored_templates(workflow_template: Mapping[str, Any]) -> dict[str, Template]:
    """`status.storedTemplates`, which the server fills in when a workflow refers to a WorkflowTemplate."""
    name = workflow_template["metadata"]["name"]
    templates = copy.deepcopy(workflow_template["spec"].get("templates", []))
    return {
        f"namespaced/{name}/{template['name']}": normalise_template(template)
        for template in sorted(templates, key=lambda template: str(template["name"]))
    }


def join(workflow_spec: Spec, template_spec: Spec) -> Spec:
    """The workflow's fields over the template's; of the arguments first the workflow's, then the template's others."""
    joined = copy.deepcopy({**template_spec, **{key: value for key, value in workflow_spec.items() if value}})
    joined["templates"] = [normalise_template(template) for template in joined.get("templates", [])]
    given = list((workflow_spec.get("arguments") or {}).get("parameters") or [])
    names = {parameter["name"] for parameter in given}
    declared = (template_spec.get("arguments") or {}).get("parameters") or []
    parameters = [*given, *(parameter for parameter in declared if parameter["name"] not in names)]
    joined["arguments"] = {"parameters": parameters} if parameters else {}
    return joined


def parameter_value(parameter: Mapping[str, Any]) -> str | None:
    """The value of an argument, else its default; None when it has neither."""
    value = parameter.get("value", parameter.get("default"))
    if value is None:
        value = parameter.get("valueFrom", {}).get("default")
    return None if value is None else str(value)


def global_values(workflow: Mapping[str, Any], spec: Spec) -> dict[str, str]:
    """What `{{workflow.…}}` means in this workflow, by full name."""
    meta = workflow["metadata"]
    created = dt.datetime.fromisoformat(meta["creationTimestamp"])
    values = {
        "workflow.name": meta["name"],
        "workflow.namespace": meta["namespace"],
        "workflow.uid": meta["uid"],
        "workflow.mainEntrypoint": spec.get("entrypoint", ""),
        "workflow.serviceAccountName": spec.get("serviceAccountName", ""),
        "workflow.priority": str(spec.get("priority", 0)),
        "workflow.creationTimestamp": meta["creationTimestamp"],
        "workflow.creationTimestamp.s": str(int(created.timestamp())),
        "workflow.creationTimestamp.RFC3339": meta["creationTimestamp"],
    }
    for part in ("labels", "annotations"):
        entries = meta.get(part, {})
        values |= {f"workflow.{part}.{name}": str(value) for name, value in entries.items()}
    parameters = spec.get("arguments", {}).get("parameters", [])
    for parameter in parameters:
        value = parameter_value(parameter)
        if value is not None:
            values[f"workflow.parameters.{parameter['name']}"] = value
    values["workflow.parameters"] = json.dumps(parameters, separators=(",", ":"))
    return values


def resolve(workflow: Mapping[str, Any], spec: Spec) -> tuple[Spec, dict[str, str]]:
    """Replace global names in everything but the templates, then read the arguments again.

    So a tag inside a parameter's value is evaluated, as on the real controller. Raises Invalid.
    """
    rest = {key: value for key, value in spec.items() if key != "templates"}
    resolved = replace_in(rest, global_values(workflow, spec))
    resolved["templates"] = spec.get("templates", [])
    return resolved, global_values(workflow, resolved)
