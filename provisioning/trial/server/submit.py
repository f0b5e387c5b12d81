"""Creating and checking workflows: POST of an object, of a template's name, and lint."""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING

from provisioning.trial.engine.errors import Invalid
from provisioning.trial.store import AlreadyExists, NotFound

from .gojson import dumps
from .metadata import NAME_LIMIT, PREFIX, admit, set_creator, taken
from .status import INTERNAL, INVALID, NOT_FOUND, UNIMPLEMENTED, UNKNOWN, Status, not_implemented
from .types import encode

if TYPE_CHECKING:
    from .calls import Call, Object

KINDS = {
    "WorkflowTemplate": {"WorkflowTemplate", "workflowtemplate", "workflowtemplates", "wftmpl"},
    "ClusterWorkflowTemplate": {
        "ClusterWorkflowTemplate", "clusterworkflowtemplate", "clusterworkflowtemplates", "cwftmpl",
    },
    "CronWorkflow": {"CronWorkflow", "cronworkflow", "cronworkflows", "cronwf"},
}  # fmt: skip


def create(call: Call) -> Object:
    """Raises Status with what Argo (400) or Kubernetes would say."""
    workflow = call.message.get("workflow")
    if workflow is None:
        raise Status(INVALID, "workflow body not specified")
    workflow = _prepared(call, workflow)
    _validate(call, workflow, INVALID)
    if (call.message.get("createOptions") or {}).get("dryRun"):
        return echo(workflow)
    return stored(call, workflow, dry_run=bool(call.message.get("serverDryRun")))


def lint(call: Call) -> Object:
    """The object normalised; what is wrong with it as 500 / 2, as the handler returns the raw error."""
    if call.message.get("workflow") is None:
        raise Status(UNKNOWN, "unable to get a workflow")
    workflow = _prepared(call, call.message["workflow"])
    if call.message["workflow"].get("metadata", {}).get("namespace") is None:
        workflow["metadata"].pop("namespace", None)
    _validate(call, workflow, UNKNOWN, lint=True)
    workflow.pop("status", None)
    return echo(workflow)


def from_template(call: Call) -> Object:
    """`/submit`: a workflow that refers to a template."""
    kind = call.message.get("resourceKind") or ""
    if not any(kind in names for names in KINDS.values()):
        raise Status(INVALID, f"Resource kind '{kind}' is not supported for submitting")
    if kind not in KINDS["WorkflowTemplate"]:
        raise not_implemented(f"submitting from a {kind}")
    name = call.message.get("resourceName") or ""
    template(call, name)
    options = call.message.get("submitOptions") or {}
    workflow = _applied(_referring(name), options)
    set_creator(workflow["metadata"], call.caller)
    _validate(call, workflow, INVALID)
    if options.get("dryRun"):
        return echo(workflow)
    workflow["metadata"]["namespace"] = call.namespace
    return stored(call, workflow, dry_run=bool(options.get("serverDryRun")))


def template(call: Call, name: str) -> Object:
    """A template by name, as the server's own informer has it. Raises Status (404)."""
    try:
        return call.store.get("workflowtemplates", call.namespace, name)
    except NotFound as missing:
        raise Status(NOT_FOUND, missing.message) from None


def echo(workflow: Object) -> Object:
    answer: Object = encode("Workflow", workflow)
    return answer


def _prepared(call: Call, workflow: Object) -> Object:
    """A copy with what the server sets before it looks closer. `apiVersion` and `kind` are not kept."""
    workflow = copy.deepcopy(workflow)
    for key in ("apiVersion", "kind"):
        workflow.pop(key, None)
    metadata = workflow["metadata"] = workflow.get("metadata") or {}
    for key in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"):
        metadata.pop(key, None)
    metadata["namespace"] = metadata.get("namespace") or call.namespace
    workflow["spec"] = workflow.get("spec") or {}
    set_creator(metadata, call.caller)
    return workflow


def _validate(call: Call, workflow: Object, code: int, *, lint: bool = False) -> None:
    """Raises Status: `code` for what is wrong, 404 for a template that is missing. Fills in storedTemplates."""
    name = workflow["metadata"].get("name") or ""
    if len(name) > NAME_LIMIT:
        text = f'workflow name "{name}" must not be more than 63 characters long (currently {len(name)})'
        raise Status(code, text)
    try:
        call.trial.validation.validate_workflow(workflow, lambda wanted: template(call, wanted), lint=lint)
    except Invalid as invalid:
        raise refused(code, _by_reference(workflow, invalid.message)) from None
    if reference := _reference(workflow):
        workflow["status"] = {"storedTemplates": _stored_templates(template(call, reference), workflow)}


def refused(code: int, message: str) -> Status:
    """What a check said, as an answer; what only the trial refuses is Unimplemented."""
    return Status(UNIMPLEMENTED if message.startswith("trial: ") else code, message)


def _reference(workflow: Object) -> str:
    return str((workflow["spec"].get("workflowTemplateRef") or {}).get("name") or "")


def _by_reference(workflow: Object, message: str) -> str:
    """Argo looks the entrypoint up in the template that is referred to, and says so when it isn't there."""
    name, reference = workflow["spec"].get("entrypoint"), _reference(workflow)
    missing = bool(reference) and message == f"template name '{name}' undefined"
    return f"template reference {reference}.{name} not found" if missing else message


def _stored_templates(source: Object, workflow: Object) -> Object:
    """The templates that the checks went through, under `namespaced/<workflow template>/<template>`."""
    by_name = {item["name"]: item for item in source["spec"].get("templates") or ()}
    spec = {**source["spec"], **{key: value for key, value in workflow["spec"].items() if value}}
    waiting, seen = [spec.get("entrypoint"), spec.get("onExit")], {}
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in seen:
            seen[name] = encode("Template", by_name[name])
            waiting += _called(by_name[name])
    return {f"namespaced/{source['metadata']['name']}/{name}": item for name, item in seen.items()}


def _called(item: Object) -> list[str | None]:
    tasks = [*(item.get("dag") or {}).get("tasks", ()), *(step for group in item.get("steps") or () for step in group)]
    return [task.get(key) for task in tasks for key in ("template", "onExit")]


def _referring(name: str) -> Object:
    return {
        "metadata": {"generateName": f"{name}-", "labels": {f"{PREFIX}workflow-template": name}},
        "spec": {"workflowTemplateRef": {"name": name}, "arguments": {}},
    }


def _applied(workflow: Object, options: Object) -> Object:
    """`submitOptions` laid over the workflow. Raises Status (500) for texts of another form."""
    metadata, spec = workflow["metadata"], workflow["spec"]
    for option, field in (("name", "name"), ("generateName", "generateName")):
        if options.get(option):
            metadata[field] = options[option]
    for option, field in (("entryPoint", "entrypoint"), ("serviceAccount", "serviceAccountName")):
        if options.get(option):
            spec[field] = options[option]
    for option in ("priority", "podPriorityClassName"):
        if options.get(option) is not None:
            spec[option] = options[option]
    metadata["labels"] |= pairs(options.get("labels") or "", "labels")
    if annotations := pairs(options.get("annotations") or "", "annotations"):
        metadata["annotations"] = annotations
    if options.get("ownerReference"):
        metadata["ownerReferences"] = [options["ownerReference"]]
    if options.get("artifacts"):
        raise not_implemented("submitting artifacts")
    spec["arguments"] = overridden(spec["arguments"], options.get("parameters") or [])
    return workflow


def pairs(text: str, what: str) -> dict[str, str]:
    """`a=b,c=d`. Raises Status (500)."""
    found = {}
    for spec in filter(None, text.split(",")):
        parts = spec.split("=", 1)
        if len(parts) != 2 or not parts[0]:  # noqa: PLR2004 - name and value
            wanted = f"expected {what} of the form: NAME1=VALUE2,NAME2=VALUE2"
            raise Status(INTERNAL, f"{wanted}. Received: {text}: unexpected label spec: {spec}")
        found[parts[0]] = parts[1]
    return found


def overridden(arguments: Object, parameters: list[str]) -> Object:
    """`arguments` with `NAME=VALUE` texts laid over them, split at the first `=`. Raises Status (500)."""
    values = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not equals:
            raise Status(INTERNAL, f"expected parameter of the form: NAME=VALUE. Received: {text}")
        values[name] = value
    if not values:
        return arguments
    kept = [item for item in arguments.get("parameters") or () if item["name"] not in values]
    return {**arguments, "parameters": [*({"name": n, "value": v} for n, v in values.items()), *kept]}


def stored(call: Call, workflow: Object, *, dry_run: bool) -> Object:
    """What Kubernetes stores, or with `dry_run` would store. Raises Status with its words."""
    metadata = workflow["metadata"]
    namespace = metadata["namespace"] if dry_run else call.namespace
    call.caller.require("create", "workflows", call.namespace)
    existing = namespace if dry_run and namespace != call.namespace else call.trial.namespace
    admit(workflow, "Workflow", namespace, existing, len(dumps(workflow)))
    workflow["status"] = workflow.get("status") or {}
    try:
        if dry_run:
            return echo(_would_be(call, workflow))
        return echo(call.store.create("workflows", workflow))
    except AlreadyExists:
        raise taken("workflows", metadata) from None


def _would_be(call: Call, workflow: Object) -> Object:
    metadata = workflow["metadata"]
    try:
        call.store.get("workflows", metadata["namespace"], metadata["name"])
    except NotFound:
        book = {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": call.store.now()}
        return {**workflow, "metadata": {**metadata, **book}}
    raise taken("workflows", metadata)
