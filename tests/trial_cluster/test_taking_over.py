"""A namespace that nobody manages is touched only with the cluster's consent to just that request."""

from __future__ import annotations

import json

import pytest

from provisioning.trial.cluster import Cluster
from tests.trial_cluster import manifests
from tests.trial_cluster.conftest import AUDITOR, DECOMMISSIONER, Kubectl
from tests.trial_cluster.manifests import NAME, UPDATE

CONSENT = {"platform.io/adopt": "r-1"}
NOT_MANAGED = "the namespace already exists and is not managed by the platform"
FOR_ADMINS = "platform.io/adopt is for cluster administrators to set"


@pytest.fixture
def foreign(cluster: Cluster) -> Cluster:
    cluster.create_foreign_namespace(NAME)
    return cluster


def labels(cluster: Cluster) -> dict[str, str]:
    found = cluster.get("Namespace", "", NAME)
    assert found is not None
    return dict(found["metadata"].get("labels", {}))


def delete(kubectl: Kubectl, cluster: Cluster, account: str) -> str:
    found = cluster.get("Namespace", "", NAME)
    assert found is not None
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": found["metadata"]["uid"]}}
    path = f"/api/v1/namespaces/{NAME}"
    result = kubectl("delete", "--raw", path, "-f", "d.json", account=account, files={"d.json": json.dumps(body)})
    return result.stderr


def test_without_consent_nothing_is_taken_over(foreign: Cluster, kubectl: Kubectl) -> None:
    result = kubectl(*UPDATE, stdin=manifests.namespace())
    assert NOT_MANAGED in result.stderr
    assert "platform.io/managed" not in labels(foreign)


def test_with_consent_exactly_the_named_request_takes_it_over(foreign: Cluster, kubectl: Kubectl) -> None:
    foreign.label_namespace(NAME, CONSENT)
    other = kubectl(*UPDATE, stdin=manifests.namespace(**{"platform.io/request-id": "r-2"}))
    assert NOT_MANAGED in other.stderr
    assert kubectl(*UPDATE, stdin=manifests.namespace()).exit_code == 0
    assert labels(foreign).items() >= {**manifests.LABELS, **CONSENT}.items()
    again = kubectl(*UPDATE, stdin=manifests.namespace(**{"platform.io/request-id": "r-2"}))
    assert "immutable" in again.stderr


def test_consent_lets_nobody_else_in_and_nothing_be_done_but_taking_over(foreign: Cluster, kubectl: Kubectl) -> None:
    foreign.label_namespace(NAME, CONSENT)
    assert NOT_MANAGED in delete(kubectl, foreign, "namespace-provisioner")
    assert NOT_MANAGED in delete(kubectl, foreign, DECOMMISSIONER)
    status = ("annotate", "namespace", NAME, "--overwrite", "platform.io/status=deleting")
    for account in ("namespace-provisioner", DECOMMISSIONER):
        assert NOT_MANAGED in kubectl(*status, account=account).stderr
    assert "cannot patch" in kubectl(*UPDATE, stdin=manifests.namespace(), account=AUDITOR).stderr
    quota = manifests.several(manifests.quota(pods="1"))
    assert "labelled platform.io/managed=true" in kubectl(*UPDATE, "-n", NAME, stdin=quota).stderr
    assert labels(foreign) == {"kubernetes.io/metadata.name": NAME, **CONSENT}


def test_a_reserved_name_stays_reserved_whatever_its_labels(cluster: Cluster, kubectl: Kubectl) -> None:
    cluster.create_foreign_namespace("kube-public")
    cluster.label_namespace("kube-public", CONSENT)
    result = kubectl(*UPDATE, stdin=manifests.namespace("kube-public"))
    assert "this namespace name is reserved" in result.stderr


def test_the_platform_gives_itself_no_consent(cluster: Cluster, kubectl: Kubectl) -> None:
    assert FOR_ADMINS in kubectl(*UPDATE, stdin=manifests.namespace(**CONSENT)).stderr
    assert kubectl(*UPDATE, stdin=manifests.namespace()).exit_code == 0
    assert FOR_ADMINS in kubectl(*UPDATE, stdin=manifests.namespace(**CONSENT)).stderr


def test_what_was_taken_over_is_never_rolled_back_and_can_be_given_back(foreign: Cluster, kubectl: Kubectl) -> None:
    foreign.label_namespace(NAME, CONSENT)
    kubectl(*UPDATE, stdin=manifests.namespace())
    assert "a namespace that was taken over is never rolled back" in delete(kubectl, foreign, "namespace-provisioner")
    kubectl("annotate", "namespace", NAME, "--overwrite", "platform.io/status=deleting", account=DECOMMISSIONER)
    assert delete(kubectl, foreign, DECOMMISSIONER) == ""


def test_only_a_namespace_that_is_there_can_be_labelled(cluster: Cluster) -> None:
    with pytest.raises(Exception, match="not found"):
        cluster.label_namespace("absent", CONSENT)
    assert cluster.get("Namespace", "", "absent") is None
