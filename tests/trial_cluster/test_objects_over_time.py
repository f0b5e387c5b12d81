"""Applying, drift and repair, deletion, restarts and several callers at once."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from provisioning.trial.cluster import Cluster, Installation, admission
from provisioning.trial.cluster.errors import Denied
from provisioning.trial.cluster.kinds import NAMESPACE, RESOURCE_QUOTA
from provisioning.trial.cluster.rbac import User
from tests.trial_cluster import manifests, state
from tests.trial_cluster.conftest import AUDITOR, DECOMMISSIONER, PROVISIONER, Kubectl
from tests.trial_cluster.manifests import APPLY, NAME, UPDATE


@pytest.fixture(autouse=True)
def _namespace(kubectl: Kubectl, clock: state.Clock) -> None:
    assert kubectl(*APPLY, stdin=manifests.namespace()).exit_code == 0
    clock.now += 60


def allow_all_by_hand(cluster: Cluster, name: str) -> None:
    """Somebody's `kubectl edit`: opens the policy and takes the field."""
    found = cluster.get("netpol", NAME, name)
    assert found is not None
    found["spec"]["ingress"] = [{}]
    (mine,) = found["metadata"]["managedFields"]
    mine["fieldsV1"]["f:spec"].pop("f:ingress")
    taken: dict[str, Any] = {"f:spec": {"f:ingress": {}}}
    theirs = mine | {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": taken}
    found["metadata"]["managedFields"] = [mine, theirs]
    cluster.put(found)


def test_a_list_that_is_sent_empty_is_ours_and_an_update_empties_it_again(cluster: Cluster, kubectl: Kubectl) -> None:
    wanted = manifests.several(manifests.policy(ingress=[], egress=[]))
    kubectl(*APPLY, stdin=wanted)
    allow_all_by_hand(cluster, "default-deny-all")
    conflict = kubectl(*APPLY, stdin=wanted)
    assert 'conflict with "kubectl-edit" using networking.k8s.io/v1: .spec.ingress\n' in conflict.stderr
    assert kubectl(*UPDATE, stdin=wanted).exit_code == 0
    repaired = cluster.get("netpol", NAME, "default-deny-all")
    assert repaired is not None
    assert repaired["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_applying_twice_writes_once(cluster: Cluster, kubectl: Kubectl) -> None:
    items = manifests.several(manifests.quota(limits_cpu="2000m"), manifests.policy(), manifests.config(a="b"))
    kubectl(*APPLY, stdin=items)
    before = [cluster.every(kind) for kind in ("quota", "netpol", "cm")]
    kubectl(*APPLY, stdin=items)
    assert [cluster.every(kind) for kind in ("quota", "netpol", "cm")] == before


def test_a_namespace_is_filled_and_its_quota_counts_what_it_holds(
    cluster: Cluster, kubectl: Kubectl, clock: state.Clock
) -> None:
    kubectl(*APPLY, stdin=manifests.several(manifests.quota(configmaps="2"), manifests.config(a="b")))
    clock.now += 60
    jsonpath = "jsonpath={.status.used.configmaps}"
    assert kubectl("get", "quota", "compute-resources", "-n", NAME, "-o", jsonpath).stdout == "2"
    kubectl("delete", "-n", NAME, "configmap/monitoring-config", "--wait=false")
    clock.now += 60
    assert kubectl("get", "quota", "compute-resources", "-n", NAME, "-o", jsonpath).stdout == "1"


def test_a_namespace_is_terminating_for_a_while_and_can_then_be_made_again(
    cluster: Cluster, kubectl: Kubectl, clock: state.Clock
) -> None:
    found = cluster.get("ns", "", NAME)
    assert found is not None
    options = {"preconditions": {"uid": found["metadata"]["uid"]}}
    raw = ("delete", "--raw", f"/api/v1/namespaces/{NAME}", "-f", "o.json")
    assert kubectl(*raw, files={"o.json": json.dumps(options)}).exit_code == 0
    clock.now += state.DELETION_SECONDS - 0.1
    phase = ("get", "ns", NAME, "--ignore-not-found", "-o", "jsonpath={.status.phase}")
    assert kubectl(*phase).stdout == "Terminating"
    clock.now += 0.2
    assert kubectl(*phase).stdout == ""
    assert kubectl(*APPLY, stdin=manifests.namespace()).exit_code == 0
    again = cluster.get("ns", "", NAME)
    assert again is not None
    assert again["metadata"]["uid"] != found["metadata"]["uid"]


@pytest.mark.parametrize(
    "options", ['{"preconditions":{"uid":"x"}} y', "[]", '{"a":tru}', '{"a":1.}', '{"a":1e}', '{"a":"\\x"}', '{"a":-}']
)
def test_options_that_are_none_are_a_bad_request(options: str, kubectl: Kubectl) -> None:
    result = kubectl("delete", "--raw", f"/api/v1/namespaces/{NAME}", "-f", "o.json", files={"o.json": options})
    assert result.stderr.startswith("Error from server (BadRequest): couldn't get version/kind; json parse error: ")


def test_deleting_raw_without_options_asks_for_no_uid(cluster: Cluster, kubectl: Kubectl) -> None:
    assert kubectl("delete", "--raw", f"/api/v1/namespaces/{NAME}").exit_code == 0
    assert kubectl("delete", "--raw", f"/api/v1/namespaces/{NAME}", "-f", "-", stdin="{}").exit_code == 0


def test_everything_survives_a_restart(cluster: Cluster, kubectl: Kubectl, tmp_path: Path, clock: state.Clock) -> None:
    kubectl(*APPLY, stdin=manifests.several(manifests.config(a="b")))
    kubectl("delete", "ns", NAME, "--wait=false", account="admin")
    again = Cluster(tmp_path / "cluster.sqlite3", clock=clock)
    assert again.every("cm") == cluster.every("cm")
    clock.now += 60
    again.reconcile()
    assert again.every("ns") == []
    again.close()


def test_four_steps_at_once_do_not_disturb_each_other(cluster: Cluster, kubectl: Kubectl) -> None:
    hard = {f"count/things-{number}.example.com": "1" for number in range(20)}
    failed: list[str] = []

    def step(number: int) -> None:
        for count in range(10):
            items = [
                manifests.policy(f"allow-{number}"),
                manifests.config(**{f"key-{number}": str(count)}),
                manifests.thing("ResourceQuota", f"quota-{number}", spec={"hard": hard}),
            ]
            argv = ("apply", "--server-side", f"--field-manager=m-{number}", "-f", "-")
            result = kubectl(*argv, stdin=manifests.several(*items))
            if result.exit_code:
                failed.append(result.stderr)

    threads = [threading.Thread(target=step, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    shared = cluster.get("cm", NAME, "monitoring-config")
    assert shared is not None
    assert shared["data"] == {f"key-{number}": "9" for number in range(4)}
    versions = [
        found["metadata"]["resourceVersion"] for kind in ("netpol", "quota", "cm") for found in cluster.every(kind)
    ]
    assert len(versions) == len(set(versions))


def test_nobody_else_changes_the_guard_rails(cluster: Cluster) -> None:
    """The policy for other people's accounts; in the trial they have no rights, so it is asked directly."""
    managed = {"metadata": {"labels": {"platform.io/managed": "true"}, "annotations": {"a": "b"}}}
    tagged = {"metadata": {"labels": {"platform.io/managed": "true", "cost": "1"}}}
    freed: dict[str, Any] = {"metadata": {}}

    def check(kind: Any, operation: str, new: dict[str, Any] | None, account: str = AUDITOR) -> None:
        user = User(account, Installation())
        admission.check(admission.Review(user, operation, kind, "x", "x", managed, new, managed))

    check(NAMESPACE, "UPDATE", tagged)
    check(RESOURCE_QUOTA, "CREATE", tagged)
    check(RESOURCE_QUOTA, "DELETE", None, account="admin")
    for kind, operation, new in (
        (NAMESPACE, "UPDATE", freed),
        (NAMESPACE, "DELETE", None),
        (RESOURCE_QUOTA, "UPDATE", tagged),
    ):
        with pytest.raises(Denied, match="request a change there"):
            check(kind, operation, new)


def test_accounts_roles_and_reserved_names_follow_the_installation(tmp_path: Path) -> None:
    settings = {"namespace": "ops", "provisioner": "maker", "reserved": ["infra*"], "labels": ["cost"]}
    cluster = Cluster(tmp_path / "other.sqlite3", installation=Installation.from_json(settings))

    def call(account: str, manifest: str) -> str:
        return cluster.kubectl(account, list(APPLY), manifest, lambda _: b"").stderr

    assert call("maker", manifests.namespace(cost="1")) == ""
    assert "this namespace name is reserved" in call("maker", manifests.namespace("infra-dev"))
    assert "only labels of the feature catalogue may be set" in call(
        "maker", manifests.namespace("x", monitoring="enabled")
    )
    assert "system:serviceaccount:ops:namespace-provisioner" in call(PROVISIONER, manifests.namespace())
    cluster.close()
    with pytest.raises(ValueError, match="colour"):
        Installation.from_json({"colour": "red"})


def test_the_decommissioner_deletes_what_it_has_marked_only(kubectl: Kubectl, cluster: Cluster) -> None:
    raw = ("delete", "--raw", f"/api/v1/namespaces/{NAME}")
    assert "must be marked platform.io/status=deleting" in kubectl(*raw, account=DECOMMISSIONER).stderr
    mark = ("annotate", "ns", NAME, "--overwrite", "--field-manager=platform-status", "platform.io/status=deleting")
    assert kubectl(*mark, account=DECOMMISSIONER).exit_code == 0
    assert kubectl(*raw, account=DECOMMISSIONER).exit_code == 0
