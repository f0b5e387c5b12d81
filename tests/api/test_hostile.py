"""What nobody should send: always JSON, always a 4xx, never a trace of it left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioning.models import Request
from tests.api.conftest import asked

pytestmark = pytest.mark.django_db
PATH = "/namespaces/request"
TEXTS = ["'; DROP TABLE users; --", "<script>alert(1)</script>", "{{7*7}}", "$(id)", "../../etc/passwd", "a\u0000b",
         "\u202e", "x" * 10_000, "𝕏", "ﬁ", "-", ".", " "]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "The body is no JSON."),
        (b"", "Send a JSON object."),
        (b"\xff\xfe", "The body is no JSON."),
        (b"nope", "The body is no JSON."),
        (b'{"leaseDays": NaN}', "The body is no JSON: NaN is no number there."),
        (b'{"leaseDays": -Infinity}', "The body is no JSON: -Infinity is no number there."),
        (b'{"team": "a", "team": "b"}', "The body names a field twice."),
        (b'{"purpose": "\\ud800"}', "A text in the body holds half a character (a lone surrogate)."),
        (b"[" * 200_000, "The body is nested too deeply."),
        (b'{"a":' * 200_000, "The body is nested too deeply."),
        (b'{"a": ' + b"1" * 10_000 + b"}", "The body is no JSON."),
        (b'{"purpose": "' + b"x" * 1_100_000 + b'"}', "The body is too large."),
        (b"[]", "Send a JSON object."),
        (b"null", "Send a JSON object."),
        (b'"text"', "Send a JSON object."),
        (b"1", "Send a JSON object."),
    ],
)
def test_a_body_that_is_no_json_object(caller: Any, alice: Any, body: Any, said: Any) -> None:
    answer = caller(alice)("POST", PATH, body)
    assert answer.status_code in {400, 422}
    assert answer.json()["message"] == said
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "a/b"]
)
def test_a_form_is_no_json(caller: Any, alice: Any, content_type: Any) -> None:
    answer = caller(alice).client.generic(
        "POST", f"/api/v1{PATH}", b"team=payments", content_type=content_type, headers=caller(alice).headers
    )
    assert (answer.status_code, answer.json()["message"]) == (400, "The body is no JSON.")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("field", ["namespaceName", "team", "resourceTier"])
def test_odd_texts_are_refused_at_their_field(caller: Any, alice: Any, field: Any, text: Any) -> None:
    answer = caller(alice).post(PATH, asked(**{field: text}))
    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    assert len(answer.content) < 2000
    assert not Request.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"features": [["logging"]]},
        {"features": [None]},
        {"features": {"logging": True}},
        {"features": ["x" * 1000]},
        {"rbac": []},
        {"rbac": None},
        {"rbac": {"admins": {"kind": "User", "name": "a"}}},
        {"rbac": {"admins": [["a"]]}},
        {"rbac": {"admins": [{"kind": "User", "name": "a\u0007"}]}},
        {"rbac": {"admins": [{"kind": "User", "name": ""}]}},
        {"rbac": {"admins": [{"kind": "User"}]}},
        {"rbac": {"admins": [f"user{n}@example.com" for n in range(60)]}},
        {"leaseDays": -1},
        {"leaseDays": 0},
        {"leaseDays": 1.5},
        {"leaseDays": 10**40},
        {"leaseDays": []},
        {"purpose": "x" * 501},
        {"purpose": "a\u0007b"},
        {"purpose": "\ufffe"},
        {"options": {"gpu_count": True}},
        {"options": {"": ""}},
        {"options": {"team": "search", "name": "x"}},
        {"options": []},
        {"__proto__": {}},
        {"team": None},
    ],
)
def test_wrong_shapes_are_refused(caller: Any, alice: Any, changes: Any) -> None:
    answer = caller(alice).post(PATH, asked(**changes))
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert not Request.objects.exists()


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/requests/", "/requests/x/y/z", "/../admin/", "/%2e%2e", "/docs/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_addresses_that_lead_nowhere_answer_in_json(caller: Any, alice: Any, method: Any, path: Any) -> None:
    answer = caller(alice)(method, path, {} if method == "POST" else None)
    assert answer.status_code == 404
    assert answer.json() == {
        "success": False, "message": "There is nothing here, or it is not yours to see.", "errors": {},
    }  # fmt: skip


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "HEAD"])
def test_a_method_that_is_not_for_it_is_405_with_those_that_are(caller: Any, alice: Any, method: Any) -> None:
    answer = caller(alice)(method, "/requests")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    if method != "HEAD":
        assert answer.json() == {"success": False, "message": f"Not {method}, but GET.", "errors": {}}


def test_a_wrong_host_answers_in_json(caller: Any, alice: Any) -> None:
    answer = caller(alice).client.get("/api/v1/version", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_what_breaks_inside_answers_in_json_and_tells_nothing(caller: Any, alice: Any, monkeypatch: Any) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("provisioning.api.about.catalog_answer", broken)
    call = caller(alice)
    call.client.raise_request_exception = False
    answer = call.get("/catalog")
    assert answer.status_code == 500
    assert answer.json()["success"] is False
    assert "secret" not in json.dumps(answer.json())


def test_answers_are_not_kept_by_caches(caller: Any, alice: Any) -> None:
    for path in ("/version", "/requests/nothing"):
        assert "no-store" in caller(alice).get(path).headers["Cache-Control"]


@pytest.mark.parametrize("body", [{"comment": "\u0000"}, {"comment": "x" * 3000}, {"allow": "gpu"}, {"allow": [1]},
                                  {"granted": []}, {"granted": {"leaseDays": 10**40}}, {"granted": {"features": "x"}},
                                  {"digest": 1}, {"decision": None}])  # fmt: skip
def test_odd_decisions_are_refused(caller: Any, dana: Any, open_request: Any, body: Any) -> None:
    row = open_request()
    answer = caller(dana).post(
        f"/requests/{row.pk}/decision", {"decision": "deny", "digest": row.digest, "comment": "x", **body}
    )
    assert answer.status_code in {409, 422}
    row.refresh_from_db()
    assert row.phase == "Pending" or "granted" in body
