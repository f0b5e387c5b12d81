"""What a token leaves behind, and how often it may be used."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from provisioning.api.throttle import CALLS_PER_MINUTE, THROTTLE, Throttle
from provisioning.models import ApiToken, AuditEvent, Request, User
from tests.api.conftest import Caller, asked, make_token

pytestmark = pytest.mark.django_db


def everything_stored() -> str:
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found = []
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            found.append(json.dumps(cursor.fetchall(), default=str))
    return "\n".join(found)


def test_the_secret_is_nowhere_in_the_database_nor_in_the_log(
    alice: Any, caplog: Any, capfd: Any, monkeypatch: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    text = make_token(alice)
    secret = text.split("_", 2)[2]
    caller = Caller(text)
    assert caller.post("/namespaces/request", asked()).status_code == 202
    assert caller.get("/requests/nothing").status_code == 404
    assert caller.post("/namespaces/request", {"bad": 1}).status_code == 422
    stored = everything_stored()
    assert ApiToken.objects.get().key in stored
    assert secret not in stored
    captured = capfd.readouterr()
    said = caplog.text + captured.out + captured.err
    assert "namespaces/request" in said
    assert secret not in said


def test_last_use_is_written_once_a_minute_at_most(alice: Any, django_assert_num_queries: Any) -> None:
    caller = Caller(make_token(alice))
    caller.get("/version")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    with django_assert_num_queries(2):  # the token with its user, Argo's status
        caller.get("/version")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    caller.get("/version")
    assert ApiToken.objects.filter(last_used_at__gte=first).exists()


def test_a_refused_call_is_no_use(alice: Any) -> None:
    Caller(make_token(alice, "request")).get("/version")
    assert ApiToken.objects.get().last_used_at is None


def test_too_many_calls_are_answered_429_with_when_to_go_on(alice: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(THROTTLE, "burst", 3)
    monkeypatch.setattr(THROTTLE, "per_second", 0.1)
    caller, other = Caller(make_token(alice)), Caller(make_token(alice))
    statuses = [caller.get("/version").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    answer = caller.get("/version")
    assert 1 <= int(answer.headers["Retry-After"]) <= 11
    assert answer.json() == {
        "success": False, "message": f"Too many calls. Go on in {answer.headers['Retry-After']} s.", "errors": {},
    }  # fmt: skip
    assert other.get("/version").status_code == 200


def test_a_bucket_fills_up_steadily_and_is_forgotten_when_full() -> None:
    now = [0.0]
    throttle = Throttle(per_minute=60, burst=2, clock=lambda: now[0])
    assert [throttle.take("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    now[0] = 0.5
    assert throttle.take("a") == pytest.approx(0.5)
    now[0] = 1.5
    assert throttle.take("a") == 0.0
    assert throttle.take("b") == 0.0
    assert CALLS_PER_MINUTE >= 600


def test_many_callers_cost_little_memory(monkeypatch: Any) -> None:
    monkeypatch.setattr("provisioning.api.throttle.MOST_CALLERS", 10)
    now = [0.0]
    throttle = Throttle(per_minute=60, burst=2, clock=lambda: now[0])
    for number in range(100):
        now[0] = number
        throttle.take(str(number))
    assert len(throttle._buckets) <= 10


# ── manage.py api_token ──────────────────────────────────────────────────────────────────────────────────────


def issued(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("api_token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_prints_the_token_alone_and_it_works(alice: Any) -> None:
    out, err = issued("pipeline", "--user", "alice", "--scope", "read", "--scope", "request", "--days", "30")
    token = ApiToken.objects.get()
    assert (token.name, token.user, token.scopes) == ("pipeline", alice, ["read", "request"])
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert Caller(out.strip()).get("/version").status_code == 200
    assert out.strip() not in err
    assert err.startswith("pipeline, of alice: read, request, until ")
    event = AuditEvent.objects.get(action="token.issued")
    assert (event.actor, event.actor_name, event.subject) == (None, "manage.py api_token", "pipeline")
    assert event.after["of"] == "alice"
    assert out.strip().split("_", 2)[2] not in json.dumps([event.before, event.after, event.note])


def test_without_user_the_name_is_the_persons(alice: Any) -> None:
    issued("alice", "--scope", "read")
    assert ApiToken.objects.get().user == alice


def test_without_scope_it_reads(alice: Any) -> None:
    issued("alice")
    assert ApiToken.objects.get().scopes == ["read"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "There is nobody called “nobody”. Say whose token it is: --user NAME."),
        (["alice", "--scope", "write"], "There is no scope write. Scopes are: read, request, decide."),
        (["alice", "--scope", "decide"], "alice is no platform admin: a token of theirs can't decide."),
        (["alice", "--days", "366"], "--days 366: from 1 to 365."),
        (["alice", "--days", "0"], "--days 0: from 1 to 365."),
        (["x\n", "--user", "alice"], "A token's name has 1 to 100 printable characters."),
        (["idle"], "The account of idle is not active."),
    ],
)
def test_the_command_says_what_is_wrong_and_makes_nothing(alice: Any, arguments: Any, said: Any) -> None:
    User.objects.create(username="idle", is_active=False)
    with pytest.raises(CommandError, match=r".") as caught:
        issued(*arguments)
    assert str(caught.value) == said
    assert caught.value.returncode == 1
    assert not ApiToken.objects.exists()


def test_a_request_by_token_is_the_persons_in_the_trail(caller: Any, alice: Any) -> None:
    caller(alice).post("/namespaces/request", asked())
    event = AuditEvent.objects.get(action="request.opened")
    assert (event.actor, event.actor_role, event.request) == (alice, "team lead", Request.objects.get())
