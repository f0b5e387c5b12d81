"""Change, renew, give back and look, by machines."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import Check, Kind, Namespace, Phase, Request
from tests.api.conftest import Caller, make_token
from tests.lifecycle import life
from tests.pages.looking import item_of, live_of, look, pod, volume

pytestmark = pytest.mark.django_db

NS = "/namespaces/payments-dev"
CALLS = {
    "change": ("POST", f"{NS}/change", {"resourceTier": "large"}, "request"),
    "renew": ("POST", f"{NS}/renew", {"leaseDays": 180}, "request"),
    "delete": ("DELETE", f"{NS}?typedName=payments-dev", None, "request"),
    "check": ("POST", f"{NS}/check", None, "request"),
    "read": ("GET", f"{NS}/check", None, "read"),
}
MAY = {
    "alice": {"change": 202, "renew": 200, "delete": 202, "check": 202, "read": 200},
    "dana": {"change": 202, "renew": 200, "delete": 202, "check": 202, "read": 200},
    "bob": {"change": 403, "renew": 403, "delete": 403, "check": 403, "read": 200},
    "frank": {"change": 403, "renew": 403, "delete": 403, "check": 403, "read": 200},
    "carol": {"change": 404, "renew": 404, "delete": 404, "check": 404, "read": 404},
}


@pytest.fixture
def namespace(alice: Any, dana: Any) -> Namespace:
    return life.made(alice, dana, name="payments-dev", tier="small")


@pytest.fixture
def api(caller: Any, alice: Any, namespace: Any) -> Caller:
    """Alice's, with a namespace of hers."""
    found: Caller = caller(alice)
    return found


def open_one() -> Request:
    return Request.objects.live().get()


@pytest.mark.parametrize(("who", "call", "status"), [(w, c, s) for w, row in MAY.items() for c, s in row.items()])
def test_everybody_may_do_what_is_theirs(
    request: Any, caller: Any, namespace: Any, who: Any, call: Any, status: Any
) -> None:
    look(namespace)
    before = (Request.objects.count(), Check.objects.count(), Namespace.objects.get().lease_ends_at)
    method, path, body, scope = CALLS[call]
    person = request.getfixturevalue(who)
    answer = caller(person, scope)(method, path, body)
    assert answer.status_code == status, answer.content
    assert answer.json()["success"] == (status < 300)
    if status >= 300:
        assert (Request.objects.count(), Check.objects.count(), Namespace.objects.get().lease_ends_at) == before
    others = sorted({"read", "request", "decide"} - {scope})
    assert Caller(make_token(person, *others))(method, path, body).status_code == 403


@pytest.mark.parametrize("call", CALLS)
def test_a_stranger_cannot_tell_the_forbidden_from_the_absent(
    caller: Any, carol: Any, namespace: Any, call: Any
) -> None:
    method, path, body, _ = CALLS[call]
    hidden = caller(carol)(method, path, body)
    absent = caller(carol)(method, path.replace("/namespaces/payments-dev", "/namespaces/payments-none"), body)
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content) == (404, absent.content)
    assert caller(carol)(method, path.replace("payments-dev", "x%00y", 1), body).status_code == 404


# ── change ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_answered_with_its_request_and_where_to_follow_it(api: Any, alice: Any) -> None:
    answer = api.post(f"{NS}/change", {"resourceTier": "large"})
    row = open_one()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/namespaces/request/{row.pk}/status"
    assert answer.json()["data"] == {"requestId": str(row.pk), "status": "Pending", "workflowName": None}
    assert answer.json()["message"] == f"The change is requested: it {row.verdict['sentence']}."
    assert (row.kind, row.requester, row.tier) == (Kind.CHANGE, alice, "large")


def test_what_is_left_out_stays_as_it_is(api: Any, namespace: Any) -> None:
    before = namespace.spec
    assert api.post(f"{NS}/change", {"rbac": {"viewers": ["group:payments-support"]}}).status_code == 202
    spec = open_one().spec
    assert [str(subject) for subject in spec.viewers] == ["group:payments-support"]
    assert spec.replace(viewers=()) == before


def test_options_are_laid_over_what_there_is(api: Any, alice: Any, dana: Any, namespace: Any) -> None:
    life.changed(namespace, alice, dana, features=("gpu", "logging"), options={"gpu_count": "1"})
    assert api.post(f"{NS}/change", {"options": {"gpu_count": 2}}).status_code == 202
    assert open_one().spec.options == {"gpu_count": "2"}
    stray = api.post(f"{NS}/change", {"features": ["logging"], "options": {"gpu_count": 2}})
    assert (stray.status_code, list(stray.json()["errors"])) == (422, ["options.gpu_count"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"resourceTier": "huge"}, "resourceTier"),
        ({"features": ["nope"]}, "features"),
        ({"rbac": {"admins": ["system:masters"]}}, "rbac.admins"),
        ({"purpose": "x\x07"}, "purpose"),
        ({"purpose": "x" * 501}, "purpose"),
        ({"leaseDays": 30}, "leaseDays"),
        ({"namespaceName": "other"}, "namespaceName"),
        ({}, "__all__"),
        ({"toRevision": 7}, "__all__"),
        ({"toRevision": 0}, "toRevision"),
        ({"repair": True, "resourceTier": "large"}, "repair"),
        ({"repair": True, "toRevision": 1}, "repair"),
        ({"instead_of": "x"}, "instead_of"),
        ({"insteadOf": "11111111-1111-1111-1111-111111111111", "resourceTier": "large"}, "insteadOf"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_field(api: Any, body: Any, field: Any) -> None:
    answer = api.post(f"{NS}/change", body)
    assert answer.status_code == 422, answer.content
    assert list(answer.json()["errors"]) == [field]
    assert not Request.objects.live().exists()


def test_a_second_request_is_answered_with_409_and_the_first(api: Any) -> None:
    api.post(f"{NS}/change", {"resourceTier": "large"})
    answer = api.post(f"{NS}/change", {"resourceTier": "medium"})
    assert answer.status_code == 409
    assert answer.json()["data"] == {"requestId": str(open_one().pk), "status": "Pending", "revision": 1}


def test_repairs_and_earlier_revisions_are_asked_for_alone(api: Any, alice: Any, dana: Any, namespace: Any) -> None:
    life.changed(namespace, alice, dana, tier="medium")
    assert api.post(f"{NS}/change", {"toRevision": 1}).status_code == 202
    row = open_one()
    assert row.tier == "small"
    life.end(life.approved(row, dana))
    assert api.post(f"{NS}/change", {"repair": True}).status_code == 202
    assert open_one().is_repair


def test_one_that_failed_is_given_up_by_its_id(api: Any, alice: Any, dana: Any, namespace: Any) -> None:
    failed = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    life.end(life.approved(failed, dana), Phase.FAILED)
    assert api.post(f"{NS}/change", {"resourceTier": "medium"}).status_code == 409
    answer = api.post(f"{NS}/change", {"resourceTier": "medium", "insteadOf": str(failed.pk)})
    assert answer.status_code == 202
    failed.refresh_from_db()
    assert (failed.phase, open_one().tier) == (Phase.CANCELLED, "medium")


# ── renew ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_renewal_inside_policy_is_done_and_says_the_new_end(api: Any, namespace: Any) -> None:
    answer = api.post(f"{NS}/renew", {"leaseDays": 180})
    namespace.refresh_from_db()
    assert answer.status_code == 200
    assert round((namespace.lease_ends_at - timezone.now()) / timedelta(days=1)) == 180
    data = answer.json()["data"]
    assert (data["name"], data["renewals"]) == ("payments-dev", 1)
    assert data["leaseEndsAt"][:10] == f"{namespace.lease_ends_at:%Y-%m-%d}"
    assert not Request.objects.live().exists()


def test_outside_policy_it_is_a_request(api: Any) -> None:
    answer = api.post(f"{NS}/renew", {"leaseDays": 365})
    assert answer.status_code == 202
    assert answer.json()["data"]["requestId"] == str(open_one().pk)
    assert answer.json()["message"].startswith("The renewal is requested: it needs a platform admin")


@pytest.mark.parametrize("days", [0, -1, 366, 10**30, "90", 1.5])
def test_lengths_that_no_lease_may_have_are_refused(api: Any, namespace: Any, days: Any) -> None:
    answer = api.post(f"{NS}/renew", {"leaseDays": days})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["leaseDays"])
    assert Namespace.objects.get().lease_ends_at == namespace.lease_ends_at


def test_less_than_there_is_is_refused(api: Any) -> None:
    answer = api.post(f"{NS}/renew", {"leaseDays": 30})
    assert answer.status_code == 422
    assert "The lease runs longer already" in answer.json()["errors"]["leaseDays"][0]


# ── look, give back ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_look_is_asked_for_once_and_read_until_it_has_ended(api: Any, namespace: Any) -> None:
    assert api.get(f"{NS}/check").status_code == 404
    asked, again = api.post(f"{NS}/check"), api.post(f"{NS}/check")
    assert asked.status_code == again.status_code == 202
    assert asked.json()["data"]["checkId"] == again.json()["data"]["checkId"]
    assert api.get(f"{NS}/check").json()["data"]["status"] == "queued"
    live = live_of(namespace)
    item_of(live, "ResourceQuota")["spec"]["hard"]["pods"] = "25"
    look(namespace, pod(), volume(), live=live)
    data = api.get(f"{NS}/check").json()["data"]
    assert (data["status"], data["exists"], data["revision"]) == ("finished", True, 1)
    (finding,) = data["findings"]
    assert finding == {
        "kind": "changed",
        "object": "ResourceQuota/compute-resources",
        "path": "spec.hard.pods",
        "want": "10",
        "have": "25",
        "command": "",
    }
    assert data["inventory"]["words"] == "1 pod, 1 volume (10Gi)"
    assert [item["name"] for item in data["inventory"]["items"]] == ["web-1", "ledger-db"]


def test_a_deletion_begins_with_a_look(api: Any) -> None:
    answer = api.delete(f"{NS}?typedName=payments-dev")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["checkId"])
    assert "Look first" in answer.json()["errors"]["checkId"][0]


def test_giving_back_is_a_request_about_what_was_seen(api: Any, namespace: Any) -> None:
    check = look(namespace, pod())
    refused = api.delete(f"{NS}?typedName=payments-dev&checkId={check.pk}")
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["force"])
    answer = api.delete(f"{NS}?typedName=payments-dev&checkId={check.pk}&force=true")
    row = open_one()
    assert answer.status_code == 202
    assert answer.json()["data"]["requestId"] == str(row.pk)
    assert (row.kind, row.force, row.phase) == (Kind.DELETE, True, Phase.PENDING)
    detail = api.get(f"/requests/{row.pk}").json()["data"]
    assert (detail["kind"], detail["objects"]) == ("delete", [])


def test_a_deletion_takes_the_place_of_a_request_that_failed(api: Any, alice: Any, dana: Any, namespace: Any) -> None:
    failed = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    life.end(life.approved(failed, dana), Phase.FAILED)
    look(namespace)
    assert api.delete(f"{NS}?typedName=payments-dev").status_code == 409
    assert api.delete(f"{NS}?typedName=payments-dev&insteadOf={failed.pk}").status_code == 202
    failed.refresh_from_db()
    assert (failed.phase, open_one().kind) == (Phase.CANCELLED, Kind.DELETE)


def test_a_look_that_is_not_the_newest_is_refused(api: Any, namespace: Any) -> None:
    old = look(namespace)
    look(namespace, pod())
    answer = api.delete(f"{NS}?typedName=payments-dev&checkId={old.pk}&force=true")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["checkId"])
    assert not Request.objects.live().exists()


@pytest.mark.parametrize("query", ["", "?typedName=payments", "?typedName=PAYMENTS-DEV", "?typedName=%00"])
def test_the_name_is_said_once_more(api: Any, namespace: Any, query: Any) -> None:
    look(namespace)
    answer = api.delete(NS + query)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["typedName"])


def test_a_protected_one_refuses_with_the_reason(api: Any, alice: Any, namespace: Any) -> None:
    look(namespace)
    lifecycle.protect(namespace, True, by=alice)
    answer = api.delete(f"{NS}?typedName=payments-dev")
    assert answer.status_code == 422
    assert answer.json()["message"] == "payments-dev is protected against deletion."
    assert api.get(NS).json()["data"]["protected"] is True


def test_while_a_request_is_open_all_writes_are_answered_with_409(api: Any, namespace: Any) -> None:
    look(namespace)
    api.delete(f"{NS}?typedName=payments-dev")
    for method, path, body, _ in (CALLS["change"], CALLS["renew"], CALLS["delete"]):
        answer = api(method, path, body)
        assert answer.status_code == 409, path
        assert answer.json()["data"]["requestId"] == str(open_one().pk)


def test_what_is_no_json_or_has_unknown_fields_is_refused(api: Any) -> None:
    for path in (f"{NS}/change", f"{NS}/renew"):
        assert api.post(path, b"{").status_code == 400
        assert api.post(path, json.dumps([]).encode()).status_code == 422
        assert list(api.post(path, {"tier": "large"}).json()["errors"]) == ["tier"]
