"""What tasks and steps may say of each other: `{{tasks.A.outputs.parameters.p}}` and the like."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .errors import Invalid
from .nodes import Node
from .substitute import replace_in


def values_of(scope: Mapping[str, Node]) -> dict[str, str]:
    """Names and values for nodes by their prefix, such as `tasks.build`."""
    values: dict[str, str] = {}
    for prefix, node in scope.items():
        outputs = node.get("outputs", {})
        values |= {
            f"{prefix}.id": node["id"],
            f"{prefix}.status": node["phase"],
            f"{prefix}.startedAt": node.get("startedAt") or "",
            f"{prefix}.finishedAt": node.get("finishedAt") or "",
        }
        for part in ("exitCode", "result"):
            if part in outputs:
                values[f"{prefix}.{'outputs.result' if part == 'result' else part}"] = outputs[part]
        for parameter in outputs.get("parameters", []):
            if "value" in parameter:
                values[f"{prefix}.outputs.parameters.{parameter['name']}"] = str(parameter["value"])
    return values


def replace_references(task: Mapping[str, Any], scope: Callable[[], Mapping[str, Node]]) -> Mapping[str, Any]:
    """A task or step with the names of earlier ones replaced. Raises Invalid for an output that is not there."""
    text = json.dumps(task, ensure_ascii=False)
    if "{{" not in text:
        return task
    values = values_of(scope())
    replaced: Mapping[str, Any] = replace_in(task, values)
    for kind in ("tasks", "steps"):
        left = json.dumps(replaced, ensure_ascii=False).partition("{{" + kind + ".")[2].partition("}}")[0]
        if ".outputs." in left:
            raise Invalid(f"Unable to resolve: {{{{{kind}.{left}}}}}")
    return replaced


def outputs_of_template(template: Mapping[str, Any], node: Node, scope: Mapping[str, Node]) -> None:
    """Give a DAG or Steps node the outputs that its template takes from its tasks."""
    declared = template.get("outputs", {}).get("parameters", [])
    if not declared:
        return
    values = values_of(scope)
    parameters = []
    for parameter in declared:
        source = parameter.get("valueFrom", {})
        reference = str(source.get("parameter", "")).strip("{} ")
        value = values.get(reference, source.get("default"))
        if value is None:
            raise Invalid(f"Unable to resolve: {{{{{reference}}}}}")
        parameters.append({**parameter, "value": value})
    node["outputs"] = {"parameters": parameters}
