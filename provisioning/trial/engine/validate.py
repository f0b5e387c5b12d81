"""What the Argo Server says to a workflow before it takes it (its workflow/validate package), and what the trial adds.

The texts are Argo's. What they are checked with: recorded answers of a real server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import depends
from .errors import ExpressionError, Invalid, UnknownName
from .execution import kind_of
from .expressions import evaluate
from .fields import refuse_unimplemented
from .spec import global_values, join, parameter_value
from .substitute import replace_in

Spec = dict[str, Any]
Template = Mapping[str, Any]
GetTemplate = Callable[[str], Mapping[str, Any]]

NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*\Z")
PARAMETER = re.compile(r"[-a-zA-Z0-9_]+\Z")
TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
NAME_LIMIT = 63
TASK_PREFIXES = ("tasks.", "steps.")
# Known to every template, or only known when it runs.
ALWAYS = ("workflow.labels.", "workflow.annotations.", "workflow.outputs.", "workflow.creationTimestamp.",
          "workflow.cronScheduleTime", "workflow.scheduledTime", "outputs.")  # fmt: skip
SPOKEN_OF = ("workflow", "inputs", "tasks", "steps", "outputs", "retries", "lastRetry", "pod", "node")
LOCALS = frozenset({"pod.name", "node.name", "inputs.parameters", "tasks.name", "steps.name"})
RETRIES = frozenset({"retries", "lastRetry.exitCode", "lastRetry.status", "lastRetry.duration", "lastRetry.message"})
HANDLER = frozenset({"workflow.status", "workflow.failures"})


def validate_workflow(workflow: Mapping[str, Any], get_template: GetTemplate, *, lint: bool = False) -> None:
    """Raises Invalid with Argo's text; what `get_template` raises for a missing WorkflowTemplate passes through.

    `lint` does not ask for the values of arguments.
    """
    _check_name(workflow.get("metadata", {}).get("name") or "")
    spec = dict(workflow.get("spec") or {})
    own = spec.get("arguments", {}).get("parameters") or []
    if reference := spec.get("workflowTemplateRef"):
        if spec.get("templates"):
            raise Invalid("Templates is invalid field in spec if workflow referred WorkflowTemplate reference")
        refuse_unimplemented(spec)
        spec = join(spec, get_template(reference["name"])["spec"])
    refuse_unimplemented(spec)
    _check_arguments(spec, own, lint=lint)
    if not spec.get("entrypoint"):
        raise Invalid("spec.entrypoint is required")
    _Checker(spec, _values(workflow, spec)).check()


def validate_template(template: Mapping[str, Any]) -> None:
    """The same for a WorkflowTemplate, whose arguments may lack values. Raises Invalid."""
    spec = dict(template.get("spec") or {})
    refuse_unimplemented(spec)
    _check_arguments(spec, [], lint=True)
    _Checker(spec, _values(template, spec)).check()


def _check_name(name: str) -> None:
    if len(name) > NAME_LIMIT:
        raise Invalid(
            f'workflow name "{name}" must not be more than {NAME_LIMIT} characters long (currently {len(name)})'
        )


def _check_arguments(spec: Spec, own: list[Mapping[str, Any]], *, lint: bool) -> None:
    """Names, values, and the enum of what was sent (a template's own enum binds nobody)."""
    parameters = (spec.get("arguments") or {}).get("parameters") or []
    _check_unique("spec.arguments.parameters", own or parameters)
    for parameter in [] if lint else parameters:
        name = parameter["name"]
        if parameter_value(parameter) is None:
            raise Invalid(f"spec.arguments.{name}.value or spec.arguments.{name}.valueFrom is required")
    for parameter in own:
        name, enum = parameter["name"], parameter.get("enum")
        if enum is not None and parameter.get("value") not in enum:
            raise Invalid(f"spec.arguments.{name}.value should be present in spec.arguments.{name}.enum list")


def _check_unique(where: str, items: list[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for index, item in enumerate(items):
        if not item.get("name"):
            raise Invalid(f"{where}[{index}].name is required")
        if not PARAMETER.match(item["name"]):
            raise Invalid(
                f"{where}[{index}].name: '{item['name']}' is invalid: Parameter/Artifact names must consist of alpha-"
                "numeric characters, '_' or '-' e.g. my_param_1, MY-PARAM-1"
            )
        if item["name"] in seen:
            raise Invalid(f"{where}[{index}].name '{item['name']}' is not unique")
        seen.add(item["name"])


def _values(workflow: Mapping[str, Any], spec: Spec) -> dict[str, str]:
    """The global names, with something for what only the stored workflow has."""
    meta = {"name": "", "namespace": "", "uid": "", "creationTimestamp": "1970-01-01T00:00:00Z"}
    given = {key: value for key, value in workflow.get("metadata", {}).items() if value}
    values = global_values({"metadata": meta | given}, spec)
    for parameter in (spec.get("arguments") or {}).get("parameters") or []:
        values.setdefault(f"workflow.parameters.{parameter['name']}", "")
    return values


class _Checker:
    """Follows the templates from the entrypoint, the exit handler, and then the rest."""

    def __init__(self, spec: Spec, values: Mapping[str, str]) -> None:
        self.spec, self.values = spec, values
        self.templates: dict[str, Template] = {}
        for index, template in enumerate(spec.get("templates") or []):
            self._check_template_name(index, template)
            self.templates[template["name"]] = template
        self.checked: set[str] = set()
        self.handler = False

    def check(self) -> None:
        entrypoint, handler = self.spec.get("entrypoint"), self.spec.get("onExit")
        if entrypoint:
            self.template(entrypoint, {})
        if handler:
            self.handler = True
            self.template(handler, {})
        for name in self.templates:
            self.template(name, None)

    def template(self, name: str, arguments: Mapping[str, Any] | None) -> None:
        """`arguments` None: nobody calls it (yet), so nothing can be missing."""
        template = self.templates.get(name)
        if template is None:
            raise Invalid(f"template name '{name}' undefined")
        if arguments is not None:
            self._check_supplied(template, arguments)
        if name in self.checked:
            return
        self.checked.add(name)
        kind = kind_of(template)
        if not kind:
            raise Invalid(f"template '{name}' type is unknown")
        if sum(key in template for key in ("container", "dag", "steps")) > 1:
            raise Invalid(f"template '{name}' multiple template types specified. choose one of: container, dag, steps")
        self._check_replacement(template)
        {"Pod": self._container, "DAG": self._dag, "Steps": self._steps}[kind](template)

    def _check_template_name(self, index: int, template: Template) -> None:
        name = template.get("name") or ""
        if not name:
            raise Invalid(f"spec.templates[{index}].name is required")
        if not NAME.match(name):
            raise Invalid(
                f"spec.templates[{index}].name: '{name}' is invalid: name must consist of alpha-numeric characters or "
                "'-', and must start with an alpha-numeric character (e.g. My-name1-2, 123-NAME)"
            )
        if name in self.templates:
            raise Invalid(f"spec.templates[{index}].name '{name}' is not unique")

    def _check_supplied(self, template: Template, arguments: Mapping[str, Any]) -> None:
        given = {p["name"] for p in arguments.get("parameters") or []}
        given |= {p["name"] for p in (self.spec.get("arguments") or {}).get("parameters") or [] if not arguments}
        for parameter in template.get("inputs", {}).get("parameters", []):
            if parameter["name"] not in given and parameter_value(parameter) is None:
                raise Invalid(f"templates.{template['name']} inputs.parameters.{parameter['name']} was not supplied")

    def _check_replacement(self, template: Template) -> None:
        try:
            replace_in(template, self.values)
        except Invalid as error:
            raise Invalid(f"templates.{template['name']} {error.message}") from error

    def _container(self, template: Template) -> None:
        name = template["name"]
        if not template["container"].get("image"):
            raise Invalid(f"templates.{name}.container.image may not be empty")
        self._check_tags(template, f"templates.{name}:", self._inputs(template))

    def _inputs(self, template: Template) -> set[str]:
        known = {f"inputs.parameters.{p['name']}" for p in template.get("inputs", {}).get("parameters", [])}
        return known | (RETRIES if template.get("retryStrategy") or self.spec.get("retryStrategy") else set())

    def _check_tags(self, value: object, where: str, known: set[str]) -> None:
        for tag in _tags(value):
            if tag.startswith("="):
                self._check_expression(tag[1:], where)
            elif not self._resolves(tag.strip(), known):
                raise Invalid(f"{where} failed to resolve {{{{{tag}}}}}")

    def _check_expression(self, expression: str, where: str) -> None:
        """What an expression of a template speaks of must be something that the trial knows."""
        try:
            evaluate(expression, {name: {} for name in SPOKEN_OF})
        except UnknownName as error:
            if not expression.strip().startswith(SPOKEN_OF):
                raise Invalid(f"trial: {where} {{{{={expression}}}}} is not implemented: {error.message}") from error
        except ExpressionError as error:
            if error.message.startswith("trial: "):
                raise

    def _resolves(self, tag: str, known: set[str]) -> bool:
        return (
            tag in known
            or tag in LOCALS
            or tag in self.values
            or (self.handler and tag in HANDLER)
            or tag.startswith(ALWAYS)
        )

    def _dag(self, template: Template) -> None:
        name, tasks = template["name"], template["dag"].get("tasks") or []
        if not tasks:
            raise Invalid(f"templates.{name} must have at least one task")
        _check_unique(f"templates.{name}.tasks", tasks)
        if any(task.get("depends") for task in tasks) and any(task.get("dependencies") for task in tasks):
            raise Invalid(f"templates.{name} cannot use both 'depends' and 'dependencies' in the same DAG template")
        by_name = {task["name"]: task for task in tasks}
        order = self._sorted(name, by_name)
        for task in order:
            self._call(f"templates.{name}.tasks.{task['name']}", task)
        for task in order:
            known = self._inputs(template) | _outputs("tasks", _ancestors(task, by_name), self.templates)
            self._check_tags(_own(task), f"templates.{name}.tasks.{task['name']}", known)

    def _sorted(self, name: str, tasks: Mapping[str, Template]) -> list[Template]:
        """Tasks, those first that others depend on. Raises Invalid for a cycle and for an unknown dependency."""
        done: dict[str, Template] = {}
        waiting = dict(tasks)
        for task in tasks.values():
            for needed in depends.tasks_of(task):
                if needed not in tasks:
                    raise Invalid(f"templates.{name} sorting failed: invalid dependency {needed}")
        while waiting:
            ready = [key for key, task in waiting.items() if all(n in done for n in depends.tasks_of(task))]
            if not ready:
                raise Invalid(f"templates.{name} sorting failed: graph with cycle")
            done |= {key: waiting.pop(key) for key in ready}
        return list(done.values())

    def _steps(self, template: Template) -> None:
        name = template["name"]
        groups = template["steps"]
        _check_unique(f"templates.{name}.steps", [step for group in groups for step in group])
        known = self._inputs(template)
        for index, group in enumerate(groups):
            for step in group:
                where = f"templates.{name}.steps[{index}].{step['name']}"
                self._call(where, step)
                self._check_tags(_own(step), where, known)
            known |= _outputs("steps", {step["name"]: step for step in group}, self.templates)

    def _call(self, where: str, task: Template) -> None:
        if not task.get("template"):
            raise Invalid(f"{where} template name '' undefined")
        try:
            self.template(task["template"], task.get("arguments") or {"parameters": []})
        except Invalid as error:
            if error.message.startswith("trial: "):
                raise
            raise Invalid(f"{where} {error.message}") from error


def _own(task: Template) -> dict[str, Any]:
    """The parts of a task in which tags are replaced before it runs."""
    return {key: task[key] for key in ("arguments", "when") if key in task}


def _tags(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from TAG.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tags(item)
    elif isinstance(value, list):
        for item in value:
            yield from _tags(item)


def _ancestors(task: Template, tasks: Mapping[str, Template]) -> dict[str, Template]:
    found: dict[str, Template] = {}
    waiting = depends.tasks_of(task)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = tasks[name]
            waiting = waiting + depends.tasks_of(tasks[name])
    return found


def _outputs(prefix: str, tasks: Mapping[str, Template], templates: Mapping[str, Template]) -> set[str]:
    """What may be said of earlier tasks."""
    known: set[str] = set()
    for name, task in tasks.items():
        start = f"{prefix}.{name}"
        known |= {f"{start}.{key}" for key in ("id", "status", "startedAt", "finishedAt", "exitCode", "outputs.result")}
        declared = templates.get(task.get("template") or "", {}).get("outputs", {}).get("parameters", [])
        known |= {f"{start}.outputs.parameters.{parameter['name']}" for parameter in declared}
    return known
