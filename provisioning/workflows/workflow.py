"""One attempt of a request as an Argo Workflow, and the steps it will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioning.manifests.encoding import PARAMETERS, encode
from provisioning.workflows.templates import TEMPLATES, documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.catalog import Catalog
    from provisioning.spec import NamespaceSpec

PREFIXES: Mapping[str, str] = {
    "create": "create-namespace",
    "change": "update-namespace",
    "delete": "delete-namespace",
    "audit": "audit-namespace",
    "adopt": "adopt-namespace",
}
_TITLES = {"apply-rbac": "Apply RBAC"}


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A task of the template's DAG: `name` is what Argo's node bears as displayName."""

    name: str
    title: str
    depends: tuple[str, ...]


def name(kind: str, request_id: str, attempt: int) -> str:
    """The workflow's name: the same for every try to submit this attempt, so that a second try meets 409."""
    return f"{PREFIXES[kind]}-{request_id[:8]}-{attempt}"


def plan(kind: str) -> tuple[PlannedStep, ...]:
    """The steps of a run before it runs, in the order of the template."""
    spec = documents(TEMPLATES[kind])[0]["spec"]
    entry = _template(spec, spec["entrypoint"])
    if "dag" not in entry:
        return (PlannedStep(entry["name"], _title(entry["name"]), ()),)
    return tuple(
        PlannedStep(task["name"], _title(task["name"]), tuple(task.get("dependencies", ())))
        for task in entry["dag"]["tasks"]
    )


def exit_step(kind: str) -> PlannedStep | None:
    """The step that runs when a run fails: roll-back, or the mark of failure. None where the template has none."""
    spec = documents(TEMPLATES[kind])[0]["spec"]
    if "onExit" not in spec:
        return None
    task = _template(spec, spec["onExit"])["steps"][0][0]
    return PlannedStep(task["name"], _title(task["name"]), ())


def deadline_seconds(kind: str) -> int:
    """How long Argo lets a run take, from its start."""
    return int(documents(TEMPLATES[kind])[0]["spec"]["activeDeadlineSeconds"])


def _template(spec: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    found: dict[str, Any] = next(template for template in spec["templates"] if template["name"] == wanted)
    return found


def _title(step: str) -> str:
    return _TITLES.get(step, step.replace("-", " ").capitalize())


PLAN: Mapping[str, tuple[PlannedStep, ...]] = {kind: plan(kind) for kind in TEMPLATES}


def build(  # noqa: PLR0917 - kind and spec first, then the run, in the order they are known
    kind: str,
    spec: NamespaceSpec,
    request_id: str,
    attempt: int,
    parameters: Mapping[str, str],
    digest: str,
    *,
    catalog: Catalog,
    namespace: str = "",
    owner_request_id: str | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """The Workflow to submit, for kind create, change, delete or adopt.

    `namespace` is where workflows run; left out, it is the catalogue's. `parameters` are the rendered texts as they
    were approved; `owner_request_id` is the request that the namespace belongs to (label
    platform.io/request-id), needed for all but create. The admission policy of the portal's account takes nothing but
    a reference to a template, parameters of name and value, and labels below platform.io/.
    """
    own = {"namespaceName": spec.name, "team": spec.team}
    if kind == "delete":
        values = own | {
            "requestId": request_id,
            "ownerRequestId": _owner(owner_request_id),
            "force": "true" if force else "false",
        }
    else:
        values = own | _asked(spec, request_id)
        if kind in {"change", "adopt"}:
            values["ownerRequestId"] = _owner(owner_request_id)
        if kind == "adopt":
            values["adopt"] = "true"
        values |= {key: parameters[key] for key in PARAMETERS} | {"manifestDigest": digest}
    labels = {"platform.io/team": spec.team, "platform.io/request-id": request_id}
    where = namespace or catalog.cluster.namespace
    return _workflow(kind, name(kind, request_id, attempt), where, labels, values)


def _owner(request_id: str | None) -> str:
    if not request_id:
        raise ValueError("this needs the id of the request that the namespace belongs to")
    return request_id


def _asked(spec: NamespaceSpec, request_id: str) -> dict[str, str]:
    return {
        "resourceTier": spec.tier,
        "features": encode(list(spec.features)),
        "rbacConfig": encode(spec.rbac()),
        "requestId": request_id,
    }


def build_audit(namespace_name: str, audit_id: str, *, namespace: str) -> dict[str, Any]:
    """A look at one namespace, or with "" at the list of all managed ones. `audit_id` makes the name unique."""
    labels = {"platform.io/request-id": audit_id}
    return _workflow("audit", name("audit", audit_id, 1), namespace, labels, {"namespaceName": namespace_name})


def _workflow(
    kind: str, workflow_name: str, namespace: str, labels: dict[str, str], values: Mapping[str, str]
) -> dict[str, Any]:
    template = TEMPLATES[kind]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": workflow_name,
            "namespace": namespace,
            "labels": {"platform.io/type": template, **labels},
        },
        "spec": {
            "workflowTemplateRef": {"name": template},
            "arguments": {"parameters": [{"name": key, "value": value} for key, value in values.items()]},
        },
    }


def why_not_ours(live: Mapping[str, Any], built: Mapping[str, Any]) -> str:
    """Why `live`, met under the same name, is not the workflow that was to be submitted; "" when it is.

    409 alone proves nothing: Argo answers it for any conflict (argo-workflows #14106), and a name can be anybody's.
    """
    label = "platform.io/request-id"
    has, wants = (item["metadata"].get("labels", {}).get(label) for item in (live, built))
    if live["metadata"]["name"] != built["metadata"]["name"] or has != wants:
        return f"it bears the request id {has or 'of nobody'}"
    template = live.get("spec", {}).get("workflowTemplateRef", {}).get("name")
    if template != built["spec"]["workflowTemplateRef"]["name"]:
        return f"it runs {template or 'no template'}"
    given, wanted = _arguments(live), _arguments(built)
    odd = [key for key in wanted if given.get(key) != wanted[key]]
    return f"its parameter {odd[0]} differs" if odd else ""


def _arguments(workflow: Mapping[str, Any]) -> dict[str, str]:
    parameters = workflow["spec"].get("arguments", {}).get("parameters") or []
    return {item["name"]: item.get("value", "") for item in parameters}
