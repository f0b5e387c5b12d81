from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from provisioning import catalog
from provisioning.manifests import render
from provisioning.workflows import workflow
from provisioning.workflows.templates import TEMPLATES, workflow_template
from tests import recordings
from tests.manifests.golden import FEATURES, IDENTITY
from tests.workflows import schema

SHIPPED = catalog.load()
REQUEST, OWNER = IDENTITY.request_id, "11111111-2222-4333-8444-555555555555"
SPEC = FEATURES["all"]
RENDERED = render(SPEC, IDENTITY, SHIPPED)


def built(kind: str, **more: Any) -> dict[str, Any]:
    if kind == "audit":
        return workflow.build_audit(SPEC.name, OWNER, namespace="platform-provisioning")
    owner = None if kind == "create" else OWNER
    return workflow.build(
        kind, SPEC, REQUEST, 1, RENDERED.parameters, RENDERED.digest, catalog=SHIPPED, owner_request_id=owner, **more
    )


def parameters(item: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in item["spec"]["arguments"]["parameters"]}


@pytest.mark.parametrize("version", schema.VERSIONS)
@pytest.mark.parametrize("kind", TEMPLATES)
def test_argo_knows_every_field_of_a_run(kind: str, version: str) -> None:
    assert schema.mistakes(built(kind), version) == []


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_run_is_all_that_the_admission_policy_of_the_portal_lets_in(kind: str) -> None:
    item = built(kind)
    assert set(item["spec"]) == {"workflowTemplateRef", "arguments"}
    assert item["spec"]["workflowTemplateRef"] == {"name": TEMPLATES[kind]}
    assert set(item["spec"]["arguments"]) == {"parameters"}
    assert all(set(entry) == {"name", "value"} for entry in item["spec"]["arguments"]["parameters"])
    assert all(isinstance(entry["value"], str) for entry in item["spec"]["arguments"]["parameters"])
    assert set(item["metadata"]) == {"name", "namespace", "labels"}
    assert all(key.startswith("platform.io/") for key in item["metadata"]["labels"])
    assert item["metadata"]["namespace"] == "platform-provisioning"


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_run_gives_every_parameter_that_has_no_default_and_none_that_is_unknown(kind: str) -> None:
    declared = workflow_template(kind, SHIPPED.cluster)["spec"]["arguments"]["parameters"]
    needed = {entry["name"] for entry in declared if "value" not in entry}
    assert needed <= set(parameters(built(kind))) <= {entry["name"] for entry in declared}


def test_a_create_is_built_as_one_that_a_real_server_took() -> None:
    run = recordings.load("runs")["runs/create-succeeded.json"]
    item = built("create")
    ours = [entry["name"] for entry in item["spec"]["arguments"]["parameters"]]
    theirs = [entry["name"] for entry in run["spec"]["arguments"]["parameters"]]
    assert ours == theirs
    assert set(item["metadata"]["labels"]) <= set(run["metadata"]["labels"])
    assert item["metadata"] == {
        "name": "create-namespace-3f2c8f1e-1",
        "namespace": "platform-provisioning",
        "labels": {
            "platform.io/type": "namespace-provisioning",
            "platform.io/team": "payments",
            "platform.io/request-id": REQUEST,
        },
    }


def test_the_approved_texts_are_sent_byte_for_byte() -> None:
    given = parameters(built("create"))
    assert {key: given[key] for key in RENDERED.parameters} == RENDERED.parameters
    assert given["manifestDigest"] == RENDERED.digest
    assert json.loads(given["features"]) == list(SPEC.features)
    assert json.loads(given["rbacConfig"]) == SPEC.rbac()
    assert "{{" not in given["rbacConfig"]
    assert "$" not in given["rbacConfig"]


def test_a_change_and_a_deletion_name_the_request_that_created_the_namespace() -> None:
    assert parameters(built("change"))["ownerRequestId"] == OWNER
    assert parameters(built("delete", force=True)) == {
        "namespaceName": "payments-dev",
        "team": "payments",
        "requestId": REQUEST,
        "ownerRequestId": OWNER,
        "force": "true",
    }
    assert parameters(built("delete"))["force"] == "false"
    with pytest.raises(ValueError, match="the request that the namespace belongs to"):
        workflow.build("change", SPEC, REQUEST, 1, RENDERED.parameters, RENDERED.digest, catalog=SHIPPED)


def test_an_adoption_is_a_change_that_may_take_over_what_it_did_not_make() -> None:
    change, adopt = parameters(built("change")), parameters(built("adopt"))
    assert adopt == {**change, "adopt": "true"}
    assert workflow.PLAN["adopt"] == workflow.PLAN["change"]
    assert workflow.name("adopt", REQUEST, 1) == "adopt-namespace-3f2c8f1e-1"


def test_each_attempt_has_one_name_and_each_its_own() -> None:
    assert workflow.name("create", REQUEST, 1) == "create-namespace-3f2c8f1e-1"
    assert workflow.name("change", REQUEST, 2) == "update-namespace-3f2c8f1e-2"
    assert workflow.name("delete", REQUEST, 10) == "delete-namespace-3f2c8f1e-10"
    assert all(len(workflow.name(kind, REQUEST, 10**9)) <= 63 for kind in TEMPLATES)


def test_another_namespace_for_workflows_wins_over_the_catalogues() -> None:
    assert built("create", namespace="argo")["metadata"]["namespace"] == "argo"


def test_the_plan_is_the_templates_dag() -> None:
    plan = {step.name: step.depends for step in workflow.PLAN["create"]}
    four = ("apply-rbac", "set-resource-quotas", "apply-network-policies", "enable-monitoring")
    assert plan == {
        "validate-request": (),
        "create-namespace": ("validate-request",),
        **dict.fromkeys(four, ("create-namespace",)),
        "finalize-setup": four,
    }
    assert [step.name for step in workflow.PLAN["change"]][1] == "update-namespace"
    assert [step.name for step in workflow.PLAN["delete"]] == [
        "validate-request",
        "delete-namespace",
        "verify-deletion",
    ]
    assert [step.name for step in workflow.PLAN["audit"]] == ["namespace-audit"]
    assert [step.title for step in workflow.PLAN["create"]][:3] == [
        "Validate request",
        "Create namespace",
        "Apply RBAC",
    ]


def test_what_runs_after_a_failure_and_how_long_a_run_may_take() -> None:
    steps = {kind: workflow.exit_step(kind) for kind in TEMPLATES}
    assert {kind: step and step.name for kind, step in steps.items()} == {
        "create": "rollback", "change": "mark-failed", "delete": "mark-failed", "audit": None,
        "adopt": "mark-failed",
    }  # fmt: skip
    limits = {kind: workflow.deadline_seconds(kind) for kind in TEMPLATES}
    assert limits == {"create": 900, "change": 900, "delete": 1200, "audit": 300, "adopt": 900}


def test_a_workflow_met_under_our_name_is_ours_only_if_it_says_the_same() -> None:
    ours = built("create")
    live = copy.deepcopy(ours)
    live["metadata"]["labels"]["workflows.argoproj.io/phase"] = "Running"
    live["status"] = {"phase": "Running"}
    assert workflow.why_not_ours(live, ours) == ""

    live["metadata"]["labels"]["platform.io/request-id"] = OWNER
    assert workflow.why_not_ours(live, ours) == f"it bears the request id {OWNER}"
    del live["metadata"]["labels"]
    assert workflow.why_not_ours(live, ours) == "it bears the request id of nobody"

    other = copy.deepcopy(ours)
    other["spec"]["workflowTemplateRef"]["name"] = "namespace-update"
    assert workflow.why_not_ours(other, ours) == "it runs namespace-update"
    inline = copy.deepcopy(ours)
    inline["spec"] = {"templates": []}
    assert workflow.why_not_ours(inline, ours) == "it runs no template"

    tampered = copy.deepcopy(ours)
    next(p for p in tampered["spec"]["arguments"]["parameters"] if p["name"] == "manifestDigest")["value"] = "0" * 64
    assert workflow.why_not_ours(tampered, ours) == "its parameter manifestDigest differs"
    assert workflow.why_not_ours({**ours, "metadata": {**ours["metadata"], "name": "other"}}, ours)
