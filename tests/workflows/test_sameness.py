from __future__ import annotations

import copy
from typing import Any

import pytest

from provisioning import catalog
from provisioning.workflows.sameness import same_template
from provisioning.workflows.templates import TEMPLATES, workflow_template
from tests import recordings

SHIPPED = catalog.load()


def stored(run: str) -> dict[str, Any]:
    """A template as the real controller stored it in a run that used it; without what the run itself brought."""
    spec = recordings.load("runs")[f"runs/{run}.json"]["status"]["storedWorkflowTemplateSpec"]
    return {"spec": {key: value for key, value in spec.items() if key not in {"arguments", "workflowTemplateRef"}}}


def shipped(kind: str) -> dict[str, Any]:
    spec = workflow_template(kind, SHIPPED.cluster)["spec"]
    return {"metadata": {}, "spec": {key: value for key, value in spec.items() if key != "arguments"}}


def test_what_argo_writes_back_is_the_same() -> None:
    assert same_template(stored("delete-succeeded"), shipped("delete")) == []


def test_a_template_of_an_earlier_portal_is_told_by_what_it_lacks() -> None:
    differences = same_template(stored("audit-list"), shipped("audit"))
    assert [text.partition(": ")[0] for text in differences] == [
        "spec.templates[namespace-audit].outputs.parameters",
        "spec.templates[namespace-audit].container.args[0], line 3",
    ]


def test_an_earlier_script_is_told_by_its_first_different_line() -> None:
    differences = same_template(stored("create-succeeded"), shipped("create"))
    assert [text.partition(":")[0] for text in differences] == [
        f"spec.templates[{step}].container.args[0], line {line}"
        for step, line in (("validate-request", 9), ("create-namespace", 6), ("apply-manifest", 6))
    ]
    assert differences[0].endswith('in the cluster, if [ "$code" != 0 ] && in the portal')


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_template_is_the_same_as_itself(kind: str) -> None:
    item = workflow_template(kind, SHIPPED.cluster)
    assert same_template(copy.deepcopy(item), item) == []


def changed(path: list[Any], value: Any) -> list[str]:
    want = workflow_template("create", SHIPPED.cluster)
    live = copy.deepcopy(want)
    here: Any = live
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return same_template(live, want)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["spec", "hostNetwork"], True, "spec.hostNetwork: True in the cluster, nothing in the portal"),
        (["spec", "serviceAccountName"], "default", "spec.serviceAccountName: default in the cluster, namespace-provisioner in the portal"),
        (["spec", "activeDeadlineSeconds"], 90, "spec.activeDeadlineSeconds: 90 in the cluster, 900 in the portal"),
        (["spec", "templates", 1, "container", "image"], "evil", "spec.templates[validate-request].container.image: evil in the cluster, docker.io/alpine/kubectl:1.36.0 in the portal"),
        (["metadata", "labels"], None, "metadata.labels[platform.io/managed]: nothing in the cluster, true in the portal"),
    ],
)  # fmt: skip
def test_what_means_something_is_found(path: list[Any], value: Any, said: str) -> None:
    assert said in changed(path, value)


def test_a_missing_or_added_step_is_found() -> None:
    want = workflow_template("create", SHIPPED.cluster)
    live = copy.deepcopy(want)
    live["spec"]["templates"].append({"name": "extra"})
    assert len(same_template(live, want)) == 1
    assert same_template({}, want)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "activeDeadlineSeconds"], "900"),
        (["spec", "podMetadata"], {}),
        (["spec", "templates", 1, "inputs"], {"parameters": []}),
        (["spec", "templates", 1, "retryStrategy", "limit"], 3),
        (["spec", "templates", 1, "container", "resources", "limits", "cpu"], "0.2"),
        (["metadata", "resourceVersion"], "77"),
    ],
)
def test_argos_own_way_of_writing_is_no_difference(path: list[Any], value: Any) -> None:
    assert changed(path, value) == []
