"""What a cluster administrator applies: accounts, rights, admission policies; and the command that prints it."""

from __future__ import annotations

import dataclasses
import json
import re
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command
from pytest_django import Settings
from pytest_httpserver import HTTPServer

from provisioning import catalog
from provisioning.workflows.templates import NAMES, cluster_objects, workflow_templates
from tests.manifests import golden

SHIPPED = catalog.load()
OBJECTS = cluster_objects(SHIPPED)


def named(kind: str, name: str, objects: list[dict[str, Any]] = OBJECTS) -> dict[str, Any]:
    (found,) = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def moved(**changes: Any) -> list[dict[str, Any]]:
    return cluster_objects(dataclasses.replace(SHIPPED, cluster=dataclasses.replace(SHIPPED.cluster, **changes)))


def test_what_others_refer_to_comes_first() -> None:
    order = [item["kind"] for item in OBJECTS]
    assert order[0] == "Namespace"
    assert order.index("ServiceAccount") < order.index("RoleBinding") < order.index("ClusterRoleBinding")
    names = [(item["kind"], item["metadata"]["name"]) for item in OBJECTS]
    assert len(names) == len(set(names))


def test_rights_are_listed_one_by_one() -> None:
    for item in OBJECTS:
        for rule in item.get("rules") or []:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"], item["metadata"]["name"]
            assert not {"escalate", "impersonate"} & set(rule["verbs"])


@pytest.mark.parametrize("role", ["namespace-provisioner", "namespace-decommissioner", "namespace-auditor"])
def test_no_account_of_the_workflows_reads_secrets(role: str) -> None:
    assert "secrets" not in json.dumps(named("ClusterRole", role))


def test_the_provisioner_binds_exactly_the_roles_that_are_rendered() -> None:
    rules = named("ClusterRole", "namespace-provisioner")["rules"]
    (bind,) = [rule for rule in rules if rule["verbs"] == ["bind"]]
    bound = [item["roleRef"]["name"] for item in golden.cases()["small-all"].rbac if item["kind"] == "RoleBinding"]
    assert bind["resourceNames"] == bound == ["namespace-admin", "namespace-editor", "namespace-viewer"]
    for role in bound:
        assert named("ClusterRole", role)["aggregationRule"]


def test_another_name_for_a_role_is_another_name_everywhere() -> None:
    objects = moved(admin_role="team-admin")
    named("ClusterRole", "team-admin", objects)
    text = json.dumps(objects)
    assert "'team-admin', 'namespace-editor', 'namespace-viewer'" in text
    assert '"namespace-admin"' not in text


def test_another_namespace_and_other_accounts_are_such_everywhere() -> None:
    objects = moved(namespace="flows", provisioner_account="maker", portal_account="door")
    text = json.dumps(objects)
    assert "platform-provisioning" not in text
    assert "namespace-provisioner" not in text
    assert "system:serviceaccount:flows:maker" in text
    assert "system:serviceaccount:flows:door" in text
    assert {item["metadata"].get("namespace") for item in objects} == {"flows", None}


def test_argos_own_namespace_is_left_as_its_installation_made_it() -> None:
    assert "Namespace" not in [item["kind"] for item in moved(namespace="argo")]


def expression(policy: str, message: str) -> str:
    validations = named("ValidatingAdmissionPolicy", policy)["spec"]["validations"]
    (found,) = [item["expression"] for item in validations if message in item["message"]]
    return str(found)


def test_the_policies_reserve_what_the_catalogue_reserves() -> None:
    text = expression("platform-provisioner-namespaces", "reserved")
    exact = [entry.pattern for entry in SHIPPED.cluster.reserved if not entry.pattern.endswith("*")]
    beginnings = [entry.pattern[:-1] for entry in SHIPPED.cluster.reserved if entry.pattern.endswith("*")]
    assert f"[{', '.join(repr(name) for name in exact)}]" in text
    assert f"[{', '.join(repr(name) for name in beginnings)}].exists(" in text


def test_the_policies_let_in_the_labels_of_the_features() -> None:
    text = expression("platform-provisioner-namespaces", "only labels of the feature catalogue")
    assert "k in ['kubernetes.io/metadata.name', 'monitoring', 'istio-injection'] ||" in text
    allowed = {"monitoring", "istio-injection"}
    for rendered in golden.cases().values():
        labels = rendered.namespace["metadata"]["labels"]
        own = ("platform.io/", "pod-security.kubernetes.io/")
        assert {key for key in labels if not key.startswith(own)} <= allowed
    needed = ["platform.io/managed", "platform.io/team", "platform.io/resource-tier", "platform.io/request-id"]
    assert set(needed) <= set(golden.cases()["small-bare"].namespace["metadata"]["labels"])


def test_the_portal_may_start_the_shipped_templates_only() -> None:
    text = expression("platform-portal-workflows", "approved workflow templates")
    assert f"[{', '.join(repr(name) for name in NAMES)}]" in text


def test_every_policy_is_bound_and_denies() -> None:
    policies = {item["metadata"]["name"] for item in OBJECTS if item["kind"] == "ValidatingAdmissionPolicy"}
    bindings = [item["spec"] for item in OBJECTS if item["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert {spec["policyName"] for spec in bindings} == policies
    assert len(policies) == 4
    assert all(spec["validationActions"] == ["Deny"] for spec in bindings)


@pytest.mark.parametrize("name", list(golden.cases()))
def test_the_provisioner_may_write_every_kind_that_is_rendered(name: str) -> None:
    rules = named("ClusterRole", "namespace-provisioner")["rules"]
    may = {
        (group, resource)
        for rule in rules
        if "create" in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    for item in golden.cases()[name].objects:
        group = item["apiVersion"].rpartition("/")[0]
        resource = item["kind"].lower() + "s" if item["kind"] != "NetworkPolicy" else "networkpolicies"
        assert (group, resource) in may


def printed(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("cluster_setup", *arguments, stdout=out)
    return list(yaml.safe_load_all(out.getvalue()))


def test_the_command_prints_everything_in_order_with_the_settings_filled_in(settings: Settings) -> None:
    settings.ARGO_NAMESPACE = "platform-provisioning"
    assert printed() == [*OBJECTS, *workflow_templates(SHIPPED.cluster)]
    settings.ARGO_NAMESPACE = "flows"
    assert "platform-provisioning" not in json.dumps(printed())


def test_the_command_prints_parts(settings: Settings) -> None:
    settings.ARGO_NAMESPACE = "platform-provisioning"
    assert printed("--only", "templates") == workflow_templates(SHIPPED.cluster)
    assert printed("--only", "cluster") == OBJECTS
    assert {item["kind"] for item in printed("--kind", "ClusterRole", "--kind", "Secret")} == {"ClusterRole", "Secret"}
    with pytest.raises(CommandError, match="nothing of kind ClusterRol"):
        printed("--kind", "ClusterRol")


@pytest.mark.parametrize(
    ("version", "field"), [("3.5", "mutex"), ("v3.5.5", "mutex"), ("v4.1.2+trial", "mutexes"), ("3.50.1", "mutexes")]
)
def test_the_command_writes_the_lock_as_the_version_reads_it(version: str, field: str) -> None:
    locks = [item["spec"].get("synchronization") for item in printed("--only", "templates", "--argo", version)]
    assert [list(lock) for lock in locks if lock] == [[field]] * 3


def checked(server: HTTPServer, settings: Settings, templates: list[dict[str, Any]]) -> str:
    settings.ARGO_NAMESPACE = "platform-provisioning"
    settings.ARGO_WORKFLOWS_URL = server.url_for("/")
    for item in templates:
        path = f"/api/v1/workflow-templates/platform-provisioning/{item['metadata']['name']}"
        server.expect_request(path).respond_with_json(item)
    gone = {"code": 5, "message": "workflowtemplates.argoproj.io not found"}
    server.expect_request(re.compile("/api/v1/workflow-templates/.*")).respond_with_json(gone, status=404)
    out = StringIO()
    try:
        call_command("cluster_setup", "--check", stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


def test_the_command_compares_with_the_cluster(httpserver: HTTPServer, settings: Settings) -> None:
    told = checked(httpserver, settings, workflow_templates(SHIPPED.cluster))
    assert told.splitlines() == [f"{name}: as shipped" for name in NAMES]


def test_the_command_tells_what_is_missing_or_different(httpserver: HTTPServer, settings: Settings) -> None:
    create, change, _, audit = workflow_templates(SHIPPED.cluster)
    change["spec"]["serviceAccountName"] = "default"
    assert checked(httpserver, settings, [create, change, audit]).splitlines() == [
        "namespace-provisioning: as shipped",
        "namespace-update: not as shipped",
        "  spec.serviceAccountName: default in the cluster, namespace-provisioner in the portal",
        "namespace-deletion: not as shipped",
        "  it is not there",
        "namespace-audit: as shipped",
        "2 of 4 are not as shipped: apply what cluster_setup prints.",
    ]


def test_the_command_tells_a_mistake_in_the_catalogue(settings: Settings, tmp_path: Any) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(catalog.DEFAULT_PATH.read_text().replace("  dns_port: 53 ", "  dns_port: none "))
    settings.CATALOG = str(path)
    with pytest.raises(CommandError, match=r"mine\.yaml, line \d+: cluster\.dns_port: must be a whole number"):
        printed()
