"""The three calls of the founding document, in its shape."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import MOVING, Phase, Request, Run, RunState, Step, StepPhase
from provisioning.spec import Subject
from tests.api.conftest import asked

pytestmark = pytest.mark.django_db

SYSTEM = (
    "“system:masters” cannot get access: names that start with “system:” belong to Kubernetes. "
    "Use a group of your directory."
)
SMALL = {"namespaceName": "payments-checkout-dev", "resourceTier": "small"}


def test_asking_answers_202_with_the_request_and_where_to_follow_it(caller: Any, alice: Any) -> None:
    answer = caller(alice).post("/namespaces/request", asked())
    row = Request.objects.get()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/namespaces/request/{row.pk}/status"
    assert answer.json() == {
        "success": True,
        "message": "Namespace requested: it needs a platform admin, because: large tier; production.",
        "data": {"requestId": str(row.pk), "status": "Pending", "workflowName": None},
    }
    assert (row.requester, row.name, row.team.name, row.tier) == (alice, "payments-prod", "payments", "large")
    assert row.spec.editors == (Subject("Group", "payments-devs"),)
    assert row.spec.viewers == (Subject("User", "bob@example.com"),)
    assert row.spec.admins == (Subject("User", "alice@example.com"),)
    assert (row.spec.purpose, row.spec.lease_days, row.spec.features) == (
        "Card payments", 90, ("logging", "monitoring"),
    )  # fmt: skip


def test_what_policy_lets_through_is_approved_at_once_but_has_no_workflow_yet(caller: Any, alice: Any) -> None:
    data = caller(alice).post("/namespaces/request", asked(**SMALL)).json()["data"]
    assert data == {"requestId": data["requestId"], "status": "Approved", "workflowName": None}
    assert Run.objects.get().state == RunState.QUEUED


def test_features_rbac_purpose_and_lease_may_be_left_out(caller: Any, alice: Any) -> None:
    body = {"namespaceName": "payments-checkout-dev", "team": "payments", "resourceTier": "small"}
    assert caller(alice).post("/namespaces/request", body).status_code == 202
    spec = Request.objects.get().spec
    assert (spec.features, spec.lease_days, spec.editors) == ((), 90, ())


def test_options_of_a_feature_are_sent_beside_it(caller: Any, alice: Any) -> None:
    body = asked(features=["gpu"], options={"gpu_count": 2})
    assert caller(alice).post("/namespaces/request", body).status_code == 202
    assert Request.objects.get().spec.options == {"gpu_count": "2"}


def test_status_counts_planned_steps_and_keeps_argos_phase_beside_the_portals(
    caller: Any, alice: Any, open_request: Any, dana: Any
) -> None:
    row = open_request()
    lifecycle.approve(row, by=dana, digest=row.digest)
    run = Run.objects.get()
    lifecycle.claim(run, "w")
    lifecycle.submitted(run, uid="u", adopted=False)
    started = timezone.now().replace(microsecond=0)
    Run.objects.update(workflow_phase="Running", started_at=started)
    Step.objects.filter(position=0).update(phase=StepPhase.SUCCEEDED, attempts=1)
    answer = caller(alice).get(f"/namespaces/request/{row.pk}/status")
    assert answer.status_code == 200
    body = answer.json()
    steps = body["data"].pop("steps")
    assert body == {
        "success": True,
        "message": "payments-prod: provisioning.",
        "data": {
            "requestId": str(row.pk),
            "status": "Provisioning",
            "workflowName": f"create-namespace-{row.short_id}-1",
            "workflowPhase": "Running",
            "progress": "1/7",
            "message": "",
            "startedAt": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "finishedAt": None,
        },
    }
    assert [(step["name"], step["state"]) for step in steps] == [
        ("validate-request", "succeeded"),
        ("create-namespace", "starting"),
        ("apply-rbac", "waiting"),
        ("set-resource-quotas", "waiting"),
        ("apply-network-policies", "waiting"),
        ("enable-monitoring", "waiting"),
        ("finalize-setup", "waiting"),
    ]
    assert set(steps[0]) == {
        "name", "title", "state", "planned", "message", "reason", "remedy", "remedyIsForAdmins",
        "exitCode", "attempts", "lines", "startedAt", "finishedAt",
    }  # fmt: skip


def test_before_a_run_the_status_shows_the_plan_and_who_has_to_decide(
    caller: Any, alice: Any, open_request: Any
) -> None:
    row = open_request()
    data = caller(alice).get(f"/namespaces/request/{row.pk}/status").json()["data"]
    assert (data["status"], data["workflowName"], data["workflowPhase"], data["progress"]) == (
        "Pending", None, None, "0/7",
    )  # fmt: skip
    assert data["message"] == "It needs a platform admin, because: large tier; production"
    assert {step["state"] for step in data["steps"]} == {"waiting"}


def test_what_keeps_the_run_from_going_on_is_the_message(caller: Any, alice: Any, open_request: Any, dana: Any) -> None:
    row = open_request()
    lifecycle.approve(row, by=dana, digest=row.digest)
    lifecycle.hold(Run.objects.get(), "Argo unreachable.", until=timezone.now())
    assert caller(alice).get(f"/namespaces/request/{row.pk}/status").json()["data"]["message"] == "Argo unreachable."


@pytest.mark.parametrize("phase", ["Pending", "ChangesRequested", "Approved"])
def test_calling_off_what_does_not_run_yet_answers_200(
    caller: Any, alice: Any, open_request: Any, dana: Any, phase: Any
) -> None:
    row = open_request()
    if phase == "ChangesRequested":
        lifecycle.request_changes(row, by=dana, digest=row.digest, comment="smaller")
    if phase == "Approved":
        lifecycle.approve(row, by=dana, digest=row.digest)
    answer = caller(alice).delete(f"/namespaces/request/{row.pk}")
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": "Request cancelled.",
        "data": {"requestId": str(row.pk), "status": "Cancelled", "workflowName": None},
    }
    row.refresh_from_db()
    assert row.phase == Phase.CANCELLED


def test_calling_off_what_runs_only_asks_and_asking_again_changes_nothing(
    caller: Any, alice: Any, open_request: Any, dana: Any
) -> None:
    row = open_request()
    lifecycle.approve(row, by=dana, digest=row.digest)
    run = Run.objects.get()
    lifecycle.claim(run, "w")
    lifecycle.submitted(run, uid="u", adopted=False)
    for _ in range(2):
        answer = caller(alice).delete(f"/namespaces/request/{row.pk}")
        assert answer.status_code == 202
        assert answer.json()["data"] == {
            "requestId": str(row.pk), "status": "Provisioning", "workflowName": run.workflow_name,
        }  # fmt: skip
    row.refresh_from_db()
    assert row.phase in MOVING
    assert row.cancel_requested_at is not None
    assert row.events.filter(action="request.cancel-asked").count() == 1


def test_calling_off_what_is_over_answers_409_with_the_request_as_it_is(
    caller: Any, alice: Any, open_request: Any
) -> None:
    row = open_request()
    lifecycle.withdraw(row, by=alice)
    answer = caller(alice).delete(f"/namespaces/request/{row.pk}")
    assert answer.status_code == 409
    assert answer.json() == {
        "success": False,
        "message": "There is nothing to cancel: it is cancelled.",
        "errors": {},
        "data": {"requestId": str(row.pk), "status": "Cancelled", "revision": 1},
    }


@pytest.mark.parametrize("pk", ["11111111-1111-1111-1111-111111111111", "nonsense", "0", "%00"])
@pytest.mark.parametrize(("method", "rest"), [("GET", "/status"), ("DELETE", "")])
def test_a_request_that_is_not_there_is_404(caller: Any, alice: Any, method: Any, rest: Any, pk: Any) -> None:
    answer = caller(alice)(method, f"/namespaces/request/{pk}{rest}")
    assert answer.status_code == 404
    assert answer.json() == {
        "success": False, "message": "There is nothing here, or it is not yours to see.", "errors": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"namespaceName": "Payments_Prod"}, {"namespaceName": ["Only lower-case letters, digits and inner dashes."]}),
        ({"namespaceName": ""}, {"namespaceName": ["Give the namespace a name."]}),
        ({"team": "search"}, {"team": ["Choose a team that you lead."]}),
        ({"resourceTier": "huge"}, {"resourceTier": ["Choose one of the tiers."]}),
        ({"features": ["logging", "nosuch"]}, {"features": ["There is no feature “nosuch”."]}),
        ({"leaseDays": 100_000}, {"leaseDays": ["A lease runs from 1 to 365 days."]}),
        ({"leaseDays": "30"}, {"leaseDays": ["Input should be a valid integer."]}),
        ({"leaseDays": True}, {"leaseDays": ["Input should be a valid integer."]}),
        ({"features": "logging"}, {"features": ["Input should be a valid list."]}),
        ({"leasedays": 3}, {"leasedays": ["There is no such field."]}),
        ({"options": {"gpu_count": 1}}, {"options.gpu_count": ["None of the chosen features asks for this."]}),
        ({"features": ["gpu"], "options": {"gpu_count": "many"}},
         {"options.gpu_count": ["Number of GPUs: a whole number, please."]}),
        ({"rbac": {"admins": [{"kind": "ServiceAccount", "name": "x"}]}},
         {"rbac.admins.0.kind": ["Input should be 'User' or 'Group'."]}),
        ({"rbac": {"owners": []}}, {"rbac.owners": ["There is no such field."]}),
        ({"rbac": {"viewers": ["a, b"]}}, {"rbac.viewers.0": ["One person or one group, please."]}),
        ({"rbac": {"viewers": ["group:"]}}, {"rbac.viewers.0": ["“group:” has no name after the colon."]}),
        ({"rbac": {"editors": ["system:masters"]}},
         {"rbac.editors": [SYSTEM]}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_the_names_that_were_sent(
    caller: Any, alice: Any, carol: Any, changes: Any, errors: Any
) -> None:
    answer = caller(alice).post("/namespaces/request", asked(**changes))
    assert answer.status_code == 422
    assert answer.json() == {"success": False, "message": "Some fields are not as they should be.", "errors": errors}
    assert not Request.objects.exists()


def test_what_is_missing_is_named(caller: Any, alice: Any) -> None:
    answer = caller(alice).post("/namespaces/request", {})
    needed = ["This is needed."]
    assert (answer.status_code, answer.json()["errors"]) == (
        422, {"namespaceName": needed, "team": needed, "resourceTier": needed},
    )  # fmt: skip


def test_a_name_that_is_taken_is_said_at_the_name(caller: Any, alice: Any, open_request: Any) -> None:
    open_request()
    answer = caller(alice).post("/namespaces/request", asked())
    assert answer.json()["errors"] == {"namespaceName": ["There is an open request for this name."]}
    assert Request.objects.count() == 1


def test_any_script_of_any_language_survives(caller: Any, alice: Any) -> None:
    purpose = "支付 🚀 \u202eright to left\u202c é e\u0301"
    row_id = caller(alice).post("/namespaces/request", asked(purpose=purpose)).json()["data"]["requestId"]
    assert caller(alice).get(f"/requests/{row_id}").json()["data"]["asked"]["purpose"] == purpose
