"""Requests: lists, one with everything, decisions, new attempts."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning import lifecycle
from provisioning.api.site import api
from provisioning.manifests.encoding import digest_of
from provisioning.models import AuditEvent, Decision, Membership, Phase, Request, Run, User
from tests.api.conftest import Caller, make_token
from tests.conftest import make_spec

pytestmark = pytest.mark.django_db


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["namespaceName"] for item in answer.json()["data"]["items"]]


def failed(row: Request, by: User) -> Request:
    lifecycle.approve(row, by=by, digest=row.digest)
    lifecycle.claim(Run.objects.get(request=row), "worker")
    lifecycle.refused(Run.objects.get(request=row), "Argo refused it.")
    row.refresh_from_db()
    return row


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_in_the_list(caller: Any, alice: Any, open_request: Any) -> None:
    row = open_request()
    answer = caller(alice).get("/requests")
    body = answer.json()
    assert (body["success"], body["message"], body["data"]["nextCursor"]) == (True, "1 request.", None)
    item = body["data"]["items"][0]
    moments = {key: item.pop(key) for key in ("createdAt", "waitingSince", "updatedAt")}
    assert all(moment.endswith("Z") for moment in moments.values())
    assert item == {
        "requestId": str(row.pk),
        "status": "Pending",
        "workflowName": None,
        "kind": "create",
        "namespaceName": "payments-prod",
        "team": "payments",
        "resourceTier": "large",
        "features": ["logging", "monitoring"],
        "leaseDays": 90,
        "requester": "alice",
        "policy": {
            "result": "approve",
            "rule": "large-tier",
            "reasons": ["large tier", "production"],
            "sentence": "needs a platform admin, because: large tier; production",
        },
        "revision": 1,
        "attempt": 0,
        "message": "",
        "decidedAt": None,
        "cancelRequestedAt": None,
        "finishedAt": None,
    }


def test_pages_follow_each_other_without_gap_or_repetition(caller: Any, alice: Any, open_request: Any) -> None:
    moment = timezone.now()
    for number in range(7):
        row = open_request(name=f"payments-{number}-prod", tier="small")
        # Three of the same moment, so that the id has to decide between them.
        Request.objects.filter(pk=row.pk).update(created_at=moment + timedelta(seconds=number // 3))
    call, seen, cursor = caller(alice), [], ""
    for size in (2, 2, 2, 1):
        answer = call.get(f"/requests?limit=2&cursor={cursor}")
        assert len(names(answer)) == size
        seen += names(answer)
        cursor = answer.json()["data"]["nextCursor"]
    assert cursor is None
    assert seen == list(Request.objects.order_by("-created_at", "-id").values_list("name", flat=True))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("team=payments", {"payments-prod", "payments-api-prod"}),
        ("team=nobody", set()),
        ("phase=Denied", {"payments-api-prod"}),
        ("phase=Denied&phase=Pending", {"payments-prod", "payments-api-prod", "search-index-prod"}),
        ("q=INDEX", {"search-index-prod"}),
        ("q=carol", {"search-index-prod"}),
        ("q=%25", set()),
        ("q=", {"payments-prod", "payments-api-prod", "search-index-prod"}),
        ("team=payments&phase=Pending&q=prod", {"payments-prod"}),
    ],
)
def test_filters_narrow_the_list(
    caller: Any, frank: Any, dana: Any, carol: Any, open_request: Any, query: Any, found: Any
) -> None:
    open_request()
    denied = open_request(name="payments-api-prod")
    lifecycle.deny(denied, by=dana, digest=denied.digest, comment="no")
    lifecycle.open_request(make_spec(name="search-index-prod", team="search"), by=carol)
    assert set(names(caller(frank).get(f"/requests?{query}"))) == found


def test_the_start_of_an_id_finds_its_request(caller: Any, alice: Any, open_request: Any) -> None:
    row = open_request()
    open_request(name="payments-api-prod")
    for text in (str(row.pk), row.short_id, str(row.pk)[:12].upper()):
        assert names(caller(alice).get(f"/requests?q={text}")) == ["payments-prod"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("phase=Ready", "phase.0"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=WyJhIl0", "cursor"),
        ("cursor=WzEsMl0", "cursor"),
        ("cursor=WyJub3ciLCJ4Il0", "cursor"),
        ("cursor=%C3%BC", "cursor"),
        ("q=%00", "q"),
        ("team=a%0Ab", "team"),
        (f"q={'x' * 201}", "q"),
    ],
)
def test_a_query_that_makes_no_sense_is_named(caller: Any, alice: Any, query: Any, field: Any) -> None:
    answer = caller(alice).get(f"/requests?{query}")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]


def test_a_list_of_three_costs_as_many_queries_as_one_of_one(
    caller: Any, alice: Any, dana: Any, open_request: Any
) -> None:
    call = caller(alice)
    call.get("/requests")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert call.get("/requests").status_code == 200
        return len(queries)

    lifecycle.approve(row := open_request(), by=dana, digest=row.digest)
    one = cost()
    for number in range(2):
        lifecycle.approve(row := open_request(name=f"payments-{number}-prod"), by=dana, digest=row.digest)
    assert cost() == one == 3


# ── one request ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_with_all_there_is_to_it(caller: Any, dana: Any, open_request: Any) -> None:
    row = open_request()
    lifecycle.approve(row, by=dana, digest=row.digest, comment="Fine", granted=row.asked_spec.replace(tier="medium"))
    data = caller(dana).get(f"/requests/{row.pk}").json()["data"]
    assert (data["asked"]["resourceTier"], data["granted"]["resourceTier"]) == ("large", "medium")
    assert data["asked"]["rbac"] == {
        "admins": [{"kind": "User", "name": "alice@example.com"}], "editors": [], "viewers": [],
    }  # fmt: skip
    assert data["digest"] == row.digest == digest_of(data["parameters"])
    assert [one["kind"] for one in data["objects"]][:2] == ["Namespace", "ServiceAccount"]
    assert data["objects"][0]["metadata"]["name"] == "payments-prod"
    decision = data["decisions"][0]
    assert (decision["answer"], decision["by"], decision["byRule"], decision["comment"]) == (
        "approve", "dana", False, "Fine",
    )  # fmt: skip
    assert [event["action"] for event in data["events"]] == ["request.opened", "request.approved"]
    assert data["events"][1]["role"] == "platform admin"
    assert [(run["attempt"], run["submitted"]) for run in data["runs"]] == [(1, False)]
    assert (data["progress"], len(data["steps"]), data["youMay"]) == ("0/7", 7, ["cancel"])


def test_an_automatic_approval_names_its_rule(caller: Any, alice: Any, open_request: Any) -> None:
    row = open_request(name="payments-api-dev", tier="small")
    decision = caller(alice).get(f"/requests/{row.pk}").json()["data"]["decisions"][0]
    assert (decision["by"], decision["byRule"]) == ("small-in-dev", True)


def test_what_one_may_do_is_said(caller: Any, alice: Any, bob: Any, dana: Any, open_request: Any) -> None:
    row = open_request()

    def may(user: User) -> Any:
        return caller(user).get(f"/requests/{row.pk}").json()["data"]["youMay"]

    assert (may(alice), may(bob), may(dana)) == (["cancel"], [], ["decide", "cancel"])
    failed(row, dana)
    assert (may(alice), may(bob), may(dana)) == (["retry"], [], ["retry"])


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────


def decide(caller: Caller, row: Request, decision: str = "approve", **more: Any) -> Any:
    return caller.post(f"/requests/{row.pk}/decision", {"decision": decision, "digest": row.digest, **more})


@pytest.mark.parametrize(
    ("decision", "phase"),
    [("approve", "Approved"), ("deny", "Denied"), ("request_changes", "ChangesRequested")],
)
def test_the_answers(caller: Any, dana: Any, open_request: Any, decision: Any, phase: Any) -> None:
    row = open_request()
    answer = decide(caller(dana), row, decision, comment="Because.")
    assert answer.status_code == 200
    assert answer.json()["data"]["status"] == phase
    row.refresh_from_db()
    made = Decision.objects.get()
    assert (row.phase, made.by, made.answer, made.comment, made.digest) == (
        phase,
        dana,
        decision,
        "Because.",
        row.digest,
    )
    assert Run.objects.exists() == (decision == "approve")


def test_an_approval_can_grant_less(caller: Any, dana: Any, open_request: Any) -> None:
    row = open_request()
    granted = {"resourceTier": "medium", "features": ["logging"], "leaseDays": 30}
    data = decide(caller(dana), row, granted=granted).json()["data"]
    assert (data["resourceTier"], data["features"], data["leaseDays"]) == ("medium", ["logging"], 30)
    row.refresh_from_db()
    assert (row.spec.tier, row.asked_spec.tier, Run.objects.get().digest) == ("medium", "large", row.digest)


def test_granting_what_was_asked_is_a_plain_approval(caller: Any, dana: Any, open_request: Any) -> None:
    row = open_request()
    granted = {"resourceTier": "large", "features": ["monitoring", "logging"]}
    assert decide(caller(dana), row, granted=granted).status_code == 200
    row.refresh_from_db()
    assert (row.phase, row.was_narrowed) == (Phase.APPROVED, False)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"decision": "deny"}, {"comment": ["Say why: the requester reads this."]}),
        ({"decision": "request_changes", "comment": " "}, {"comment": ["Say why: the requester reads this."]}),
        ({"granted": {"features": ["gpu"]}}, {"granted.features": ["An approval can drop features, not add any."]}),
        ({"granted": {"leaseDays": 365}},
         {"granted.leaseDays": ["An approval can shorten the lease, not lengthen it."]}),
        ({"granted": {"resourceTier": "huge"}},
         {"granted.resourceTier": ["An approval can lower the tier, not raise it."]}),
        ({"granted": {"name": "x"}}, {"granted.name": ["There is no such field."]}),
        ({"decision": "maybe"}, {"decision": ["Input should be 'approve', 'deny' or 'request_changes'."]}),
    ],
)  # fmt: skip
def test_a_decision_that_cannot_be_taken_says_why(
    caller: Any, dana: Any, open_request: Any, body: Any, errors: Any
) -> None:
    row = open_request()
    sent = {"decision": "approve", "digest": row.digest, **body}
    answer = caller(dana).post(f"/requests/{row.pk}/decision", sent)
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)
    assert not Decision.objects.exists()


def test_a_feature_with_a_gate_is_allowed_by_name(caller: Any, dana: Any, open_request: Any) -> None:
    row = open_request(features=("external-egress", "logging"))
    call = caller(dana)
    answer = decide(call, row)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["allow"])
    assert decide(call, row, allow=["external-egress"]).status_code == 200


def test_naming_it_among_what_is_granted_allows_it_too(caller: Any, dana: Any, open_request: Any) -> None:
    row = open_request(features=("external-egress", "logging"))
    assert decide(caller(dana), row, granted={"features": ["external-egress"]}).status_code == 200
    row.refresh_from_db()
    assert row.spec.features == ("external-egress",)


def test_another_digest_is_a_conflict_whatever_else_is_wrong(caller: Any, dana: Any, open_request: Any) -> None:
    row = open_request()
    answer = caller(dana).post(f"/requests/{row.pk}/decision", {"decision": "deny", "digest": "0" * 64})
    assert answer.status_code == 409
    assert answer.json() == {
        "success": False,
        "message": "The request changed after you read it: look at it again.",
        "errors": {},
        "data": {"requestId": str(row.pk), "status": "Pending", "revision": 1},
    }


def test_who_comes_second_is_told_who_was_first(caller: Any, dana: Any, erin: Any, open_request: Any) -> None:
    row = open_request()
    assert decide(caller(dana), row).status_code == 200
    answer = decide(caller(erin), row, "deny", comment="no")
    assert answer.status_code == 409
    assert answer.json()["message"] == "Already decided: approved by Dana. It is approved now."
    assert Decision.objects.get().by == dana


def test_of_two_that_are_needed_the_first_leaves_it_pending(
    caller: Any, dana: Any, erin: Any, open_request: Any
) -> None:
    row = open_request(features=("gpu",), options={"gpu_count": "1"})
    first = decide(caller(dana), row, allow=["gpu"])
    assert (first.status_code, first.json()["data"]["status"]) == (200, "Pending")
    assert "one more approver is needed" in first.json()["message"]
    second = decide(caller(erin), row, allow=["gpu"])
    assert second.json()["data"]["status"] == "Approved"


@pytest.mark.django_db(transaction=True)
def test_eight_deciders_at_once_take_one_decision_and_the_others_get_409(alice: Any) -> None:
    rows = [lifecycle.open_request(make_spec(name=f"payments-{n}-prod"), by=alice) for n in range(5)]
    admins = [User.objects.create(username=f"admin{n}", is_platform_admin=True) for n in range(8)]
    callers = [Caller(make_token(admin)) for admin in admins]

    def decide_all(number: int) -> list[int]:
        try:
            answer = "deny" if number % 2 else "approve"
            return [decide(callers[number], row, answer, comment="x").status_code for row in rows]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(status for found in pool.map(decide_all, range(8)) for status in found)
    assert statuses == [200] * 5 + [409] * 35
    assert Decision.objects.count() == 5
    assert Run.objects.count() == Request.objects.filter(phase=Phase.APPROVED).count()


# ── a new attempt ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_request_gets_a_new_attempt(caller: Any, alice: Any, dana: Any, open_request: Any) -> None:
    row = failed(open_request(), dana)
    answer = caller(alice).post(f"/requests/{row.pk}/retry")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/namespaces/request/{row.pk}/status"
    assert answer.json() == {
        "success": True,
        "message": "Attempt 2 of the same objects is on its way.",
        "data": {"requestId": str(row.pk), "status": "Approved", "workflowName": None},
    }
    assert AuditEvent.objects.filter(request=row, action="request.retried").exists()


def test_what_has_not_failed_is_not_tried_again(caller: Any, alice: Any, open_request: Any) -> None:
    row = open_request()
    answer = caller(alice).post(f"/requests/{row.pk}/retry")
    assert answer.status_code == 409
    assert answer.json()["data"]["status"] == "Pending"
    assert not Run.objects.exists()


def test_a_lead_of_the_team_may_though_another_asked(caller: Any, payments: Any, dana: Any, open_request: Any) -> None:
    other = User.objects.create(username="grace")
    Membership.objects.create(user=other, team=payments, role=Membership.Role.LEAD)
    row = failed(open_request(), dana)
    assert caller(other).post(f"/requests/{row.pk}/retry").status_code == 202


def test_the_request_of_another_team_that_stands_in_the_way_is_not_told_of(
    carol: Any, alice: Any, open_request: Any
) -> None:
    conflict = lifecycle.Conflict("There is an open request about this namespace.", open_request())
    call = RequestFactory().post("/")
    call.user = carol
    assert json.loads(api.on_exception(call, conflict).content)["data"] is None
    call.user = alice
    assert json.loads(api.on_exception(call, conflict).content)["data"]["status"] == "Pending"
