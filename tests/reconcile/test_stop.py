from __future__ import annotations

from datetime import timedelta

import pytest

from provisioning import lifecycle
from provisioning.models import Phase, Request, Run, RunState
from provisioning.reconcile import attend, observe
from tests.reconcile.conftest import fresh

pytestmark = pytest.mark.django_db


def shutdown_of(still, run):
    return still.store.get("workflows", "argo", run.workflow_name)["spec"].get("shutdown")


def attend_all(desk):
    for run in attend.due(desk):
        attend.attend(desk, run)


def started(still, desk, run):
    still.show(run.workflow_name, "running-parallel")
    observe.fetch(desk, run)
    return fresh(run)


def test_a_running_one_is_stopped_so_that_its_roll_back_runs(desk, still, submitted, alice):
    run = started(still, desk, submitted())
    lifecycle.cancel(run.request, by=alice)
    attend_all(desk)
    assert shutdown_of(still, run) == "Stop"
    run = fresh(run)
    assert run.stop_asked_at is not None
    assert Request.objects.get(pk=run.request_id).phase == Phase.PROVISIONING


def test_one_that_waits_for_its_lock_is_terminated(desk, still, submitted, alice):
    run = submitted()
    still.show(run.workflow_name, "mutex-waiting")
    lifecycle.cancel(run.request, by=alice)
    attend_all(desk)
    assert shutdown_of(still, run) == "Terminate"


def test_one_that_started_since_it_was_seen_last_is_stopped_not_terminated(desk, still, submitted, alice):
    run = submitted()
    observe.fetch(desk, run)
    still.status(run.workflow_name, phase="Running", startedAt="2026-11-23T17:00:00Z")
    lifecycle.cancel(run.request, by=alice)
    attend_all(desk)
    assert shutdown_of(still, run) == "Stop"


def test_a_stop_is_asked_again_until_argo_reports_the_end(desk, still, submitted, alice, clock):
    run = started(still, desk, submitted())
    lifecycle.cancel(run.request, by=alice)
    attend_all(desk)
    assert attend.due(desk) == []
    still.store.update(
        "workflows", "argo", run.workflow_name, lambda thing: {**thing, "spec": {**thing["spec"], "shutdown": ""}}
    )
    clock.pass_by(seconds=31)
    attend_all(desk)
    assert shutdown_of(still, run) == "Stop"
    still.show(run.workflow_name, "stopped")
    observe.fetch(desk, fresh(run))
    clock.pass_by(seconds=30)
    attend_all(desk)
    request = Request.objects.get(pk=run.request_id)
    assert (request.phase, fresh(run).state) == (Phase.CANCELLED, RunState.FINISHED)


def test_an_event_that_comes_meanwhile_does_not_put_the_stop_off(desk, still, submitted, alice):
    run = started(still, desk, submitted())
    lifecycle.cancel(run.request, by=alice)
    still.status(run.workflow_name, startedAt=desk.now().isoformat())
    observe.fetch(desk, fresh(run))
    assert [due.pk for due in attend.due(desk)] == [run.pk]


def test_a_stop_that_comes_too_late_believes_what_argo_says(desk, still, submitted, alice):
    run = started(still, desk, submitted())
    lifecycle.cancel(run.request, by=alice)
    still.show(run.workflow_name, "create-succeeded")
    attend_all(desk)
    assert Request.objects.get(pk=run.request_id).phase == Phase.SUCCEEDED


def test_a_stop_of_a_workflow_that_is_gone_ends_the_request(desk, still, submitted, alice):
    run = started(still, desk, submitted())
    lifecycle.cancel(run.request, by=alice)
    still.store.delete("workflows", "argo", run.workflow_name)
    attend_all(desk)
    assert Request.objects.get(pk=run.request_id).phase == Phase.FAILED


def over_limit(still, desk, run):
    """A run whose pod no node takes: Argo does not end it."""
    still.show(run.workflow_name, "unschedulable-past-deadline")
    observe.fetch(desk, run)
    run = fresh(run)
    Run.objects.filter(pk=run.pk).update(
        started_at=desk.now() - timedelta(minutes=17, seconds=1), next_try_at=desk.now()
    )
    return fresh(run)


def test_a_run_two_minutes_over_its_limit_is_stopped(desk, still, submitted):
    run = over_limit(still, desk, submitted())
    attend_all(desk)
    assert shutdown_of(still, run) == "Stop"
    assert fresh(run).trouble == "It is over its limit of 15 minutes: the portal is stopping it."


def test_a_run_within_its_limit_is_left_alone(desk, still, submitted):
    run = over_limit(still, desk, submitted())
    Run.objects.filter(pk=run.pk).update(started_at=desk.now() - timedelta(minutes=16, seconds=59))
    attend_all(desk)
    assert shutdown_of(still, run) is None


def test_a_run_stopped_for_its_limit_has_failed_and_says_so(desk, still, submitted, clock):
    run = over_limit(still, desk, submitted())
    attend_all(desk)
    still.show(run.workflow_name, "unschedulable-stopped")
    observe.fetch(desk, fresh(run))
    clock.pass_by(seconds=31)
    attend_all(desk)
    request = Request.objects.get(pk=run.request_id)
    assert request.phase == Phase.FAILED
    assert request.message.startswith("It took more than 15 minutes, so the portal stopped it.")


def test_a_run_that_was_not_heard_of_for_long_is_looked_at(desk, still, submitted, clock):
    run = submitted()
    observe.fetch(desk, run)
    clock.pass_by(seconds=61)
    still.status(run.workflow_name, phase="Running", startedAt=clock().isoformat())
    attend_all(desk)
    assert fresh(run).workflow_phase == "Running"
    assert attend.due(desk) == []


def test_trouble_that_is_over_is_taken_off_the_page(desk, still, submitted):
    run = submitted()
    observe.fetch(desk, run)
    lifecycle.hold(run, "Argo does not answer at the moment.", until=desk.now())
    attend_all(desk)
    run = fresh(run)
    assert (run.trouble, run.failures) == ("", 0)
