"""Namespaces compared with what was granted, by runs of the real template on the trial's cluster."""

from __future__ import annotations

import pytest

from provisioning import lifecycle
from provisioning.cluster_view import cluster_view, ghosts
from provisioning.models import Check, CheckState, Run
from tests.conftest import make_spec
from tests.reconcile.lives import Life, live_of
from tests.support.waiting import until
from tests.support.workers import Process

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def life(trial, connect, clock, alice, dana) -> Life:
    return live_of(trial, connect, clock, alice, dana)


def test_what_is_as_granted_has_no_findings_and_tells_what_is_used(life: Life):
    namespace = life.namespace()
    life.control.seed_workload(namespace.name)
    check = life.looked(namespace.name)
    namespace.refresh_from_db()
    assert (check.state, check.error, check.findings, check.exists) == (CheckState.FINISHED, "", [], True)
    assert (namespace.drift, namespace.checked_at is None) == (0, False)
    inventory = lifecycle.fresh_inventory(namespace)
    assert inventory is not None
    assert inventory.used("pods") == 3
    small = namespace.spec.replace(tier="small")
    assert lifecycle.draft_change(namespace, small, by=life.alice).warnings == ()
    Check.objects.filter(pk=check.pk).update(inventory=fuller(check))
    [warning] = lifecycle.draft_change(namespace, small, by=life.alice).warnings
    assert "40" in warning


def fuller(check: Check) -> dict[str, object]:
    """As if forty pods were in it."""
    assert check.inventory is not None
    lines = [{**line, "used": "40"} if line["resource"] == "pods" else line for line in check.inventory["quota"]]
    return {**check.inventory, "quota": lines}


def test_a_namespace_that_was_removed_past_the_portal_is_a_ghost(life: Life):
    namespace = life.namespace()
    assert life.looked("").state == CheckState.FINISHED
    assert cluster_view().is_clean
    life.cluster._deletion_seconds = 0
    life.control.remove_namespace(namespace.name)
    check = life.looked(namespace.name)
    assert (check.exists, [item["kind"] for item in check.findings]) == (False, ["missing"])
    assert [ghost.namespace for ghost in ghosts()] == [namespace]
    life.looked("")
    view = cluster_view()
    assert ([ghost.namespace for ghost in view.ghosts], view.count) == ([namespace], 0)


def test_what_a_terminated_creation_left_is_listed_and_a_retry_completes_it(life: Life):
    life.control.unschedulable("set-resource-quotas")
    request = lifecycle.open_request(make_spec(), by=life.alice)
    lifecycle.approve(request, by=life.dana, digest=request.digest)
    waiting = Run.objects.get(request=request).steps.filter(message__startswith="Unschedulable")
    life.worker.until(waiting.exists, life.trial)
    life.worker.until(lambda: life.trial.cluster_object("Namespace", request.name) is not None, life.trial)
    life.worker.client.terminate_workflow(Run.objects.get(request=request).workflow_name)
    assert life.over(request).phase == "Failed"
    life.control.reset()

    life.looked("")
    [left] = cluster_view().leftovers
    assert (left.name, left.owner, left.may_retry) == (request.name, request, True)
    lifecycle.retry(request, by=life.alice)
    assert life.over(request).phase == "Succeeded"
    assert cluster_view().orphans == []


def test_a_look_that_the_cluster_does_not_answer_says_so(life: Life):
    life.control.image_pull_fails("*")
    check = lifecycle.ask_check("payments-prod")
    name = check.workflow_name
    life.worker.until(lambda: "ImagePull" in str(life.trial.workflow(name)) if submitted(check) else False, life.trial)
    life.worker.clock.pass_by(minutes=8)
    life.worker.settle()
    check.refresh_from_db()
    assert check.state == CheckState.FAILED
    assert check.error.startswith("It took more than 5 minutes, so the portal ended it. The step waits for its image")


def submitted(check: Check) -> bool:
    return Check.objects.filter(pk=check.pk, state=CheckState.SUBMITTED).exists()


def test_a_worker_that_is_killed_again_and_again_makes_one_run_of_each(trial, alice):
    checks = [lifecycle.ask_check(f"payments-n{number}") for number in range(3)]
    open_ones = Check.objects.open()
    with Process(trial.server.url, trial.token) as worker:
        for left in (2, 1):
            until(
                lambda left=left: open_ones.filter(state=CheckState.QUEUED).count() <= left or not open_ones.exists(),
                60,
            )
            worker.restart()
        until(lambda: not open_ones.exists(), 60, "all are over")
    assert set(Check.objects.values_list("state", "exists")) == {(CheckState.FINISHED, False)}
    names = sorted(item["metadata"]["name"] for item in trial.store.list("workflows", "argo"))
    assert names == sorted(check.workflow_name for check in checks)
