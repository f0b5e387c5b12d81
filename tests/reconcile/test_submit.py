from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from provisioning import lifecycle
from provisioning.argo import ArgoError
from provisioning.models import AuditEvent, Phase, Request, Run, RunState
from provisioning.reconcile import attend, observe, resync, submit
from provisioning.reconcile.mailbox import Mailbox
from provisioning.reconcile.worker import Worker
from tests.argo.wire import Reply, http, problem
from tests.reconcile.conftest import Address, context_of, fresh

pytestmark = pytest.mark.django_db


def request_of(run: Run) -> Request:
    return Request.objects.get(pk=run.request_id)


def worker_of(desk) -> Worker:
    return Worker(desk, desk.copies, Mailbox())


def test_an_approved_run_is_submitted_with_exactly_what_was_approved(desk, still, approve):
    run = approve()
    assert submit.submit(desk, run) is True
    run, [name] = fresh(run), still.names()
    stored = still.store.get("workflows", "argo", name)
    given = {one["name"]: one["value"] for one in stored["spec"]["arguments"]["parameters"]}
    assert (run.state, run.workflow_uid, name) == (RunState.SUBMITTED, stored["metadata"]["uid"], run.workflow_name)
    assert {key: given[key] for key in run.request.rendered} == run.request.rendered
    assert given["manifestDigest"] == run.digest
    assert request_of(run).phase == Phase.PROVISIONING


def test_submitting_twice_makes_one_workflow_and_one_event(desk, still, approve):
    run = approve()
    submit.submit(desk, run)
    assert submit.submit(desk, run) is False
    assert len(still.names()) == 1
    assert AuditEvent.objects.filter(action="run.submitted").count() == 1


def test_a_worker_killed_between_submit_and_record_is_followed_by_one_that_adopts(desk, still, approve):
    run = approve()
    lifecycle.claim(run, "killed")
    uid = desk.client.submit_workflow(submit.built(run))["metadata"]["uid"]
    submit.submit(desk, fresh(run))
    run = fresh(run)
    assert (run.state, run.workflow_uid, len(still.names())) == (RunState.SUBMITTED, uid, 1)
    assert AuditEvent.objects.get(action="run.submitted").after["adopted"] is True


def test_a_workflow_of_that_name_that_is_somebody_elses_ends_the_request_with_a_sentence(desk, still, approve):
    run = approve()
    body = submit.built(run)
    body["metadata"]["labels"]["platform.io/request-id"] = "another"
    desk.client.submit_workflow(body)
    submit.submit(desk, run)
    request = request_of(run)
    assert request.phase == Phase.FAILED
    assert f"Argo already has a workflow named {run.workflow_name}, and it is not this request's" in request.message


def test_a_workflow_of_that_name_with_other_objects_is_not_adopted(desk, approve):
    run = approve()
    body = submit.built(run)
    parameters = {one["name"]: one for one in body["spec"]["arguments"]["parameters"]}
    parameters["rbacManifest"]["value"] = "{}"
    desk.client.submit_workflow(body)
    submit.submit(desk, run)
    assert "its parameter rbacManifest differs" in request_of(run).message


def test_what_argo_refuses_for_good_ends_the_request_with_argos_words(wire, wired, approve):
    wire.will(http(400, problem(3, "spec.arguments.rbacManifest.value is required")))
    run = approve()
    submit.submit(wired, run)
    request = request_of(run)
    assert request.phase == Phase.FAILED
    assert "spec.arguments.rbacManifest.value is required" in request.message


def test_an_admission_policy_that_refuses_is_quoted(wire, wired, approve):
    said = "workflows.argoproj.io \"x\" is forbidden: ValidatingAdmissionPolicy 'platform-portal-workflows' denied request: no"
    wire.will(http(400, problem(3, said)))
    run = approve()
    submit.submit(wired, run)
    assert request_of(run).phase == Phase.FAILED
    assert "An admission policy of the cluster refused" in request_of(run).message


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (
            403,
            problem(7, 'workflows.argoproj.io is forbidden: User "x" cannot create resource "workflows"'),
            "cannot create",
        ),
        (404, problem(5, 'workflowtemplates.argoproj.io "namespace-provisioning" not found'), "namespace-provisioning"),
    ],
)
def test_what_somebody_can_put_right_holds_the_run_and_is_tried_again(
    wire, wired, clock, approve, status, answer, said
):
    wire.will(http(status, answer))
    run = approve()
    assert submit.submit(wired, run) is True
    run = fresh(run)
    assert (run.state, request_of(run).phase, run.failures) == (RunState.QUEUED, Phase.APPROVED, 1)
    assert said in run.trouble
    assert "Platform admins: " in run.trouble
    assert submit.due(wired) == []
    clock.pass_by(seconds=2)
    assert submit.due(wired) == [run]


def test_a_refused_token_ends_the_pass_and_is_said_on_the_page(wire, wired, approve):
    wire.will(http(401, problem(16, "Unauthorized")))
    run = approve()
    worker = worker_of(wired)
    worker.work()
    assert "The cluster refused the token" in fresh(run).trouble
    assert worker.outage.lasts


def test_a_template_that_was_missing_is_found_later(desk, still, approve, clock):
    run = approve()
    template = still.store.delete("workflowtemplates", "argo", "namespace-provisioning")
    submit.submit(desk, run)
    assert fresh(run).trouble
    still.store.create("workflowtemplates", template)
    clock.pass_by(seconds=2)
    [again] = submit.due(desk)
    submit.submit(desk, again)
    run = fresh(run)
    assert (run.state, run.trouble) == (RunState.SUBMITTED, "")


def test_a_lost_answer_makes_no_second_workflow(desk, still, wire, connect, clock, approve):
    """The call goes through, the answer does not come back."""
    run = approve()

    def swallow(seen):
        still_client.submit_workflow(seen.json["workflow"])
        return Reply([], end="reset")

    still_client = desk.client
    wire.will(swallow)
    broken = context_of(connect(Address(wire), timeout_ms=2_000), clock)
    with pytest.raises(ArgoError):
        submit.submit(broken, run)
    assert fresh(run).state == RunState.QUEUED
    submit.submit(desk, fresh(run))
    assert len(still.names()) == 1
    assert fresh(run).state == RunState.SUBMITTED


def test_a_conflict_that_is_no_namesake_is_tried_again(wire, wired, approve):
    missing = http(404, problem(5, 'workflows.argoproj.io "x" not found'))
    wire.will(http(409, problem(6, "Operation cannot be fulfilled")), missing)
    run = approve()
    assert submit.submit(wired, run) is True
    assert (fresh(run).state, request_of(run).phase) == (RunState.QUEUED, Phase.APPROVED)


# ── cancelled meanwhile ──────────────────────────────────────────────────────────────────────────────────────


def test_a_cancel_between_claim_and_submit_ends_it_when_argo_has_nothing(desk, approve, alice):
    run = approve()
    lifecycle.claim(run, desk.worker)
    lifecycle.cancel(run.request, by=alice)
    assert submit.submit(desk, fresh(run)) is True
    request = request_of(run)
    assert (request.phase, request.message) == (Phase.CANCELLED, "Cancelled before anything was submitted.")


def test_a_cancel_waits_for_the_call_that_another_worker_may_be_making(desk, approve, alice, clock):
    run = approve()
    lifecycle.claim(run, "another")
    lifecycle.cancel(run.request, by=alice)
    submit.submit(desk, fresh(run))
    assert request_of(run).phase == Phase.APPROVED
    clock.pass_by(seconds=11)
    [again] = submit.due(desk)
    submit.submit(desk, again)
    assert request_of(run).phase == Phase.CANCELLED


def test_a_cancel_after_a_lost_answer_stops_what_did_get_through(desk, still, approve, alice):
    run = approve()
    lifecycle.claim(run, "killed")
    desk.client.submit_workflow(submit.built(run))
    lifecycle.cancel(run.request, by=alice)
    submit.submit(desk, fresh(run))
    assert request_of(run).phase == Phase.PROVISIONING
    [again] = attend.due(desk)
    attend.attend(desk, again)
    stored = still.store.get("workflows", "argo", run.workflow_name)
    assert stored["spec"]["shutdown"] == "Terminate"
    assert fresh(run).stop_asked_at is not None


def test_a_submission_that_arrives_after_its_run_was_given_up_is_stopped(desk, still, approve, alice):
    run = approve()
    lifecycle.claim(run, desk.worker)
    lifecycle.cancel(run.request, by=alice)
    late = submit.built(fresh(run))
    submit.submit(desk, fresh(run))
    desk.client.submit_workflow(late)
    resync.resync(desk)
    stored = still.store.get("workflows", "argo", run.workflow_name)
    assert stored["spec"]["shutdown"] == "Terminate"
    assert request_of(run).phase == Phase.CANCELLED


def test_workflows_that_are_not_the_portals_are_left_alone(desk, still, approve):
    run = approve()
    body = submit.built(run)
    body["metadata"]["name"] = "create-namespace-00000000-1"
    desk.client.submit_workflow(body)
    resync.resync(desk)
    assert "shutdown" not in still.store.get("workflows", "argo", body["metadata"]["name"])["spec"]


# ── gone ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_workflow_that_vanished_ends_its_request(desk, still, submitted):
    run = submitted()
    still.store.delete("workflows", "argo", run.workflow_name)
    found = resync.resync(desk)
    assert found.doubtful == (run.pk,)
    observe.fetch(desk, run)
    request = request_of(run)
    assert request.phase == Phase.FAILED
    assert request.message == lifecycle.running.VANISHED


def test_a_run_that_the_list_does_not_name_is_asked_for_before_anything_is_said(desk, still, submitted):
    """Argo's list lags behind, and leaves out what has ended."""
    run = submitted()
    still.store.update(
        "workflows", "argo", run.workflow_name,
        lambda thing: {**thing, "metadata": {**thing["metadata"], "labels": {"workflows.argoproj.io/completed": "true"}}},
    )  # fmt: skip
    [pk] = resync.resync(desk).doubtful
    observe.fetch(desk, Run.objects.select_related("request").get(pk=pk))
    assert request_of(run).phase == Phase.PROVISIONING


def test_a_workflow_replaced_by_a_namesake_counts_as_vanished(desk, still, submitted):
    run = submitted()
    thing = still.store.delete("workflows", "argo", run.workflow_name)
    still.store.create("workflows", thing)
    observe.fetch(desk, run)
    assert request_of(run).phase == Phase.FAILED


def test_a_resync_that_finds_all_as_recorded_asks_once_and_writes_nothing(
    desk, still, submitted, django_assert_num_queries
):
    runs = [submitted(name=f"payments-n{number}") for number in range(3)]
    for run in runs:
        observe.fetch(desk, run)
    with django_assert_num_queries(1):
        found = resync.resync(desk)
    assert found.doubtful == ()


# ── the server's trouble ─────────────────────────────────────────────────────────────────────────────────────


def test_an_unreachable_argo_costs_one_call_per_pass_however_many_runs_wait(wire, wired, approve):
    for number in range(5):
        approve(name=f"payments-n{number}")
    wire.will(Reply([], end="reset"))
    worker = worker_of(wired)
    assert worker.work() is False
    assert len(wire.seen) == 1
    assert worker.work() is False  # the pause lasts: nothing is asked
    assert len(wire.seen) == 1
    assert Run.objects.filter(failures=1).count() == 1


def test_runs_that_were_pushed_back_meanwhile_are_due_when_argo_is_back(desk, still, approve):
    run = approve()
    lifecycle.hold(run, "away", until=timezone.now() + timedelta(hours=1))
    assert submit.wake_all(desk) == 1
    assert submit.due(desk) == [run]


# ── several workers ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_over_sixty_approved_requests_make_sixty_workflows(still, connect, clock, approve):
    runs = [approve(name=f"payments-n{number}", tier="small") for number in range(60)]
    begin = threading.Barrier(4)
    errors = []

    def work(number: int) -> None:
        desk = context_of(connect(still), clock, f"worker-{number}")
        try:
            begin.wait()
            while due := submit.due(desk):
                for run in due:
                    submit.submit(desk, run)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert still.names() == sorted(run.workflow_name for run in runs)
    assert Run.objects.filter(state=RunState.SUBMITTED).count() == 60
    assert AuditEvent.objects.filter(action="run.submitted").count() == 60
