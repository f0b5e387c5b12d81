"""What people set to see failure: refused objects, a foreign namespace, an API server that is away, workloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.trial.cluster import MODES, Cluster, Refusal
from provisioning.trial.cluster.errors import Forbidden, NotFound
from tests.trial_cluster import manifests, state
from tests.trial_cluster.conftest import AUDITOR, DECOMMISSIONER, Kubectl
from tests.trial_cluster.manifests import APPLY, NAME

LEFT = "pods,persistentvolumeclaims,services,deployments.apps,statefulsets.apps,daemonsets.apps,cronjobs.batch,jobs.batch,ingresses.networking.k8s.io"


@pytest.fixture(autouse=True)
def _namespace(kubectl: Kubectl, clock: state.Clock) -> None:
    assert kubectl(*APPLY, stdin=manifests.namespace()).exit_code == 0
    clock.now += 60


def test_a_refused_object_is_refused_as_a_policy_does_it_and_the_others_are_applied(
    cluster: Cluster, kubectl: Kubectl
) -> None:
    cluster.refuse("resourcequota", "compute-resources", "quotas are frozen until Monday")
    result = kubectl(*APPLY, stdin=manifests.several(manifests.quota(pods="1"), manifests.config(team="payments")))
    assert (result.exit_code, result.stdout) == (1, "configmap/monitoring-config serverside-applied\n")
    assert result.stderr == (
        "The resourcequotas \"compute-resources\" is invalid: : ValidatingAdmissionPolicy 'trial-conditions' with"
        " binding 'trial-conditions' denied request: quotas are frozen until Monday\n"
    )


def test_a_refusal_lasts_until_it_is_lifted_and_survives_a_restart(
    cluster: Cluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    cluster.refuse("configmaps", "*", "no")
    again = Cluster(tmp_path / "cluster.sqlite3")
    assert again.refusals() == (Refusal("configmaps", "*", "no"),)
    again.unrefuse("configmap", "*")
    again.close()
    assert cluster.refusals() == ()
    assert kubectl(*APPLY, stdin=manifests.several(manifests.config(a="b"))).exit_code == 0


def test_a_refusal_needs_a_kind_that_exists(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="widget"):
        cluster.refuse("widget", "*", "no")


def test_a_foreign_namespace_is_in_the_way_of_ours(cluster: Cluster, kubectl: Kubectl) -> None:
    cluster.create_foreign_namespace("search-dev")
    result = kubectl(*APPLY, stdin=manifests.namespace("search-dev"))
    assert "the namespace already exists and is not managed by the platform" in result.stderr


def test_a_refused_connection_passes_by_itself(cluster: Cluster, kubectl: Kubectl, clock: state.Clock) -> None:
    cluster.fail(seconds=30)
    assert "was refused - did you specify the right host or port?" in kubectl("get", "ns", NAME, "-o", "name").stderr
    clock.now += 30
    assert kubectl("get", "ns", NAME, "-o", "name").stdout == f"namespace/{NAME}\n"
    assert cluster.outage() is None


@pytest.mark.parametrize("mode", sorted(MODES))
def test_every_kind_of_outage_fails_every_call_until_it_is_over(mode: str, cluster: Cluster, kubectl: Kubectl) -> None:
    cluster.fail(mode)
    assert kubectl("get", "ns", NAME, "-o", "name", discovered=False).exit_code == 1
    assert kubectl(*APPLY, stdin=manifests.namespace()).stderr.startswith("error: error validating")
    cluster.recover()
    assert kubectl("get", "ns", NAME, "-o", "name").exit_code == 0


def test_an_unknown_kind_of_outage_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="teapot"):
        cluster.fail("teapot")


def test_input_that_cannot_be_read_is_told_even_while_the_server_is_away(cluster: Cluster, kubectl: Kubectl) -> None:
    cluster.fail()
    assert kubectl(*APPLY, stdin='{"a":').stderr == "error: error parsing STDIN: unexpected EOF\n"


def test_seeded_workloads_are_listed_and_counted_by_the_quota(
    cluster: Cluster, kubectl: Kubectl, clock: state.Clock
) -> None:
    hard = {"pods": "10", "services": "5", "requests_storage": "20Gi", "limits_cpu": "2", "persistentvolumeclaims": "1"}
    kubectl(*APPLY, stdin=manifests.several(manifests.quota(**hard)))
    clock.now += 60
    cluster.reconcile()
    cluster.seed(NAME)
    left = kubectl("get", LEFT, "-n", NAME, "-o", "name", account=DECOMMISSIONER).stdout.splitlines()
    assert {name.split("/")[0] for name in left} == {
        "pod",
        "persistentvolumeclaim",
        "service",
        "deployment.apps",
        "statefulset.apps",
        "cronjob.batch",
        "ingress.networking.k8s.io",
    }
    used = {
        "limits.cpu": "300m",
        "persistentvolumeclaims": "1",
        "pods": "3",
        "requests.storage": "5Gi",
        "services": "1",
    }
    quota = cluster.get("resourcequota", NAME, "compute-resources")
    assert quota is not None
    assert quota["status"]["used"] == used
    cluster.seed(NAME)
    assert cluster.get("resourcequota", NAME, "compute-resources") == quota


def test_workloads_that_the_quota_does_not_admit_are_not_seeded(
    cluster: Cluster, kubectl: Kubectl, clock: state.Clock
) -> None:
    kubectl(*APPLY, stdin=manifests.several(manifests.quota(pods="1")))
    clock.now += 60
    cluster.reconcile()
    with pytest.raises(Forbidden, match="exceeded quota: compute-resources, requested: pods=1, used: pods=1"):
        cluster.seed(NAME)
    assert cluster.every("pods") == []


def test_workloads_need_their_namespace(cluster: Cluster) -> None:
    with pytest.raises(NotFound):
        cluster.seed("nowhere")
    with pytest.raises(NotFound):
        cluster.hold("nowhere")
    with pytest.raises(NotFound):
        cluster.release(NAME)


def test_a_held_namespace_goes_when_it_is_released(cluster: Cluster, kubectl: Kubectl, clock: state.Clock) -> None:
    cluster.seed(NAME)
    cluster.hold(NAME)
    kubectl("delete", "namespace", NAME, "--wait=false", account="admin")
    clock.now += 60
    conditions = "jsonpath={range .status.conditions[?(@.status=='True')]}{.message}{'\\n'}{end}"
    told = kubectl("get", "namespace", NAME, "-o", conditions, account=AUDITOR).stdout
    assert told == (
        "Some resources are remaining: configmaps. has 1 resource instances\n"
        "Some content in the namespace has finalizers remaining: trial.platform.io/hold in 1 resource instances\n"
    )
    cluster.release(NAME)
    assert kubectl("get", "namespace", NAME, "--ignore-not-found", "-o", "name").stdout == ""


def test_claims_do_not_hold_a_namespace(cluster: Cluster, kubectl: Kubectl, clock: state.Clock) -> None:
    cluster.seed(NAME)
    claim = cluster.get("pvc", NAME, "data")
    assert claim is not None
    claim["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    cluster.put(claim)
    kubectl("delete", "namespace", NAME, "--wait=false", account="admin")
    clock.now += 60
    cluster.reconcile()
    assert cluster.every("pvc") == []
    assert cluster.every("ns") == []
