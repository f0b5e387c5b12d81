"""From the form to a namespace that is there, over HTTP on both sides: the pages' own forms here, Argo's there."""

from __future__ import annotations

import pytest

from provisioning import audit
from provisioning.models import Namespace, Phase, Request, StepLog
from tests.pages.page import parse
from tests.support.asking import Person, id_in, run_of
from tests.support.trials import Trial
from tests.support.workers import Passes

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = [
    "validate-request",
    "create-namespace",
    "apply-rbac",
    "set-resource-quotas",
    "apply-network-policies",
    "enable-monitoring",
    "finalize-setup",
]
LARGE = {"name": "payments-checkout-prod", "tier": "large", "purpose": "Card payments", "viewers": "bob@example.com"}


def phase_of(pk: str) -> str:
    return Request.objects.get(pk=pk).phase


def is_over(pk: str) -> bool:
    return phase_of(pk) in {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED}


@pytest.fixture
def people(alice, bob, carol, dana, erin, frank) -> dict[str, Person]:
    return {name: Person(name) for name in ("alice", "dana")}


def approve(admin: Person, pk: str, **changed: object) -> None:
    sent = admin.press(f"/requests/{pk}/review/", "Approve", **changed)
    assert sent.status_code == 303


def test_a_large_namespace_goes_from_the_form_over_an_approval_to_ready(people, trial: Trial, worker: Passes):
    alice, dana = people["alice"], people["dana"]
    pk = alice.ask(**LARGE)
    page = f"/requests/{pk}/"
    assert phase_of(pk) == Phase.PENDING
    assert "large tier" in alice.words(page)
    for step in STEPS:
        assert step in alice.words(page)

    worker.settle()
    assert trial.names() == []

    assert "payments-checkout-prod" in dana.words("/approvals/")
    approve(dana, pk)
    worker.until(lambda: is_over(pk), trial, what="the request is over")

    request = Request.objects.get(pk=pk)
    run = run_of(pk)
    assert (request.phase, run.workflow_phase, trial.names()) == (Phase.SUCCEEDED, "Succeeded", [run.workflow_name])
    assert [(step.name, step.phase) for step in run.steps.all()] == [(step, "Succeeded") for step in STEPS]

    made = trial.cluster_object("Namespace", "payments-checkout-prod")
    assert made is not None
    assert made["metadata"]["labels"]["platform.io/request-id"] == pk
    namespace = Namespace.objects.get(name="payments-checkout-prod")
    assert (namespace.uid, namespace.team.name, namespace.tier) == (made["metadata"]["uid"], "payments", "large")

    words = alice.words(page)
    assert "Ready" in words
    assert "kubectl" in words
    assert "Approve" not in words.split("Approved")[0]
    logs = StepLog.objects.filter(step__run=run)
    assert (logs.count(), logs.filter(complete=True).count()) == (len(STEPS), len(STEPS))
    shown = alice.get(f"{page}steps/create-namespace/log/download/")
    assert b"payments-checkout-prod" in b"".join(shown.streaming_content)
    assert audit.verify().ok


def test_a_finished_request_is_not_polled_and_an_unchanged_one_answers_204(people, trial: Trial, worker: Passes):
    alice, dana = people["alice"], people["dana"]
    pk = alice.ask(**LARGE)
    poll = alice.page(f"/requests/{pk}/").one("div", id="poll").attrs["hx-get"]
    assert alice.get(poll).status_code == 204
    approve(dana, pk)
    news = alice.get(poll)
    assert (news.status_code, b'id="run-graph"' in news.content) == (200, True)

    worker.until(lambda: is_over(pk), trial)
    worker.settle()
    assert "hx-get" not in alice.page(f"/requests/{pk}/").one("div", id="poll").attrs


def test_a_small_one_in_dev_is_approved_by_a_rule_that_is_named(people, trial: Trial, worker: Passes):
    pk = people["alice"].ask(name="payments-try-dev", tier="small")
    request = Request.objects.get(pk=pk)
    decision = request.decisions.get()
    assert (request.phase, decision.by, bool(decision.rule)) == (Phase.APPROVED, None, True)
    worker.until(lambda: is_over(pk), trial)
    assert phase_of(pk) == Phase.SUCCEEDED
    assert decision.rule in people["alice"].words(f"/requests/{pk}/")


def test_a_step_that_the_cluster_refuses_is_told_rolled_back_and_retried(people, trial: Trial, worker: Passes):
    alice, dana = people["alice"], people["dana"]
    trial.control.refuse("NetworkPolicy", "*", "no policies today")
    pk = alice.ask(**LARGE)
    approve(dana, pk)
    worker.until(lambda: is_over(pk), trial)
    worker.settle()

    request = Request.objects.get(pk=pk)
    failed = run_of(pk).steps.get(name="apply-network-policies")
    assert (request.phase, failed.phase, failed.exit_code) == (Phase.FAILED, "Failed", 66)
    words = alice.words(f"/requests/{pk}/")
    for told in ("Step apply-network-policies failed", "no policies today", "Exit code 66", "Rolled back"):
        assert told in words
    assert trial.cluster_object("Namespace", "payments-checkout-prod") is None
    assert not Namespace.objects.exists()

    trial.control.reset()
    sent = alice.press(f"/requests/{pk}/", "Retry")
    assert sent.status_code == 303
    worker.until(lambda: is_over(pk), trial)

    request.refresh_from_db()
    assert (request.phase, request.attempt, request.decisions.count()) == (Phase.SUCCEEDED, 2, 1)
    assert len(trial.names()) == 2
    assert trial.labels("payments-checkout-prod")["platform.io/request-id"] == pk


def test_a_request_that_is_cancelled_before_it_is_taken_never_reaches_argo(people, trial: Trial, worker: Passes):
    alice, dana = people["alice"], people["dana"]
    pk = alice.ask(**LARGE)
    approve(dana, pk)
    assert alice.press(f"/requests/{pk}/", "Cancel request").status_code == 303
    assert phase_of(pk) == Phase.CANCELLED
    worker.settle()
    assert trial.names() == []


def test_a_request_that_is_cancelled_while_it_runs_ends_with_what_argo_reports(people, trial: Trial, worker: Passes):
    alice, dana = people["alice"], people["dana"]
    trial.control.unschedulable("set-resource-quotas")
    pk = alice.ask(**LARGE)
    approve(dana, pk)
    quotas = run_of(pk).steps.filter(name="set-resource-quotas", sentence__contains="node")
    worker.until(quotas.exists, trial, what="the step waits for a node")
    worker.until(lambda: trial.cluster_object("Namespace", LARGE["name"]) is not None, trial)

    assert alice.press(f"/requests/{pk}/", "Cancel request").status_code == 303
    assert phase_of(pk) == Phase.PROVISIONING
    assert "the workflow is being stopped" in alice.words(f"/requests/{pk}/")
    worker.until(lambda: is_over(pk), trial)
    worker.settle()

    assert phase_of(pk) == Phase.CANCELLED
    [name] = trial.names()
    assert trial.workflow(name)["spec"]["shutdown"] == "Stop"
    assert trial.cluster_object("Namespace", LARGE["name"]) is None
    assert "Rolled back" in alice.words(f"/requests/{pk}/")


def test_a_name_that_somebody_took_in_the_cluster_is_left_alone(people, trial: Trial, worker: Passes):
    alice, dana = people["alice"], people["dana"]
    trial.control.foreign_namespace(LARGE["name"])
    before = trial.cluster_object("Namespace", LARGE["name"])
    pk = alice.ask(**LARGE)
    approve(dana, pk)
    worker.until(lambda: is_over(pk), trial)
    worker.settle()

    assert phase_of(pk) == Phase.FAILED
    assert trial.cluster_object("Namespace", LARGE["name"]) == before
    assert "Exit code 65" in alice.words(f"/requests/{pk}/")


def test_an_admin_may_grant_less_and_both_are_shown(people, trial: Trial, worker: Passes):
    alice, dana = people["alice"], people["dana"]
    pk = alice.ask(**LARGE)
    shown = dana.press(f"/requests/{pk}/review/", "Show the objects", tier="small")
    assert phase_of(pk) == Phase.PENDING
    sent = dana.submit(shown, "Approve with changes")
    assert sent.status_code == 303, sent.content.decode()
    worker.until(lambda: is_over(pk), trial)

    request = Request.objects.get(pk=pk)
    assert (request.phase, request.asked["tier"], request.granted["tier"]) == (Phase.SUCCEEDED, "large", "small")
    assert Namespace.objects.get(name=LARGE["name"]).tier == "small"
    assert "Less than was asked" in alice.words(f"/requests/{pk}/")


def test_what_was_edited_after_the_page_was_opened_is_not_approved(people, trial: Trial, worker: Passes):
    alice, dana = people["alice"], people["dana"]
    pk = alice.ask(**LARGE)
    opened = dana.get(f"/requests/{pk}/review/")
    edited = alice.press(f"/requests/{pk}/edit/", "Send again", tier="medium")
    assert edited.status_code == 303, edited.content.decode()
    late = dana.submit(opened, "Approve")
    assert (late.status_code, phase_of(pk)) == (409, Phase.PENDING)
    words = parse(late).words
    assert "Your decision was not taken" in words
    assert "Alice" in words


def test_two_admins_at_once_the_second_is_told_by_whom(people, erin):
    alice, dana = people["alice"], people["dana"]
    second = Person("erin")
    pk = alice.ask(**LARGE)
    opened = second.get(f"/requests/{pk}/review/")
    approve(dana, pk)
    late = second.submit(opened, "Deny", comment="No")
    assert late.status_code == 409
    assert "approved by Dana" in late.content.decode()
    assert Request.objects.get(pk=pk).decisions.count() == 1


def test_whoever_asked_may_ask_for_the_same_again_once_it_is_denied(people):
    alice, dana = people["alice"], people["dana"]
    pk = alice.ask(**LARGE)
    sent = dana.press(f"/requests/{pk}/review/", "Deny", comment="Not now")
    assert sent.status_code == 303
    assert "Not now" in alice.words(f"/requests/{pk}/")
    again = alice.press(f"/requests/new/?from={pk}", "Request namespace")
    assert again.status_code == 303
    assert id_in(again["Location"]) != pk
