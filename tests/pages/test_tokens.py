"""My API tokens: made once in sight, listed without their secret, ended by their owner."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.models import ApiToken, ArgoStatus, AuditEvent, User, WorkerLease
from provisioning.pages import tokens as page

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"npt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")
Clients = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _worker_and_argo_are_well(db: None) -> None:
    """So that no page has to say that they are away."""
    WorkerLease.objects.create(pk=1, holder="w", expires_at=timezone.now() + timedelta(minutes=5))
    ArgoStatus.objects.create(pk=1)


def make(client: Client, **changes: Any) -> Any:
    return client.post("/tokens/", {"name": "pipeline", "scopes": ["read", "request"], "days": "30", **changes})


def test_a_new_token_is_shown_once_and_works(client_of: Clients, alice: User) -> None:
    client = client_of(alice)
    answer = make(client)
    assert answer.status_code == 200
    shown = SECRET.findall(answer.content.decode())
    assert len(shown) == 1
    token = ApiToken.objects.get()
    assert (token.user, token.name, token.scopes) == (alice, "pipeline", ["read", "request"])
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert ApiToken.find(shown[0]) == token
    assert Client().get("/api/v1/requests", headers={"Authorization": f"Bearer {shown[0]}"}).status_code == 200
    again = client.get("/tokens/")
    assert "pipeline" in again.content.decode()
    assert SECRET.findall(again.content.decode()) == []


def test_no_cache_and_no_session_keeps_it(client_of: Clients, alice: User) -> None:
    client = client_of(alice)
    answer = make(client)
    secret = SECRET.findall(answer.content.decode())[0].split("_", 2)[2]
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Location" not in answer.headers
    assert all(secret not in str(session.get_decoded()) for session in Session.objects.all())
    assert all(secret not in cookie.value for cookie in client.cookies.values())


def test_the_trail_tells_who_made_and_who_ended_it(client_of: Clients, alice: User) -> None:
    client = client_of(alice)
    make(client)
    token = ApiToken.objects.get()
    answer = client.post(f"/tokens/{token.pk}/revoke/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tokens/")
    client.post(f"/tokens/{token.pk}/revoke/")
    events = list(AuditEvent.objects.order_by("id"))
    assert [(event.action, event.actor, event.subject) for event in events] == [
        ("token.issued", alice, "pipeline"),
        ("token.revoked", alice, "pipeline"),
    ]
    assert events[0].after == {
        "key": token.key,
        "of": "alice",
        "scopes": ["read", "request"],
        "expires": token.expires_at.isoformat(),
    }


def test_a_revoked_token_opens_nothing_any_more(client_of: Clients, alice: User) -> None:
    client = client_of(alice)
    text = SECRET.findall(make(client).content.decode())[0]
    client.post(f"/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert ApiToken.find(text) is None
    assert "revoked" in client.get("/tokens/").content.decode()


def test_the_tokens_of_others_are_not_there(client_of: Clients, alice: User, dana: User) -> None:
    make(client_of(alice))
    token = ApiToken.objects.get()
    for_dana = client_of(dana)
    assert token.key not in for_dana.get("/tokens/").content.decode()
    assert for_dana.post(f"/tokens/{token.pk}/revoke/").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": "a\u202eb"}, "Printable characters only, please."),
        ({"scopes": []}, "Choose what it may do."),
        ({"scopes": ["decide"]}, "Select a valid choice."),
        ({"scopes": ["write"]}, "Select a valid choice."),
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": "366"}, "less than or equal to 365"),
        ({"days": "soon"}, "Enter a whole number."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client_of: Clients, alice: User, changes: dict[str, Any], said: str
) -> None:
    answer = make(client_of(alice), **changes)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_only_platform_admins_make_tokens_that_decide(client_of: Clients, alice: User, dana: User) -> None:
    assert 'value="decide"' not in client_of(alice).get("/tokens/").content.decode()
    assert 'value="decide"' in client_of(dana).get("/tokens/").content.decode()
    assert make(client_of(dana), scopes=["decide"]).status_code == 200
    assert ApiToken.objects.get().scopes == ["decide"]


def test_a_page_that_is_sent_twice_makes_one_token(client_of: Clients, alice: User) -> None:
    client = client_of(alice)
    assert make(client).status_code == 200
    again = make(client)
    assert again.status_code == 422
    assert "You have a token of this name" in again.content.decode()
    assert ApiToken.objects.count() == 1
    client.post(f"/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert make(client).status_code == 200


def test_there_is_an_end_to_how_many(client_of: Clients, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_TOKENS", 1)
    client = client_of(alice)
    make(client)
    assert "You have 1 tokens" in make(client, name="other").content.decode()


def test_names_are_shown_as_text(client_of: Clients, alice: User) -> None:
    content = make(client_of(alice), name="<script>x</script>").content.decode()
    assert "<script>x" not in content
    assert "&lt;script&gt;x" in content


def test_the_page_is_for_people_who_signed_in(client: Client, alice: User) -> None:
    for answer in (client.get("/tokens/"), client.post("/tokens/", {}), client.post("/tokens/1/revoke/")):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/accounts/login/")
    assert not ApiToken.objects.exists()


def test_a_token_is_not_ended_by_a_link(client_of: Clients, alice: User) -> None:
    client = client_of(alice)
    make(client)
    assert client.get(f"/tokens/{ApiToken.objects.get().pk}/revoke/").status_code == 405


def test_three_tokens_cost_as_many_queries_as_one(client_of: Clients, alice: User) -> None:
    client = client_of(alice)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/tokens/").status_code == 200
        return len(queries)

    make(client)
    one = cost()
    make(client, name="a")
    make(client, name="b")
    assert cost() == one
