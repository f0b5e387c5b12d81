"""`Idempotency-Key`: a lost answer costs nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from provisioning.models import AuditEvent, IdempotencyKey, Request
from tests.api.conftest import Caller, asked, make_token

pytestmark = pytest.mark.django_db
PATH = "/namespaces/request"


def test_the_same_key_and_body_give_the_same_request(caller: Any, alice: Any) -> None:
    call = caller(alice)
    first = call.post(PATH, asked(), Idempotency_Key="k-1")
    again = call.post(PATH, dict(reversed(list(asked().items()))), Idempotency_Key="k-1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Request.objects.count() == 1
    assert AuditEvent.objects.filter(action="request.opened").count() == 1


def test_the_same_key_with_another_body_is_refused(caller: Any, alice: Any) -> None:
    call = caller(alice)
    call.post(PATH, asked(), Idempotency_Key="k-1")
    answer = call.post(PATH, asked(namespaceName="payments-api-prod"), Idempotency_Key="k-1")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["Idempotency-Key"]
    assert Request.objects.count() == 1


def test_keys_of_others_are_theirs(caller: Any, alice: Any, payments: Any, carol: Any, search: Any) -> None:
    assert caller(alice).post(PATH, asked(), Idempotency_Key="k").status_code == 202
    other = asked(namespaceName="search-prod", team="search")
    assert caller(carol).post(PATH, other, Idempotency_Key="k").status_code == 202
    assert Request.objects.count() == 2


def test_a_refused_call_leaves_its_key_free(caller: Any, alice: Any) -> None:
    call = caller(alice)
    assert call.post(PATH, asked(resourceTier="huge"), Idempotency_Key="k").status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert call.post(PATH, asked(), Idempotency_Key="k").status_code == 202


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256, "tab\t"])
def test_a_key_that_cannot_be_kept_is_refused(caller: Any, alice: Any, key: Any) -> None:
    answer = caller(alice).post(PATH, asked(), Idempotency_Key=key)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["Idempotency-Key"]
    assert not Request.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_with_the_same_key_open_one_request(alice: Any) -> None:
    token = make_token(alice)

    def ask(number: int) -> list[str]:
        call, found = Caller(token), []
        try:
            for turn in range(5):
                body = asked(namespaceName=f"payments-{turn}-prod")
                answer = call.post(PATH, body, Idempotency_Key=f"k-{turn}")
                assert answer.status_code == 202, answer.content
                found.append(answer.json()["data"]["requestId"])
        finally:
            connection.close()
        return found

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert all(found == answers[0] for found in answers)
    assert Request.objects.count() == IdempotencyKey.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_with_the_same_key_and_other_bodies_open_one_request(alice: Any) -> None:
    token = make_token(alice)

    def ask(number: int) -> Any:
        try:
            body = asked(namespaceName=f"payments-{number}-prod", resourceTier="small")
            return Caller(token).post(PATH, body, Idempotency_Key="k").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(ask, range(8)))
    assert statuses == [202] + [422] * 7
    assert Request.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_without_a_key_for_one_name_open_one_request(alice: Any) -> None:
    token = make_token(alice)

    def ask(_: int) -> tuple[int, list[str]]:
        try:
            answer = Caller(token).post(PATH, asked())
            return answer.status_code, list(answer.json().get("errors", {}))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(ask, range(8)))
    assert answers == [(202, [])] + [(422, ["namespaceName"])] * 7
    assert Request.objects.count() == 1
