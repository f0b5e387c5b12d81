"""Executing a template: arguments in, tags replaced, then by its kind; with attempts when it has a retryStrategy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from . import dag, retry, steps
from .errors import Invalid
from .nodes import Node, fulfilled
from .plan import PodPlan
from .run import Call, Run
from .spec import parameter_value
from .substitute import replace_in

Template = dict[str, Any]

KINDS = {"dag": "DAG", "steps": "Steps", "container": "Pod"}


def execute(run: Run, call: Call) -> Node | None:
    """Bring the node of `call` as far as it goes now. None: it may not begin yet (parallelism)."""
    node = run.nodes.get(call.name)
    if node is not None and (fulfilled(node) or _in_hand(run, node)):
        return node
    if node is None and not call.attempt and _too_many(run):
        return None
    raw = run.template(call.template)
    if raw is None:
        return _error(run, call, node, f"template {call.template} not found")
    try:
        template = prepare(raw, call, run.values)
        strategy = None if call.attempt else template.get("retryStrategy") or run.spec.get("retryStrategy")
        if strategy:
            return retry.execute(run, call, template, strategy, execute)
        return _by_kind(run, call, template, node)
    except Invalid as error:
        return _error(run, call, node, error.message)


def prepare(raw: Template, call: Call, global_values: Mapping[str, str]) -> Template:
    """The template with its inputs filled in and all tags replaced that have a meaning now.

    Two passes, as in Argo: global names first (an input's value may hold them), then the inputs. Raises Invalid.
    """
    given = {p["name"]: p for p in call.arguments.get("parameters") or []}
    inputs = []
    for parameter in raw.get("inputs", {}).get("parameters", []):
        value = parameter_value(given.get(parameter["name"], {}))
        value = parameter_value(parameter) if value is None else value
        if value is None:
            raise Invalid(f"inputs.parameters.{parameter['name']} was not supplied")
        inputs.append({**parameter, "value": value})
    template = {**raw, "inputs": {**raw.get("inputs", {}), "parameters": inputs}} if inputs else raw
    template = cast("Template", replace_in(template, {**global_values, **call.values, "node.name": call.name}))
    if not inputs:
        return template
    parameters = template["inputs"]["parameters"]
    values = {f"inputs.parameters.{parameter['name']}": str(parameter["value"]) for parameter in parameters}
    values["inputs.parameters"] = json.dumps(parameters, separators=(",", ":"))
    replaced: Template = replace_in(template, values)
    return replaced


def kind_of(template: Mapping[str, Any]) -> str:
    """The node type that a template makes; "" for one that the trial does not know."""
    return next((kind for key, kind in KINDS.items() if key in template), "")


def _by_kind(run: Run, call: Call, template: Template, node: Node | None) -> Node:
    kind = kind_of(template)
    executors: dict[str, Callable[[], Node]] = {
        "DAG": lambda: dag.execute(run, call, template, node, execute),
        "Steps": lambda: steps.execute(run, call, template, node, execute),
        "Pod": lambda: _pod(run, call, template, node),
    }
    if kind not in executors:
        raise Invalid(f"template '{call.template}' type is unknown")
    return executors[kind]()


def begin(run: Run, call: Call, template: Template, kind: str, phase: str) -> Node:
    """Write down a new node for `call`."""
    return run.nodes.create(
        call.name,
        kind,
        phase,
        display=call.display,
        template=call.template,
        boundary=call.boundary,
        flag=call.flag,
        inputs=template.get("inputs") or None,
    )


def _pod(run: Run, call: Call, template: Template, node: Node | None) -> Node:
    if node is None:
        node = begin(run, call, template, "Pod", "Pending")
        if not run.may_run(on_exit=call.on_exit):
            return run.nodes.mark(node, "Failed", f"workflow shutdown with strategy: {run.shutdown}")
        if run.overdue and not call.on_exit:
            return run.nodes.mark(node, "Failed", "Step exceeded its deadline")
    key = run.pod_key(node)
    if run.pods.get(key) is None:
        run.plans.append(_plan(run, key[1], node, template))
    return node


def step_of(node: Node) -> str:
    """The name of the task or step whose pod this is, without the number of the attempt."""
    return str(node["displayName"]).partition("(")[0]


def _plan(run: Run, name: str, node: Node, template: Template) -> PodPlan:
    limit = template.get("activeDeadlineSeconds")
    account = template.get("serviceAccountName") or run.spec.get("serviceAccountName") or "default"
    return PodPlan(
        namespace=run.namespace,
        name=name,
        workflow=run.name,
        node=node["id"],
        step=step_of(node),
        template=template,
        account=str(account),
        volumes=tuple(run.spec.get("volumes", ())),
        deadline=None if limit is None else float(limit),
        keep_result=_result_is_used(run, node),
    )


def _in_hand(run: Run, node: Node) -> bool:
    """Whether the node only waits for a pod that exists."""
    if node["type"] == "Retry" and (attempts := run.nodes.attempts(node)):
        node = attempts[-1]
    return node["type"] == "Pod" and not fulfilled(node) and run.pods.get(run.pod_key(node)) is not None


def _result_is_used(run: Run, node: Node) -> bool:
    """Argo keeps a container's output only where some template speaks of it."""
    text = json.dumps(run.spec["templates"])
    return any(f"{kind}.{step_of(node)}.outputs.result" in text for kind in ("tasks", "steps"))


def _too_many(run: Run) -> bool:
    limit = run.spec.get("parallelism")
    return limit is not None and run.active_pods() >= int(limit)


def _error(run: Run, call: Call, node: Node | None, message: str) -> Node:
    if node is not None:
        return run.nodes.mark(node, "Error", message)
    return run.nodes.create(
        call.name,
        "Skipped",
        "Error",
        display=call.display,
        template=call.template,
        boundary=call.boundary,
        flag=call.flag if call.flag is not None else {},
        message=message,
    )
