"""A namespace's whole life against the trial: what is asked here is what its cluster has, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning import lifecycle
from provisioning.argo import ArgoWorkflowsClient
from provisioning.models import (
    Check,
    CheckState,
    ClusterListing,
    Namespace,
    NamespaceStatus,
    Phase,
    Request,
    StepLog,
    User,
)
from tests.conftest import make_spec
from tests.lifecycle.life import approved
from tests.support import trials
from tests.support.trials import Trial
from tests.support.workers import Passes

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "payments-dev"
Json = dict[str, Any]


class Life:
    """Someone who asks, someone who decides, and a worker until it is over."""

    def __init__(self, trial: Trial, worker: Passes, lead: User, admin: User, second: User) -> None:
        self.trial, self.worker = trial, worker
        self.lead, self.admin, self.second = lead, admin, second
        assert trial.cluster is not None
        self.cluster = trial.cluster

    def run(self, request: Request) -> Request:
        """Approved by somebody else, and run to its end."""
        approved(request, self.second if request.requester == self.admin else self.admin)
        return self.follow(request)

    def follow(self, request: Request) -> Request:
        self.worker.until(lambda: Request.objects.get(pk=request.pk).is_settled, self.trial, what=str(request))
        request.refresh_from_db()
        return request

    def create(self, **changes: Any) -> Namespace:
        request = self.run(lifecycle.open_request(make_spec(name=NAME, **{"tier": "small", **changes}), by=self.lead))
        assert request.phase == Phase.SUCCEEDED, request.message
        return Namespace.objects.get(name=request.name, status=NamespaceStatus.READY)

    def check(self, name: str) -> Check:
        check = lifecycle.ask_check(name, by=self.admin)
        self.worker.until(lambda: Check.objects.get(pk=check.pk).is_over, self.trial, what=f"check {name}")
        check.refresh_from_db()
        assert check.state == CheckState.FINISHED, check.error
        return check

    def objects(self, kind: str, name: str = NAME) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.cluster.every(kind, name))

    def metadata(self, name: str = NAME) -> Json:
        found = self.trial.cluster_object("Namespace", name)
        assert found is not None
        return dict(found["metadata"])

    def edit(self, kind: str, name: str, change: Any) -> None:
        """What somebody does by hand, past the admission policies."""
        found = self.cluster.get(kind, NAME, name)
        assert found is not None
        change(found)
        self.cluster.put(found)

    def log(self, request: Request, step: str) -> str:
        logs = StepLog.objects.filter(step__run__request=request, step__name=step).order_by("-pk")
        return "\n".join(chunk.text for chunk in logs[0].chunks.filter(executor=False))


@pytest.fixture
def whole(trial: Trial, worker: Passes, alice: User, dana: User, erin: User) -> Life:
    return Life(trial, worker, alice, dana, erin)


def test_a_change_changes_the_cluster_and_drops_what_is_no_longer_granted(whole: Life) -> None:
    namespace = whole.create(features=("ingress", "logging", "monitoring"))
    spec = namespace.spec.replace(tier="medium", features=("backup", "logging", "monitoring"))
    request = whole.run(lifecycle.open_change(namespace, spec, by=whole.lead))
    assert request.phase == Phase.SUCCEEDED
    quota = whole.cluster.get("ResourceQuota", NAME, "compute-resources")
    assert quota is not None
    assert quota["spec"]["hard"]["pods"] == "20"
    assert "allow-ingress-controller" not in whole.objects("NetworkPolicy")
    metadata = whole.metadata()
    assert metadata["labels"]["platform.io/backup"] == "daily"
    assert metadata["labels"]["platform.io/request-id"] == str(namespace.owner_request_id)
    assert metadata["annotations"]["platform.io/status"] == "ready"
    assert metadata["annotations"]["platform.io/last-change-request"] == str(request.pk)
    assert whole.check(NAME).findings == []


@pytest.fixture
def slow(
    tmp_path: Path, templates: Path, connect: Callable[..., ArgoWorkflowsClient], alice: User, dana: User, erin: User
) -> Iterator[Life]:
    """As `whole`, with pods that take a moment to start, so that a test can step in between."""
    with trials.running(tmp_path / "slow", templates, pod_seconds=0.7) as trial:
        yield Life(trial, Passes(connect(trial.url, trial.token)), alice, dana, erin)


def test_a_failed_change_deletes_nothing_and_the_previous_revision_puts_it_right(slow: Life) -> None:
    whole = slow
    namespace = whole.create()
    before = whole.objects("NetworkPolicy")
    request = lifecycle.open_change(namespace, namespace.spec.replace(features=("external-egress",)), by=whole.lead)
    approved(request, whole.admin)
    # only then: the dry run of the validation has to pass
    whole.worker.until(lambda: begun(request, "update-namespace"), whole.trial, what="the namespace is being changed")
    kinds = ("configmaps", "resourcequotas", "networkpolicies", "rolebindings")
    for kind in kinds:
        whole.cluster.refuse(kind, "*", "not on my watch")
    whole.follow(request)
    assert request.phase == Phase.FAILED
    namespace.refresh_from_db()
    assert (namespace.status, namespace.revision) == (NamespaceStatus.UPDATE_FAILED, 1)
    assert whole.metadata()["annotations"]["platform.io/status"] == "update-failed"
    assert set(before) <= set(whole.objects("NetworkPolicy"))
    for kind in kinds:
        whole.cluster.unrefuse(kind, "*")
    back = lifecycle.open_change(namespace, by=whole.lead, to_revision=1, instead_of=request)
    assert whole.run(back).phase == Phase.SUCCEEDED
    assert whole.objects("NetworkPolicy") == before
    assert whole.check(NAME).findings == []


def begun(request: Request, step: str) -> bool:
    run = Request.objects.get(pk=request.pk).current_run
    return run is not None and run.steps.filter(name=step, attempts__gt=0).exists()


def test_drift_is_found_and_repaired_and_what_a_repair_leaves_has_a_command(whole: Life) -> None:
    namespace = whole.create()
    whole.edit("ResourceQuota", "compute-resources", lambda item: item["spec"]["hard"].update({"pods": "500"}))
    whole.edit("ConfigMap", "monitoring-config", lambda item: item["data"].update({"extra": "yes"}))
    whole.edit("NetworkPolicy", "default-deny-all", lambda item: item["spec"].update({"ingress": [{}]}))
    check = whole.check(NAME)
    told = {(item["object"], item["path"]): item for item in check.findings}
    assert set(told) == {
        ("ResourceQuota/compute-resources", "spec.hard.pods"),
        ("ConfigMap/monitoring-config", "data.extra"),
        ("NetworkPolicy/default-deny-all", "spec.ingress"),
    }
    namespace.refresh_from_db()
    assert namespace.drift == 3
    assert whole.run(lifecycle.open_change(namespace, by=whole.lead, repair=True)).phase == Phase.SUCCEEDED
    (left,) = whole.check(NAME).findings
    assert left["path"] == "data.extra"
    assert left["command"].startswith("kubectl patch configmap monitoring-config")


def test_an_inventory_tells_what_a_deletion_takes_along(whole: Life) -> None:
    namespace = whole.create()
    whole.cluster.seed(NAME)
    whole.check(NAME)
    inventory = lifecycle.fresh_inventory(namespace)
    assert inventory is not None
    assert inventory.words == ("1 deployment, 1 stateful set, 1 cron job, 3 pods, 1 volume (5Gi), 1 service, 1 ingress")
    assert inventory.of("Deployment")[0].replicas == "2"
    assert inventory.of("Service")[0].service_type == "ClusterIP"
    assert inventory.of("Pod")[0].phase == "Running"
    assert (inventory.used("pods"), inventory.used("requests.storage")) == (3, 5 * 2**30)
    assert inventory.newest.startswith("20")
    assert lifecycle.warnings(namespace, namespace.spec) == []


def test_giving_back_stops_before_what_is_left_and_goes_on_with_force(whole: Life) -> None:
    namespace = whole.create()
    whole.check(NAME)
    empty = lifecycle.fresh_inventory(namespace)
    assert empty is not None
    assert empty.is_empty
    whole.cluster.seed(NAME)
    given = {"by": whole.lead, "typed_name": NAME}
    stopped = whole.run(lifecycle.open_delete(namespace, inventory=empty, **given))
    assert stopped.phase == Phase.FAILED
    assert "not empty" in stopped.message
    namespace.refresh_from_db()
    assert namespace.status == NamespaceStatus.DELETE_FAILED
    assert whole.metadata()["annotations"]["platform.io/status"] == "ready"
    whole.check(NAME)
    full = lifecycle.fresh_inventory(namespace)
    assert full is not None
    request = lifecycle.open_delete(namespace, inventory=full, force=True, instead_of=stopped, **given)
    namespace.refresh_from_db()
    assert namespace.status == NamespaceStatus.READY
    assert whole.run(request).phase == Phase.SUCCEEDED
    assert whole.trial.cluster_object("Namespace", NAME) is None
    assert whole.create().pk != namespace.pk


# ── adopting ─────────────────────────────────────────────────────────────────────────────────────────────────


def adoption(whole: Life, **changes: Any) -> Request:
    check = whole.check(NAME)
    spec = lifecycle.proposal(check).spec.replace(**{"team": "payments", **changes})
    return lifecycle.open_adoption(check, spec, by=whole.admin)


def test_an_orphan_is_listed_and_taken_over_and_nothing_in_it_is_lost(whole: Life) -> None:
    namespace = whole.create(features=("backup", "ingress", "logging", "monitoring"))
    whole.cluster.seed(NAME)
    before = {kind: whole.objects(kind) for kind in ("Pod", "Service", "NetworkPolicy", "RoleBinding")}
    uid = whole.metadata()["uid"]
    bears = str(namespace.owner_request_id)
    Namespace.objects.filter(pk=namespace.pk).update(
        status=NamespaceStatus.DELETED, owner_request_id="11111111-1111-4111-8111-111111111111"
    )
    listing = lifecycle.ask_listing(by=whole.admin)
    whole.worker.until(lambda: Check.objects.get(pk=listing.pk).is_over, whole.trial)
    latest = ClusterListing.latest()
    assert latest is not None
    assert latest.orphans == [{"name": NAME, "request_id": bears, "status": "ready"}]

    request = adoption(whole, features=("backup", "logging", "monitoring"))
    assert request.owner_request_id == bears
    assert whole.run(request).phase == Phase.SUCCEEDED
    taken = Namespace.objects.get(name=NAME, status=NamespaceStatus.READY)
    assert (str(taken.owner_request_id), taken.uid, taken.spec.features) == (
        bears,
        uid,
        ("backup", "logging", "monitoring"),
    )
    assert {kind: whole.objects(kind) for kind in before} == before
    assert "Left as it is: networkpolicy.networking.k8s.io/allow-ingress-controller" in whole.log(
        request, "apply-network-policies"
    )
    (left,) = whole.check(NAME).findings
    assert (left["kind"], left["object"]) == ("foreign", "NetworkPolicy/allow-ingress-controller")


def test_an_unmanaged_namespace_is_taken_over_once_the_cluster_agrees(whole: Life) -> None:
    whole.cluster.create_foreign_namespace(NAME)
    whole.cluster.seed(NAME)
    uid, pods = whole.metadata()["uid"], whole.objects("Pod")
    request = adoption(whole)
    whole.run(request)
    assert request.phase == Phase.FAILED
    assert f"kubectl label namespace {NAME} platform.io/adopt={request.pk}" in request.message
    assert "platform.io/managed" not in whole.metadata().get("labels", {})

    *_, name, label = lifecycle.consent_command(request).split()
    whole.trial.control.label_namespace(name, label)
    lifecycle.retry(request, by=whole.admin)
    whole.follow(request)
    assert request.phase == Phase.SUCCEEDED, request.message
    metadata = whole.metadata()
    assert metadata["uid"] == uid
    assert metadata["labels"]["platform.io/request-id"] == str(request.pk)
    assert metadata["annotations"]["platform.io/status"] == "ready"
    assert metadata["annotations"]["platform.io/provisioned-at"]
    assert whole.objects("Pod") == pods
    assert whole.check(NAME).findings == []
    namespace = Namespace.objects.get()
    spec = namespace.spec.replace(tier="medium")
    assert whole.run(lifecycle.open_change(namespace, spec, by=whole.lead)).phase == Phase.SUCCEEDED


def test_the_consent_to_one_request_is_none_to_another(whole: Life) -> None:
    whole.cluster.create_foreign_namespace(NAME)
    whole.cluster.label_namespace(NAME, {"platform.io/adopt": "11111111-1111-4111-8111-111111111111"})
    request = whole.run(adoption(whole))
    assert request.phase == Phase.FAILED
    assert "has not agreed" in request.message
    assert whole.objects("ResourceQuota") == []


def test_an_adoption_that_fails_half_way_rolls_nothing_back(whole: Life) -> None:
    whole.cluster.create_foreign_namespace(NAME)
    whole.cluster.seed(NAME)
    request = adoption(whole)
    whole.cluster.label_namespace(NAME, {"platform.io/adopt": str(request.pk)})
    whole.cluster.refuse("resourcequotas", "*", "not on my watch")
    whole.run(request)
    assert request.phase == Phase.FAILED
    assert whole.objects("Pod")
    assert whole.metadata()["annotations"]["platform.io/status"] == "update-failed"
    whole.cluster.unrefuse("resourcequotas", "*")
    lifecycle.retry(request, by=whole.admin)
    assert whole.follow(request).phase == Phase.SUCCEEDED


def test_what_never_became_ready_can_be_taken_over(whole: Life) -> None:
    whole.cluster.refuse("resourcequotas", "*", "not on my watch")
    request = lifecycle.open_request(make_spec(name=NAME, tier="small"), by=whole.lead)
    run = request.current_run
    assert run is not None
    whole.worker.until(lambda: begun(request, "set-resource-quotas"), whole.trial)
    whole.worker.client.terminate_workflow(run.workflow_name)  # by hand: no roll-back
    whole.follow(request)
    lifecycle.give_up(request, by=whole.lead)
    whole.cluster.unrefuse("resourcequotas", "*")
    assert whole.metadata()["annotations"]["platform.io/status"] == "provisioning"
    taken = whole.run(adoption(whole))
    assert taken.phase == Phase.SUCCEEDED, taken.message
    assert whole.metadata()["annotations"]["platform.io/provisioned-at"]
    assert str(Namespace.objects.get().owner_request_id) == str(request.pk)
