"""Looks at the cluster, from asked to recorded: once each, a few at a time, and never for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.argo import Forbidden, ServerError, Unreachable, WatchEvent, observe
from provisioning.models import ArgoStatus, Check, CheckState, Request, Run, RunState
from provisioning.reconcile import checks, status, submit
from provisioning.reconcile.copier import Copier
from provisioning.reconcile.limits import ends_by
from provisioning.reconcile.mailbox import Mailbox
from provisioning.reconcile.resync import resync
from provisioning.reconcile.worker import Worker
from provisioning.trial.server import Account
from provisioning.workflows import workflow
from tests.argo.wire import http, problem
from tests.reconcile.conftest import CAP, NS, context_of, fresh

pytestmark = pytest.mark.django_db
NAME = "payments-prod"
LISTED = "payments-prod 3f2c8f1e-0d4b-4a7e-9a51-6f0f5a1c2b3d ready\n"


def again(check: Check) -> Check:
    return Check.objects.get(pk=check.pk)


def ended(still: Any, check: Check, phase: str = "Succeeded", **node: Any) -> None:
    """What Argo says when the run of `check` is over; `node` is its one step."""
    name = check.workflow_name
    pod = f"{name}-namespace-audit-1"
    step = {
        "id": pod,
        "name": f"{name}(0)",
        "displayName": f"{name}(0)",
        "type": "Pod",
        "templateName": "namespace-audit",
    }
    retry = {"id": name, "name": name, "displayName": name, "type": "Retry", "templateName": "namespace-audit"}
    nodes = {item["id"]: {**item, "phase": phase, **node} for item in (retry, step)}
    still.status(name, phase=phase, nodes=nodes, startedAt="2026-01-01T00:00:00Z", finishedAt="2026-01-01T00:00:09Z")


def completed(still: Any, check: Check) -> None:
    """The label that the controller sets at the end."""

    def label(thing: dict[str, Any]) -> dict[str, Any]:
        labels = {**thing["metadata"]["labels"], "workflows.argoproj.io/completed": "true"}
        return {**thing, "metadata": {**thing["metadata"], "labels": labels}}

    still.store.update("workflows", NS, check.workflow_name, label)


def outputs(live: str = LISTED) -> dict[str, Any]:
    return {"outputs": {"exitCode": "0", "parameters": [{"name": "live", "value": live}]}}


@pytest.fixture
def listing(desk) -> Check:
    """One that Argo has."""
    check = lifecycle.ask_listing()
    assert checks.submit(desk, check)
    return again(check)


# ── submitting ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_check_becomes_a_run_of_the_audit_template(desk, still):
    check = lifecycle.ask_check(NAME)
    assert checks.to_submit(desk) == [check]
    assert checks.submit(desk, check)
    [name] = still.names()
    assert name == check.workflow_name == f"audit-namespace-{str(check.pk)[:8]}-1"
    found = still.store.get("workflows", NS, name)
    assert found["spec"]["workflowTemplateRef"]["name"] == "namespace-audit"
    assert found["metadata"]["labels"]["platform.io/type"] == "namespace-audit"
    assert found["spec"]["arguments"]["parameters"] == [{"name": "namespaceName", "value": NAME}]
    row = again(check)
    assert (row.state, row.workflow_uid) == (CheckState.SUBMITTED, found["metadata"]["uid"])
    assert checks.to_submit(desk) == []


def test_a_try_whose_answer_was_lost_is_adopted_and_not_repeated(desk, still):
    check = lifecycle.ask_check(NAME)
    desk.client.submit_workflow(workflow.build_audit(NAME, str(check.pk), namespace=NS))
    assert checks.submit(desk, check)
    assert (again(check).state, len(still.names())) == (CheckState.SUBMITTED, 1)


def test_two_workers_at_once_make_one_run(still, connect, clock):
    check = lifecycle.ask_check(NAME)
    first, second = again(check), again(check)
    for name, row in (("first", first), ("second", second)):
        checks.submit(context_of(connect(still), clock, name), row)
    assert (again(check).state, len(still.names())) == (CheckState.SUBMITTED, 1)


def test_somebody_elses_workflow_of_that_name_is_not_ours(desk, still):
    check = lifecycle.ask_check(NAME)
    body = workflow.build_audit("search-prod", str(check.pk), namespace=NS)
    desk.client.submit_workflow(body)
    assert checks.submit(desk, check)
    row = again(check)
    assert row.state == CheckState.FAILED
    assert "it is not this check's: its parameter namespaceName differs" in row.error


def test_no_more_than_a_few_run_at_once_and_what_people_wait_for_goes_first(desk, dana):
    nightly = [lifecycle.ask_check(f"payments-n{number}", why="nightly") for number in range(6)]
    urgent = lifecycle.ask_check("payments-urgent", by=dana)
    due = checks.to_submit(desk)
    assert (len(due), due[0]) == (checks.AT_ONCE, urgent)
    for check in due:
        checks.submit(desk, check)
    assert checks.to_submit(desk) == []
    lifecycle.fail_check(urgent, "it is over")
    assert len(checks.to_submit(desk)) == 1
    assert set(checks.to_submit(desk)) < set(nightly)


def test_without_the_template_it_waits_and_says_why_while_runs_go_on(desk, still, approve):
    still.store.delete("workflowtemplates", NS, "namespace-audit")
    check = lifecycle.ask_check(NAME)
    run = approve()
    assert checks.submit(desk, check)
    row = again(check)
    assert (row.state, row.failures) == (CheckState.QUEUED, 1)
    assert "namespace-audit" in row.trouble
    assert row.next_try_at > desk.now()
    assert submit.submit(desk, run)
    assert fresh(run).state == RunState.SUBMITTED


def test_without_the_right_it_waits(still, connect, clock):
    still.token = still.accounts.add(Account("none", NS, frozenset()))
    check = lifecycle.ask_check(NAME)
    desk = context_of(connect(still), clock)
    assert checks.submit(desk, check)
    assert (again(check).state, bool(again(check).trouble)) == (CheckState.QUEUED, True)


def test_what_argo_refuses_is_not_tried_again(wired, wire):
    wire.will(http(400, problem(3, "admission says no")))
    check = lifecycle.ask_check(NAME)
    assert checks.submit(wired, check)
    row = again(check)
    assert row.state == CheckState.FAILED
    assert "admission says no" in row.error


# ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_goes_on_is_left_alone_for_a_while(desk, still, listing, clock):
    assert checks.to_look_at(desk) == []
    clock.pass_by(seconds=11)
    assert checks.to_look_at(desk) == [listing]
    assert checks.look(desk, listing) is False
    assert checks.to_look_at(desk) == []
    assert again(listing).state == CheckState.SUBMITTED


def test_what_was_found_is_recorded_once(desk, still, listing):
    ended(still, listing, **outputs())
    assert checks.look(desk, listing)
    row = again(listing)
    assert (row.state, row.listing.entries) == (
        CheckState.FINISHED,
        [{"name": "payments-prod", "request_id": "3f2c8f1e-0d4b-4a7e-9a51-6f0f5a1c2b3d", "status": "ready"}],
    )
    assert checks.look(desk, listing) is False


def test_a_run_that_ended_well_without_a_result_is_no_result(desk, still, listing):
    ended(still, listing, outputs={"exitCode": "0"})
    assert checks.look(desk, listing)
    assert (again(listing).state, again(listing).error) == (CheckState.FAILED, checks.NO_RESULT)


def test_a_run_that_failed_says_why_in_the_words_of_its_log(desk, still, listing):
    ended(still, listing, "Failed", message="main: Error (exit code 1)", outputs={"exitCode": "1"})
    found = still.store.get("workflows", NS, listing.workflow_name)
    pod = observe(found).steps[0].attempts[-1].pod_name
    still.log(pod, listing.workflow_name, 'time=2026 level=INFO msg="x" argo=true', "The connection was refused")
    assert checks.look(desk, listing)
    row = again(listing)
    assert row.state == CheckState.FAILED
    assert "The connection was refused" in row.error
    assert "argo=true" not in row.error


def test_a_run_that_failed_without_a_log_says_what_argo_says(desk, still, listing):
    message = "pods is forbidden: exceeded quota: compute"
    ended(still, listing, "Error", message=message)
    assert checks.look(desk, listing)
    assert again(listing).error.startswith(f"A quota kept the step from starting: {message}")
    assert "Platform admins: " in again(listing).error


def test_a_run_that_argo_never_started_says_so(desk, still, listing):
    still.status(listing.workflow_name, phase="Error", message="error looking up service account: x", nodes={})
    assert checks.look(desk, listing)
    assert "the account of its pods is missing" in again(listing).error


def test_a_run_that_vanished_ends_its_check(desk, still, listing):
    still.store.delete("workflows", NS, listing.workflow_name)
    assert checks.look(desk, listing)
    assert (again(listing).state, again(listing).error) == (CheckState.FAILED, checks.VANISHED)


def test_another_workflow_under_its_name_is_not_believed(desk, still, listing):
    Check.objects.filter(pk=listing.pk).update(workflow_uid="another")
    ended(still, listing, **outputs())
    assert checks.look(desk, again(listing))
    assert again(listing).state == CheckState.FAILED


def test_a_run_over_its_limit_is_ended(desk, still, listing, clock):
    still.status(listing.workflow_name, phase="Running", nodes={})
    clock.pass_by(minutes=6, seconds=59)
    assert checks.look(desk, listing) is False
    clock.pass_by(seconds=2)
    assert checks.look(desk, listing)
    assert again(listing).error == "It took more than 5 minutes, so the portal ended it."
    assert still.store.get("workflows", NS, listing.workflow_name)["spec"]["shutdown"] == "Terminate"


def test_a_list_that_does_not_name_it_makes_it_due(desk, still, listing):
    other = lifecycle.ask_check(NAME)
    checks.submit(desk, other)
    found = resync(desk)
    assert found.going_on == {listing.workflow_name, other.workflow_name}
    assert checks.hurry(desk, found.going_on) == 0
    completed(still, listing)
    assert checks.hurry(desk, resync(desk).going_on) == 1
    assert checks.to_look_at(desk) == [listing]


# ── in the worker ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def worker(desk) -> Worker:
    status.begin("x", NS)
    made = Worker(desk, Copier(0, cap_bytes=CAP), Mailbox())
    made._check.done()
    return made


def event(still: Any, check: Check, kind: str = "MODIFIED") -> WatchEvent:
    return WatchEvent(kind, still.store.get("workflows", NS, check.workflow_name))


def test_the_watch_brings_the_end_at_once(worker, still, listing):
    ended(still, listing, **outputs())
    worker.mailbox.put(listing.workflow_name, event(still, listing), worker.mailbox)
    assert worker._events()
    assert again(listing).state == CheckState.FINISHED


def test_an_event_of_its_deletion_is_looked_after(worker, still, listing):
    gone = event(still, listing, "DELETED")
    still.store.delete("workflows", NS, listing.workflow_name)
    worker.mailbox.put(listing.workflow_name, gone, worker.mailbox)
    assert worker._events()
    assert again(listing).error == checks.VANISHED


def test_a_check_that_always_fails_keeps_no_other_waiting(worker, still):
    bad, good = lifecycle.ask_check("payments-bad"), lifecycle.ask_check("payments-good")
    Check.objects.filter(pk=bad.pk).update(workflow_name="Not A Name", state=CheckState.SUBMITTED)
    assert worker.work()
    assert again(good).state == CheckState.SUBMITTED
    row = again(bad)
    assert (row.state, row.failures) == (CheckState.SUBMITTED, 1)
    assert row.next_try_at > worker.context.now()
    assert row.trouble.startswith("Something went wrong in the portal itself")


@pytest.mark.parametrize(
    ("error", "ends"),
    [(Unreachable("Nothing listens."), True), (ServerError("x", status=500), True),
     (Forbidden("no", whole_server=False), False)],
)  # fmt: skip
def test_argos_trouble_pushes_it_back_and_ends_the_pass_when_it_is_everybodys(worker, error, ends):
    check = lifecycle.ask_check(NAME)

    def fail(context: Any, row: Check) -> bool:
        raise error

    if ends:
        with pytest.raises(type(error)):
            worker._rows([check], fail)
    else:
        assert worker._rows([check], fail)
    row = again(check)
    assert (row.state, row.failures) == (CheckState.QUEUED, 1)
    assert row.trouble


def test_a_pass_does_all_of_it(worker, still):
    check = lifecycle.ask_listing()
    assert worker.work()
    assert again(check).state == CheckState.SUBMITTED
    ended(still, check, **outputs())
    completed(still, check)
    worker._resync.now()
    assert worker.work()
    assert worker.work()
    assert again(check).state == CheckState.FINISHED


def test_when_argo_is_back_what_waited_for_it_goes_on_at_once(worker):
    check = lifecycle.ask_listing()
    ArgoStatus.objects.update(failing_since=timezone.now())
    Check.objects.filter(pk=check.pk).update(next_try_at=timezone.now() + timedelta(minutes=1), failures=7)
    worker.context.hear()
    worker._tell.now()
    worker._well()
    assert checks.to_submit(worker.context) == [check]


def test_orphaned_runs_and_checks_do_not_get_into_each_others_way(worker, still, approve):
    run, check = approve(), lifecycle.ask_listing()
    worker.work()
    assert len(still.names()) == 2
    assert (fresh(run).state, again(check).state) == (RunState.SUBMITTED, CheckState.SUBMITTED)
    assert Request.objects.count() == 1
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "minutes"), [("create", 17), ("change", 17), ("adopt", 17), ("delete", 22), ("audit", 7)]
)
def test_a_limit_is_argos_and_two_minutes(kind, minutes):
    start = timezone.now()
    assert ends_by(kind, start) == start + timedelta(minutes=minutes)
