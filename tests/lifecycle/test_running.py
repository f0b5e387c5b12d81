from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning import audit, lifecycle
from provisioning.models import AuditEvent, Namespace, NamespaceRevision, Phase, Request, Run, RunState

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(open_request, dana):
    request = open_request()
    return lifecycle.approve(request, by=dana, digest=request.digest)


@pytest.fixture
def running(approved):
    run = approved.current_run
    assert lifecycle.claim(run, "worker-1")
    assert lifecycle.submitted(run, uid="u-1")
    approved.refresh_from_db()
    return approved


def test_submitting_is_recorded_once(approved):
    run = approved.current_run
    assert lifecycle.claim(run, "worker-1")
    assert lifecycle.submitted(run, uid="u-1") is True
    assert lifecycle.submitted(run, uid="u-1") is False
    approved.refresh_from_db()
    assert approved.phase == Phase.PROVISIONING
    assert AuditEvent.objects.filter(request=approved, action="run.submitted").count() == 1


def test_success_makes_a_namespace_with_its_first_revision_and_lease(running, dana):
    run = running.current_run
    assert lifecycle.finish(run, outcome=Phase.SUCCEEDED, message="", namespace_uid="ns-uid") is True
    assert lifecycle.finish(run, outcome=Phase.SUCCEEDED, message="", namespace_uid="ns-uid") is False
    running.refresh_from_db()
    namespace = Namespace.objects.get()
    assert running.phase == Phase.SUCCEEDED
    assert running.namespace == namespace
    assert (namespace.name, namespace.owner_request_id, namespace.uid) == ("payments-prod", running.pk, "ns-uid")
    assert namespace.lease_ends_at - namespace.ready_at == timedelta(days=90)
    revision = NamespaceRevision.objects.get()
    assert (revision.number, revision.digest, revision.granted_by) == (1, running.digest, dana)


def test_a_failed_run_can_be_retried_as_a_new_attempt_of_the_same_objects(running, alice):
    digest = running.digest
    lifecycle.finish(running.current_run, outcome=Phase.FAILED, message="The cluster refused this step.")
    running.refresh_from_db()
    assert (running.phase, running.message) == (Phase.FAILED, "The cluster refused this step.")
    lifecycle.retry(running, by=alice)
    run = running.current_run
    assert (running.phase, running.attempt, running.message, running.finished_at) == (Phase.APPROVED, 2, "", None)
    assert (run.workflow_name, run.digest, run.state) == (
        f"create-namespace-{running.short_id}-2",
        digest,
        RunState.QUEUED,
    )


def test_two_people_retrying_at_once_make_one_attempt(running, alice, dana):
    lifecycle.finish(running.current_run, outcome=Phase.FAILED, message="no")
    mine, theirs = Request.objects.get(pk=running.pk), Request.objects.get(pk=running.pk)
    lifecycle.retry(mine, by=alice)
    with pytest.raises(lifecycle.Conflict):
        lifecycle.retry(theirs, by=dana)
    assert Run.objects.filter(request=running).count() == 2


def test_cancelling_before_the_worker_took_it_ends_it_at_once(approved, alice):
    run = approved.current_run
    lifecycle.cancel(approved, by=alice)
    run.refresh_from_db()
    assert (approved.phase, run.state) == (Phase.CANCELLED, RunState.FINISHED)
    assert lifecycle.claim(run, "worker-1") is False


def test_cancelling_after_the_worker_took_it_only_asks(approved, alice):
    run = approved.current_run
    lifecycle.claim(run, "worker-1")
    lifecycle.cancel(approved, by=alice)
    assert (approved.phase, approved.cancel_requested_at is not None) == (Phase.APPROVED, True)
    assert lifecycle.never_submitted(run) is True
    approved.refresh_from_db()
    assert approved.phase == Phase.CANCELLED


def test_a_run_that_succeeds_though_a_cancel_was_asked_has_succeeded(running, alice):
    lifecycle.cancel(running, by=alice)
    assert running.phase == Phase.PROVISIONING
    lifecycle.finish(running.current_run, outcome=Phase.SUCCEEDED, message="")
    running.refresh_from_db()
    assert running.phase == Phase.SUCCEEDED
    assert Namespace.objects.count() == 1


def test_asking_twice_to_cancel_is_a_conflict(running, alice, dana):
    lifecycle.cancel(running, by=alice)
    with pytest.raises(lifecycle.Conflict):
        lifecycle.cancel(running, by=dana)
    assert AuditEvent.objects.filter(request=running, action="request.cancel-asked").count() == 1


def test_a_finished_request_is_never_finished_again_differently(running):
    run = running.current_run
    lifecycle.finish(run, outcome=Phase.SUCCEEDED, message="")
    assert lifecycle.vanished(run) is False
    assert lifecycle.refused(run, "no") is False
    running.refresh_from_db()
    assert running.phase == Phase.SUCCEEDED


def test_a_workflow_that_vanished_ends_its_request_with_a_plain_sentence(running):
    assert lifecycle.vanished(running.current_run) is True
    running.refresh_from_db()
    assert (running.phase, running.message) == (
        Phase.FAILED, "Its workflow is no longer in the cluster, and nobody saw how it ended.",
    )  # fmt: skip


def test_what_keeps_a_run_is_on_the_page_until_it_is_over(approved):
    run, version = approved.current_run, approved.version
    lifecycle.hold(run, "Argo refused the token.", until=timezone.now())
    lifecycle.hold(run, "Argo refused the token.", until=timezone.now())
    run.refresh_from_db()
    approved.refresh_from_db()
    assert (run.trouble, run.failures, approved.version) == ("Argo refused the token.", 2, version + 1)
    lifecycle.untroubled(run)
    run.refresh_from_db()
    assert (run.trouble, run.failures) == ("", 0)


def test_giving_up_a_failed_request_frees_its_name(running, alice, open_request):
    lifecycle.finish(running.current_run, outcome=Phase.FAILED, message="no")
    running.refresh_from_db()
    with pytest.raises(lifecycle.Invalid):
        open_request()
    lifecycle.give_up(running, by=alice)
    assert running.phase == Phase.CANCELLED
    assert open_request().phase == Phase.PENDING


@pytest.mark.parametrize("act", [lifecycle.retry, lifecycle.give_up, lifecycle.cancel])
def test_strangers_and_mere_members_cannot_steer_a_run(running, carol, bob, act):
    lifecycle.finish(running.current_run, outcome=Phase.FAILED, message="no")
    running.refresh_from_db()
    for person in (carol, bob):
        with pytest.raises(lifecycle.Forbidden):
            act(running, by=person)


def test_the_whole_life_leaves_a_chain_that_verifies(running):
    lifecycle.finish(running.current_run, outcome=Phase.SUCCEEDED, message="")
    assert audit.verify() == audit.Verification(count=4, broken_at=None)
