"""Who may call what: every operation, with every kind of caller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import ApiToken, AuditEvent, Membership, Namespace, Phase, Request, Run, User
from tests.api.conftest import Caller, asked, make_token
from tests.conftest import make_spec

pytestmark = pytest.mark.django_db

# operation -> (method, path, body, scope). {pending} and {failed} are requests of Alice's, {ns} a namespace of payments.
OPERATIONS = {
    "ask": ("POST", "/namespaces/request", asked(namespaceName="payments-new-prod"), "request"),
    "status": ("GET", "/namespaces/request/{pending}/status", None, "read"),
    "cancel": ("DELETE", "/namespaces/request/{pending}", None, "request"),
    "list": ("GET", "/requests", None, "read"),
    "read": ("GET", "/requests/{pending}", None, "read"),
    "decide": ("POST", "/requests/{pending}/decision", {"decision": "approve", "digest": "{digest}"}, "decide"),
    "retry": ("POST", "/requests/{failed}/retry", None, "request"),
    "log": ("GET", "/requests/{pending}/steps/create-namespace/log", None, "read"),
    "namespaces": ("GET", "/namespaces", None, "read"),
    "namespace": ("GET", "/namespaces/{ns}", None, "read"),
    "catalog": ("GET", "/catalog", None, "read"),
    "version": ("GET", "/version", None, "read"),
}
PEOPLE = ("alice", "bob", "carol", "dana", "frank", "grace", "heidi")
#             lead, requester  member   stranger  admin     auditor  other lead  requester who left the team
MAY = {
    "ask": (202, 422, 422, 422, 422, 202, 422),
    "status": (200, 200, 404, 200, 200, 200, 200),
    "cancel": (200, 403, 404, 200, 403, 200, 200),
    "list": (200,) * 7,
    "read": (200, 200, 404, 200, 200, 200, 200),
    "decide": (403, 403, 404, 200, 403, 403, 403),
    "retry": (202, 403, 404, 202, 403, 202, 202),
    "log": (200, 200, 404, 200, 200, 200, 200),
    "namespaces": (200,) * 7,
    "namespace": (200, 200, 404, 200, 200, 200, 404),
    "catalog": (200,) * 7,
    "version": (200,) * 7,
}


@pytest.fixture
def places(alice: Any, payments: Any, dana: Any) -> dict[str, str]:
    """What the paths' names stand for. Heidi asked, and has left the team since."""
    grace, heidi = User.objects.create(username="grace"), User.objects.create(username="heidi")
    Membership.objects.create(user=grace, team=payments, role=Membership.Role.LEAD)
    membership = Membership.objects.create(user=heidi, team=payments, role=Membership.Role.LEAD)
    pending = lifecycle.open_request(make_spec(), by=heidi)
    failed = lifecycle.open_request(make_spec(name="payments-api-prod"), by=heidi)
    membership.delete()
    lifecycle.approve(failed, by=dana, digest=failed.digest)
    run = Run.objects.get()
    lifecycle.claim(run, "worker")
    lifecycle.refused(run, "No.")
    now = timezone.now()
    Namespace.objects.create(
        name="payments-old-prod", team=payments, tier="large", spec_json=make_spec().to_json(),
        owner_request_id=failed.pk, ready_at=now, lease_ends_at=now + timedelta(days=1),
    )  # fmt: skip
    return {
        "pending": str(pending.pk), "failed": str(failed.pk), "ns": "payments-old-prod", "digest": pending.digest,
    }  # fmt: skip


def call(caller: Caller, operation: str, places: dict[str, str]) -> Any:
    method, path, body, _ = OPERATIONS[operation]
    sent = {key: str(value).format(**places) if key == "digest" else value for key, value in (body or {}).items()}
    return caller(method, path.format(**places), sent if body else None)


@pytest.mark.parametrize(
    ("operation", "who", "status"),
    [(operation, who, status) for operation, row in MAY.items() for who, status in zip(PEOPLE, row, strict=True)],
)
def test_everybody_may_do_what_is_theirs(
    operation: Any, who: Any, status: Any, places: Any, alice: Any, bob: Any, carol: Any, dana: Any, frank: Any
) -> None:
    token = make_token(User.objects.get(username=who))
    before = (AuditEvent.objects.count(), set(Request.objects.values_list("pk", "phase", "version")))
    answer = call(Caller(token), operation, places)
    assert answer.status_code == status, answer.content
    assert answer.json()["success"] == (status < 300)
    if status >= 300 or OPERATIONS[operation][0] == "GET":
        assert (AuditEvent.objects.count(), set(Request.objects.values_list("pk", "phase", "version"))) == before


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "kind", ["none", "wrong", "unknown", "expired", "revoked", "inactive", "basic", "empty", "odd"]
)
def test_without_a_good_token_nothing_is_told(operation: Any, kind: Any, places: Any, alice: Any) -> None:
    good = make_token(alice)
    token = ApiToken.objects.get()
    caller = Caller(good)
    match kind:
        case "none":
            caller = Caller(None)
        case "wrong":
            caller = Caller(f"npt_{token.key}_not-the-secret")
        case "unknown":
            caller = Caller("npt_000000000000_secret")
        case "expired":
            ApiToken.objects.update(expires_at=timezone.now())
        case "revoked":
            ApiToken.objects.update(revoked_at=timezone.now())
        case "inactive":
            User.objects.filter(pk=alice.pk).update(is_active=False)
        case "basic":
            caller.headers = {"Authorization": f"Basic {good}"}
        case "empty":
            caller.headers = {"Authorization": ""}
        case "odd":
            caller.headers = {"Authorization": "Bearer npt_\x00_ü"}
    answer = call(caller, operation, places)
    assert answer.status_code == 401
    assert set(answer.json()) == {"success", "message", "errors"}
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="portal"')
    assert ("invalid_token" in answer.headers["WWW-Authenticate"]) == (kind != "none")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_without_the_scope_is_told_which_it_lacks(operation: Any, places: Any, dana: Any) -> None:
    scope = OPERATIONS[operation][3]
    others = sorted({"read", "request", "decide"} - {scope})
    answer = call(Caller(make_token(dana, *others)), operation, places)
    assert answer.status_code == 403
    assert answer.json()["message"] == f"This token lacks the scope “{scope}”. It has: {', '.join(others)}."


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_one_scope_is_enough(operation: Any, places: Any, dana: Any) -> None:
    answer = call(Caller(make_token(dana, OPERATIONS[operation][3])), operation, places)
    assert answer.status_code == MAY[operation][PEOPLE.index("dana")]


def test_nobody_decides_on_a_request_of_their_own(caller: Any, alice: Any, open_request: Any) -> None:
    User.objects.filter(pk=alice.pk).update(is_platform_admin=True)
    row = open_request()
    answer = caller(alice).post(f"/requests/{row.pk}/decision", {"decision": "approve", "digest": row.digest})
    assert answer.status_code == 403
    assert answer.json()["message"] == "This is your own request: another platform admin has to decide."
    row.refresh_from_db()
    assert row.phase == Phase.PENDING


def test_lists_hold_what_one_may_see_and_nothing_else(
    caller: Any, places: Any, alice: Any, carol: Any, frank: Any, search: Any
) -> None:
    lifecycle.open_request(make_spec(name="search-index-prod", team="search"), by=carol)

    def seen(user: User, path: str, key: str) -> set[str]:
        return {item[key] for item in caller(user).get(path).json()["data"]["items"]}

    assert seen(carol, "/requests", "namespaceName") == {"search-index-prod"}
    assert seen(alice, "/requests", "namespaceName") == {"payments-prod", "payments-api-prod"}
    assert len(seen(frank, "/requests", "namespaceName")) == 3
    assert seen(carol, "/namespaces", "name") == set()
    assert seen(alice, "/namespaces", "name") == {"payments-old-prod"}


def test_a_stranger_cannot_tell_the_forbidden_from_the_absent(caller: Any, carol: Any, places: Any) -> None:
    hidden = caller(carol).get(f"/requests/{places['pending']}")
    absent = caller(carol).get("/requests/11111111-1111-1111-1111-111111111111")
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
    for path in ("/namespaces/payments-old-prod", "/namespaces/payments-none-prod"):
        assert caller(carol).get(path).content == absent.content


# ── the browser's session ────────────────────────────────────────────────────────────────────────────────────


def test_a_session_reads_and_writes_with_its_csrf_token(alice: Any, client_of: Any, payments: Any) -> None:
    client = client_of(alice)
    client.handler.enforce_csrf_checks = True
    assert client.get("/api/v1/requests").status_code == 200
    client.get("/api/v1/docs")
    ask = {"path": "/api/v1/namespaces/request", "data": asked(), "content_type": "application/json"}
    refused = client.post(**ask)
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["message"]
    assert not Request.objects.exists()
    secret = client.cookies["csrftoken"].value
    assert client.post(**ask, headers={"X-CSRFToken": secret}).status_code == 202


def test_a_bad_token_does_not_fall_back_on_the_session(alice: Any, client_of: Any) -> None:
    client = client_of(alice)
    assert client.get("/api/v1/requests", headers={"Authorization": "Bearer npt_x_y"}).status_code == 401


def test_somebody_who_is_not_signed_in_is_not_sent_to_the_sign_in_page(client: Any, db: Any) -> None:
    for path in ("/api/v1/requests", "/api/v1/", "/api/v1/nothing", "/api/v2/requests", "/api/"):
        answer = client.get(path)
        assert answer.status_code in {401, 404}
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.json()["success"] is False
