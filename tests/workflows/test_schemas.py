"""Everything that is sent to a cluster, by Kubernetes' own JSON schemas; unknown fields are refused."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import pytest

from provisioning.workflows.templates import cluster_objects
from tests.manifests import golden

VERSIONS = ["1.30", kubernetes_validate.latest_version()]
# Not Kubernetes' own: Argo's are held against Argo's swagger, the Prometheus operator's have no schema here.
ELSEWHERE = {"WorkflowTemplate", "Workflow", "ServiceMonitor"}
CASES = {
    name: [item for item in made.objects if item["kind"] not in ELSEWHERE] for name, made in golden.cases().items()
}
CLUSTER = [item for item in cluster_objects(golden.SHIPPED) if item["kind"] not in ELSEWHERE]


def check(item: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_the_objects_of_a_request_fit_the_schemas(case: str, version: str) -> None:
    assert CASES[case]
    for item in CASES[case]:
        check(item, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_cluster_s_set_up_fits_the_schemas(version: str) -> None:
    kinds = {item["kind"] for item in CLUSTER}
    assert {"ClusterRole", "Role", "RoleBinding", "ServiceAccount", "ValidatingAdmissionPolicy"} <= kinds
    for item in CLUSTER:
        check(item, version)


def test_a_misspelt_field_is_noticed() -> None:
    item = copy.deepcopy(next(item for item in next(iter(CASES.values())) if item["kind"] == "NetworkPolicy"))
    item["spec"]["podSelecter"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        check(item, VERSIONS[-1])
