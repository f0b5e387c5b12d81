from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning import catalog
from provisioning.manifests import PARAMETERS, digest
from provisioning.workflows.templates import (
    NAMES,
    TEMPLATES,
    cluster_objects,
    workflow_template,
    workflow_templates,
    write_templates,
)
from tests.manifests import golden
from tests.workflows import schema

SHIPPED = catalog.load()
KINDS = list(TEMPLATES)
PLURALS = {
    "ServiceAccount": "serviceaccounts",
    "RoleBinding": "rolebindings.rbac.authorization.k8s.io",
    "ResourceQuota": "resourcequotas",
    "LimitRange": "limitranges",
    "NetworkPolicy": "networkpolicies.networking.k8s.io",
    "ConfigMap": "configmaps",
    "ServiceMonitor": "servicemonitors.monitoring.coreos.com",
}


def template(kind: str, **changes: Any) -> dict[str, Any]:
    return workflow_template(kind, dataclasses.replace(SHIPPED.cluster, **changes))


def containers(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in template(kind)["spec"]["templates"]:
        if "container" in item:
            yield item["name"], item["container"]


def script(kind: str, step: str) -> str:
    text: str = dict(containers(kind))[step]["args"][0]
    return text


def run(text: str, stdin: str = "", **environment: str) -> str:
    environment |= {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(["sh", "-c", text], input=stdin.encode(), env=environment, capture_output=True, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize("item", workflow_templates(SHIPPED.cluster), ids=lambda item: item["metadata"]["name"])
def test_argo_knows_every_field_of_the_templates(item: dict[str, Any]) -> None:
    assert schema.mistakes(item, "v4.1.2") == []


@pytest.mark.parametrize(
    "item", workflow_templates(SHIPPED.cluster, argo="3.5"), ids=lambda item: item["metadata"]["name"]
)
def test_argo_3_5_knows_every_field_of_its_variant(item: dict[str, Any]) -> None:
    assert schema.mistakes(item, "v3.5.5") == []


def test_each_spelling_of_the_lock_is_unknown_to_the_other_version() -> None:
    new, old = (workflow_templates(SHIPPED.cluster, argo=argo)[0] for argo in ("", "3.5"))
    assert any("mutexes" in text for text in schema.mistakes(new, "v3.5.5"))
    assert any("mutex" in text for text in schema.mistakes(old, "v4.1.2"))
    assert old["spec"]["synchronization"] == {"mutex": new["spec"]["synchronization"]["mutexes"][0]}


def test_a_misspelt_field_would_be_found() -> None:
    item = template("create")
    item["spec"]["templates"][0]["dag"]["tasks"][1]["dependancies"] = []
    assert schema.mistakes(item, "v4.1.2")


@pytest.mark.parametrize("kind", KINDS)
def test_scripts_are_constant_and_stop_at_the_first_failure(kind: str) -> None:
    for step, container in containers(kind):
        text = container["args"][0]
        assert "{{" not in text, step
        assert text.startswith("set -eu\n"), step
        run(f"set -n\n{text}")
        assert container["image"] == SHIPPED.cluster.kubectl_image
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"name": "WORK_DIR", "value": "/tmp"} in container["env"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_that_a_template_reads_is_declared_and_the_other_way_round(kind: str) -> None:
    spec = template(kind)["spec"]
    declared = {item["name"] for item in spec["arguments"]["parameters"]}
    text = json.dumps(spec)
    read = set(re.findall(r"\{\{workflow\.parameters\.(\w+)\}\}", text))
    read |= set(re.findall(r"workflow\.parameters\.(\w+)\"", text))
    assert read <= declared
    assert declared - read <= {"features", "rbacConfig", "requestId", "team"}  # these are shown only, in some of them


@pytest.mark.parametrize("kind", KINDS)
def test_every_variable_that_a_script_reads_is_given(kind: str) -> None:
    for step, container in containers(kind):
        given_names = {item["name"] for item in container["env"]}
        used = set(re.findall(r"\$\{?#?([A-Z][A-Z_]+)\}?", container["args"][0]))
        assert used <= given_names, step


def test_nothing_in_the_yaml_is_left_unfilled() -> None:
    items = [*workflow_templates(SHIPPED.cluster), *cluster_objects(SHIPPED)]
    assert re.findall(r"<[a-z]+\.[a-z_]+>", json.dumps(items)) == []


def test_settings_stand_in_the_yaml_by_name_only() -> None:
    here = Path(catalog.__file__).parent.parent / "workflows"
    cluster = SHIPPED.cluster
    own = [cluster.namespace, cluster.kubectl_image, cluster.ingress_namespace, "system:masters"]
    own += [cluster.provisioner_account, cluster.decommissioner_account, cluster.auditor_account]
    for path in here.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert [value for value in own if value in text] == [], path.name


def test_settings_are_filled_in_everywhere() -> None:
    item = template(
        "create", namespace="flows", kubectl_image="mirror.example/kubectl@sha256:abc", provisioner_account="maker",
        service_monitor=True,
    )  # fmt: skip
    spec = item["spec"]
    assert item["metadata"]["namespace"] == "flows"
    assert spec["serviceAccountName"] == "maker"
    images = {t["container"]["image"] for t in spec["templates"] if "container" in t}
    assert images == {"mirror.example/kubectl@sha256:abc"}
    kinds = next(p for p in spec["arguments"]["parameters"] if p["name"] == "monitoringKinds")
    assert kinds["value"] == "configmaps,servicemonitors.monitoring.coreos.com"


def reserved_by_script(names: list[str], cluster: catalog.ClusterSettings) -> list[str]:
    """The script's own `case` on the name, asked about many names at once."""
    text = workflow_template("create", cluster)["spec"]["templates"][1]["container"]["args"][0]
    case = text[text.index('case "$NAMESPACE_NAME" in') :]
    case = case[: case.index("esac") + 4]
    loop = f"""
    invalid() {{ verdict=$1; }}
    while IFS= read -r NAMESPACE_NAME; do verdict=free; {case}; printf '%s\\n' "$verdict"; done
    """
    return run(loop, "".join(f"{name}\n" for name in names)).splitlines()


def near_misses(cluster: catalog.ClusterSettings) -> list[str]:
    stems = [entry.pattern.rstrip("*") for entry in cluster.reserved]
    return [a + stem + b for stem in stems for a, b in itertools.product(("", "x", "x-"), ("", "x", "-x"))]


@pytest.mark.parametrize("namespace", ["platform-provisioning", "argo", "flows"])
def test_script_and_form_reserve_the_same_names(namespace: str) -> None:
    cluster = dataclasses.replace(SHIPPED.cluster, namespace=namespace)
    catalogue = dataclasses.replace(SHIPPED, cluster=cluster)
    names = [name for name in near_misses(cluster) if not name.endswith("-")]
    expected = ["namespace name is reserved" if catalogue.reserved(name) else "free" for name in names]
    assert reserved_by_script(names, cluster) == expected
    assert {"free", "namespace name is reserved"} == set(expected)


@settings(max_examples=20, deadline=None, database=None)
@given(st.lists(st.text(st.sampled_from("abkuerg-0*|)$ äA_."), max_size=12), min_size=1, max_size=40))
def test_script_and_form_agree_on_every_name(names: list[str]) -> None:
    said = reserved_by_script(names, SHIPPED.cluster)
    shape = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
    for name, verdict in zip(names, said, strict=True):
        if not shape.fullmatch(name):
            assert "lower-case" in verdict
        else:
            assert (verdict == "free") is (SHIPPED.reserved(name) is None)


@pytest.mark.parametrize("kind", ["create", "change"])
def test_the_first_step_computes_the_digest_of_what_was_rendered(kind: str) -> None:
    text = script(kind, "validate-request")
    line = text[text.index("digest=$(") : text.index('[ "$digest" =')]
    parameters = golden.cases()["small-all"].parameters
    names = {"namespaceManifest": "NAMESPACE_MANIFEST", "rbacManifest": "RBAC_MANIFEST", "quotaManifest": "QUOTA_MANIFEST",
             "networkPolicyManifest": "NETWORK_POLICY_MANIFEST", "monitoringManifest": "MONITORING_MANIFEST"}  # fmt: skip
    assert list(names) == list(PARAMETERS)
    environment = {names[key]: value for key, value in parameters.items()}
    assert run(f'set -eu\n{line}\nprintf %s "$digest"', **environment) == digest(parameters.values())
    declared = {item["value"]: item["name"] for item in dict(containers(kind))["validate-request"]["env"]}
    assert all(declared[f"{{{{workflow.parameters.{key}}}}}"] == name for key, name in names.items())


@pytest.mark.parametrize("kind", ["create", "change"])
@pytest.mark.parametrize("case", ["elsewhere-all", "small-bare"])
def test_each_task_looks_through_the_kinds_that_are_rendered_for_it(kind: str, case: str) -> None:
    rendered = golden.cases()[case]
    cluster = golden.ELSEWHERE.cluster if case.startswith("elsewhere") else SHIPPED.cluster
    spec = workflow_template(kind, cluster)["spec"]
    values = {p["name"]: p.get("value", "") for p in spec["arguments"]["parameters"]}
    by_component = {"rbac": rendered.rbac, "resource-quotas": rendered.quota, "network-policies": rendered.network_policies,
                    "monitoring": rendered.monitoring}  # fmt: skip
    tasks = [task for task in spec["templates"][0]["dag"]["tasks"] if task["template"] == "apply-manifest"]
    assert len(tasks) == len(by_component)
    for task in tasks:
        inputs = {p["name"]: p["value"] for p in task["arguments"]["parameters"]}
        kinds = inputs["kinds"].replace("{{workflow.parameters.monitoringKinds}}", values.get("monitoringKinds", ""))
        assert {PLURALS[item["kind"]] for item in by_component[inputs["component"]]} <= set(kinds.split(","))
        parameter = PARAMETERS[1 + list(by_component).index(inputs["component"])]
        assert inputs["manifest"] == f"{{{{workflow.parameters.{parameter}}}}}"


@pytest.mark.parametrize("kind", ["create", "change"])
def test_the_last_step_looks_for_objects_that_are_always_rendered(kind: str) -> None:
    text = script(kind, "finalize-setup")
    listed = text[text.index("kubectl get -n") : text.index('> "$WORK_DIR/summary')]
    looked_for = set(re.findall(r"^\s+([a-z.0-9]+/[a-z-]+)", listed, re.MULTILINE))
    always = {f"{item['kind'].lower()}/{item['metadata']['name']}" for item in golden.cases()["small-bare"].objects[1:]}
    assert {re.sub(r"\.[a-z.0-9]+/", "/", name) for name in looked_for} == always


def test_templates_can_be_written_for_a_server_that_reads_them_from_files(tmp_path: Path) -> None:
    paths = write_templates(tmp_path / "templates", SHIPPED.cluster)
    assert [path.stem for path in paths] == list(NAMES)
    assert [yaml.safe_load(path.read_text()) for path in paths] == workflow_templates(SHIPPED.cluster)


def test_two_fillings_share_nothing() -> None:
    first = template("create")
    first["spec"]["templates"].clear()
    assert len(template("create")["spec"]["templates"]) == 7
