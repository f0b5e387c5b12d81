"""How a namespace stands when its requests fail, are retried, cancelled or given up."""

from __future__ import annotations

import pytest

from provisioning import lifecycle
from provisioning.models import AuditEvent, Namespace, NamespaceStatus, Phase, Request
from tests.lifecycle import life
from tests.lifecycle.life import POD, approved, end, submit

pytestmark = pytest.mark.django_db
Status = NamespaceStatus


@pytest.fixture(params=["change", "delete"])
def request_of(request, prod, alice, dana):
    """An approved request of each kind about payments-prod."""
    if request.param == "change":
        asked = lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice)
    else:
        asked = lifecycle.open_delete(prod, by=alice, inventory=life.taken(), typed_name="payments-prod")
    return approved(asked, dana)


def failed(request: Request) -> str:
    return {"change": Status.UPDATE_FAILED, "delete": Status.DELETE_FAILED}[request.kind]


def status(request: Request) -> str:
    return str(Namespace.objects.get(pk=request.namespace_id).status)


def test_a_failed_run_marks_the_namespace_and_changes_nothing_else(request_of, prod):
    end(request_of, Phase.FAILED, message="The cluster refused this step.")
    now = Namespace.objects.get()
    assert (request_of.phase, now.status) == (Phase.FAILED, failed(request_of))
    assert (now.revision, now.spec_json, now.tier, now.deleted_at) == (1, prod.spec_json, "large", None)
    event = AuditEvent.objects.filter(action="run.failed").get()
    assert event.after["namespace"] == failed(request_of)


def test_a_retry_that_goes_well_ends_it(request_of, alice):
    end(request_of, Phase.FAILED)
    lifecycle.retry(request_of, by=alice)
    assert status(request_of) == failed(request_of)
    end(request_of)
    expected = {"change": Status.READY, "delete": Status.DELETED}[request_of.kind]
    assert (request_of.phase, status(request_of), request_of.attempt) == (Phase.SUCCEEDED, expected, 2)


def test_giving_up_what_touched_nothing_leaves_all_as_it_was(request_of, alice):
    end(request_of, Phase.FAILED, acted=False)
    assert status(request_of) == failed(request_of)
    lifecycle.give_up(request_of, by=alice)
    assert status(request_of) == Status.READY


def test_giving_up_what_began_to_change_it_leaves_the_mark(request_of, alice):
    end(request_of, Phase.FAILED)
    lifecycle.give_up(request_of, by=alice)
    assert status(request_of) == failed(request_of)


def test_one_attempt_that_touched_it_is_enough(request_of, alice):
    end(request_of, Phase.FAILED)
    lifecycle.retry(request_of, by=alice)
    end(request_of, Phase.FAILED, acted=False)
    lifecycle.give_up(request_of, by=alice)
    assert status(request_of) == failed(request_of)


def test_a_cancelled_run_that_had_not_begun_leaves_all_as_it_was(request_of):
    end(request_of, Phase.CANCELLED, acted=False)
    assert (request_of.phase, status(request_of)) == (Phase.CANCELLED, Status.READY)


def test_a_cancelled_run_that_had_begun_leaves_the_mark(request_of):
    end(request_of, Phase.CANCELLED)
    assert (request_of.phase, status(request_of)) == (Phase.CANCELLED, failed(request_of))


def test_a_cancel_before_anything_was_submitted_leaves_all_as_it_was(request_of, alice):
    lifecycle.cancel(request_of, by=alice)
    assert (request_of.phase, status(request_of)) == (Phase.CANCELLED, Status.READY)


def test_a_cancelled_second_attempt_ends_the_mark_of_the_first_if_nothing_was_touched(request_of, alice):
    end(request_of, Phase.FAILED, acted=False)
    lifecycle.retry(request_of, by=alice)
    lifecycle.cancel(request_of, by=alice)
    assert (request_of.phase, status(request_of)) == (Phase.CANCELLED, Status.READY)


def test_a_run_that_argo_never_had_changed_nothing(request_of):
    run = request_of.current_run
    lifecycle.claim(run, "worker-1")
    lifecycle.refused(run, "Argo does not take it.")
    request_of.refresh_from_db()
    assert (request_of.phase, status(request_of)) == (Phase.FAILED, Status.READY)


def test_a_run_that_vanished_may_have_done_anything(request_of, alice):
    lifecycle.vanished(submit(request_of))
    request_of.refresh_from_db()
    lifecycle.give_up(request_of, by=alice)
    assert status(request_of) == failed(request_of)


def test_what_failed_before_stays_failed_when_the_next_is_given_up(request_of, prod, alice, dana):
    end(request_of, Phase.FAILED)
    lifecycle.give_up(request_of, by=alice)
    prod.refresh_from_db()
    second = approved(lifecycle.open_change(prod, by=alice, repair=True), dana)
    end(second, Phase.FAILED, acted=False)
    lifecycle.give_up(second, by=alice)
    assert status(request_of) == failed(request_of)


def test_an_edit_after_a_failure_that_is_taken_back_leaves_all_as_it_was(prod, alice, dana):
    request = approved(lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice), dana)
    end(request, Phase.FAILED, acted=False)
    lifecycle.resubmit(request, prod.spec.replace(tier="medium"), by=alice, revision=1)
    assert status(request) == Status.UPDATE_FAILED
    lifecycle.withdraw(request, by=alice)
    assert status(request) == Status.READY


def test_an_edit_after_a_failure_that_is_denied_keeps_the_mark_of_what_was_touched(prod, alice, dana):
    request = approved(lifecycle.open_change(prod, prod.spec.replace(tier="small"), by=alice), dana)
    end(request, Phase.FAILED)
    lifecycle.resubmit(request, prod.spec.replace(tier="medium"), by=alice, revision=1)
    lifecycle.deny(request, by=dana, digest=request.digest, comment="no")
    assert status(request) == Status.UPDATE_FAILED


def test_a_deletion_frees_the_name_and_keeps_the_history(prod, alice, dana, open_request):
    request = lifecycle.open_delete(prod, by=alice, inventory=life.taken(POD), typed_name=prod.name, force=True)
    end(approved(request, dana))
    gone = Namespace.objects.get()
    assert (gone.status, gone.deleted_at is not None, request.phase) == (Status.DELETED, True, Phase.SUCCEEDED)
    assert not Namespace.objects.existing().exists()
    again = end(approved(open_request(), dana))
    assert Namespace.objects.filter(name="payments-prod").count() == 2
    assert again.namespace != gone
    assert gone.revisions.count() == 1
