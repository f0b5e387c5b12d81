"""Who may what, at every address: the table below names each route of the URLconf and each call of the API.

A route that is missing fails the test: say what each of the seven may do. To somebody outside the team what is not
theirs looks as if it were not there (404); who may see but not act is refused (403).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from provisioning import lifecycle
from provisioning.api.site import api
from provisioning.models import (
    ApiToken,
    AuditEvent,
    Check,
    LogChunk,
    Membership,
    Phase,
    Request,
    Scope,
    StepLog,
    User,
)
from provisioning.spec import NamespaceSpec
from tests.conftest import make_spec

pytestmark = pytest.mark.django_db

PEOPLE = ("nobody", "stranger", "member", "lead", "requester", "admin", "auditor")
SIGN_IN = "in"
OF_THIS_TEST = "all scopes"


@dataclass(frozen=True)
class Row:
    """`answers` in the order of PEOPLE; `in` is a redirect to the sign-in page. `state`: of the request or namespace
    that the address means."""

    method: str
    route: str
    answers: str
    state: str = "pending"
    body: dict[str, Any] = field(default_factory=dict)
    query: str = ""

    def __str__(self) -> str:
        return f"{self.method} /{self.route} ({self.state})"

    @property
    def expected(self) -> dict[str, str]:
        return dict(zip(PEOPLE, self.answers.split(), strict=True))


ASKED = {"team": "payments", "name": "payments-more-prod", "tier": "large", "features": ["logging"], "lease_days": 90}
#          nobody stranger member lead requester admin auditor
ALL = "200 200 200 200 200 200 200"
SIGNED_IN = "in 200 200 200 200 200 200"
TEAM = "in 404 200 200 200 200 200"
ADMINS = "in 404 404 404 404 200 404"
STEERS = "in 404 403 200 200 200 403"
PARTIES = "in 404 403 303 303 303 403"

PAGES = [
    Row("GET", "", SIGNED_IN),
    # Carol leads a team as well: she may ask, for hers.
    Row("GET", "requests/new/", "in 200 403 200 200 403 403"),
    Row("POST", "requests/new/", "in 422 403 303 303 403 403", body=ASKED),
    Row("POST", "requests/new/preview/", "in 200 404 200 200 404 404", body=ASKED),
    Row("GET", "requests/new/name/", "in 200 404 200 200 404 404", query="name=payments-x&team=payments"),
    Row("GET", "requests/<uuid:pk>/", TEAM),
    Row("GET", "requests/<uuid:pk>/status/", TEAM),
    Row("GET", "requests/<uuid:pk>/steps/<slug:step>/log/", TEAM, "ready"),
    Row("GET", "requests/<uuid:pk>/steps/<slug:step>/log/download/", TEAM, "ready"),
    Row("GET", "requests/<uuid:pk>/edit/", "in 404 403 200 200 403 403"),
    Row("POST", "requests/<uuid:pk>/edit/", "in 404 403 303 303 403 403", body={**ASKED, "revision": "1"}),
    Row("POST", "requests/<uuid:pk>/edit/preview/", "in 404 403 200 200 403 403", body=ASKED),
    Row("POST", "requests/<uuid:pk>/cancel/", PARTIES),
    Row("POST", "requests/<uuid:pk>/cancel/", PARTIES, "running"),
    Row("POST", "requests/<uuid:pk>/retry/", PARTIES, "failed"),
    Row("POST", "requests/<uuid:pk>/give-up/", PARTIES, "failed"),
    Row("GET", "requests/<uuid:pk>/review/", ADMINS),
    Row("GET", "requests/<uuid:pk>/review/row/", ADMINS),
    Row("POST", "requests/<uuid:pk>/review/granted/", ADMINS, body={"tier": "small"}),
    Row("GET", "requests/<uuid:pk>/review/news/", ADMINS),
    Row("POST", "requests/<uuid:pk>/decide/", "in 404 404 404 404 303 404", body={"decision": "approve"}),
    Row("GET", "approvals/", ADMINS),
    Row("GET", "approvals/news/", ADMINS, query="since=2020-01-01T00:00:00Z"),
    Row("GET", "approvals/selection/", ADMINS),
    Row("POST", "approvals/bulk/", "in 404 404 404 404 303 404"),
    Row("GET", "history/", SIGNED_IN),
    Row("GET", "history/requests.csv", SIGNED_IN),
    Row("GET", "namespaces/", SIGNED_IN, "ready"),
    Row("GET", "namespaces/<str:name>/", TEAM, "ready"),
    # Events of what one may see; the chain as a whole is for those who see everything.
    Row("GET", "namespaces/<str:name>/change/", STEERS, "ready"),
    Row("POST", "namespaces/<str:name>/change/", PARTIES, "ready", {**ASKED, "tier": "medium"}),
    Row("POST", "namespaces/<str:name>/change/preview/", STEERS, "ready", ASKED),
    Row("GET", "namespaces/<str:name>/renew/", STEERS, "ready"),
    Row("POST", "namespaces/<str:name>/renew/", PARTIES, "ready", {"lease_days": "365"}),
    Row("GET", "namespaces/<str:name>/delete/", STEERS, "ready"),
    # Nobody has looked what is in it, so whoever may ask is told to look first.
    Row(
        "POST",
        "namespaces/<str:name>/delete/",
        "in 404 403 422 422 422 403",
        "ready",
        {"typed_name": "payments-ready-prod"},
    ),
    Row("POST", "namespaces/<str:name>/delete/look/", PARTIES, "ready"),
    Row("POST", "namespaces/<str:name>/protect/", PARTIES, "ready", {"protected": "yes"}),
    Row("GET", "namespaces/<str:name>/check/", TEAM, "ready"),
    Row("POST", "namespaces/<str:name>/check/", PARTIES, "ready"),
    Row("POST", "namespaces/<str:name>/repair/", PARTIES, "ready"),
    Row("GET", "namespaces/<str:name>/revisions/<int:number>/", TEAM, "ready"),
    # Back to what is in force is a repair.
    Row("POST", "namespaces/<str:name>/revisions/<int:number>/restore/", PARTIES, "ready"),
    Row("GET", "adopt/", ADMINS),
    Row("POST", "adopt/", "in 404 404 404 404 303 404", body={"name": "payments-legacy"}),
    Row("GET", "adopt/<str:name>/", ADMINS, "legacy"),
    # What the look found is not known yet: there is nothing to ask for, and no form to fill in.
    Row("POST", "adopt/<str:name>/", "in 404 404 404 404 409 404", "legacy", ASKED),
    Row("POST", "adopt/<str:name>/look/", "in 404 404 404 404 303 404", "legacy"),
    Row("POST", "adopt/<str:name>/preview/", "in 404 404 404 404 404 404", "legacy", ASKED),
    Row("GET", "teams/", "in 404 404 404 404 200 200"),
    Row("GET", "teams/<str:name>/allowance/", ADMINS, "team"),
    Row("POST", "teams/<str:name>/allowance/", "in 404 404 404 404 422 404", "team"),
    Row("GET", "status/cluster/", "in 404 404 404 404 200 200"),
    Row("POST", "status/cluster/list/", "in 404 404 404 404 303 404"),
    Row("GET", "audit/", SIGNED_IN),
    Row("GET", "audit/events.csv", "in 404 404 404 404 200 200"),
    Row("GET", "audit/events.jsonl", "in 404 404 404 404 200 200"),
    Row("GET", "status/", "in 404 404 404 404 200 200"),
    Row("GET", "tokens/", SIGNED_IN),
    Row("POST", "tokens/", "in 200 200 200 200 200 200", body={"name": "ci", "scopes": ["read"], "days": "30"}),
    Row("POST", "tokens/<int:pk>/revoke/", "in 404 404 404 303 404 404"),
    Row("POST", "theme/", "302 302 302 302 302 302 302", body={"theme": "dark"}),
    Row("GET", "healthz", ALL),
    Row("GET", "readyz", ALL),
    Row("GET", "metrics", ALL),
    Row("GET", "accounts/login/", "200 302 302 302 302 302 302"),
    Row("GET", "accounts/login/code/confirm/", "302 302 302 302 302 302 302"),
    Row("GET", "accounts/logout/", "302 200 200 200 200 200 200"),
    Row("GET", "accounts/inactive/", ALL),
    # Nobody makes an account, or changes an address or a name, by themselves.
    Row("GET", "accounts/signup/", "200 302 302 302 302 302 302"),
    Row("GET", "accounts/email/", "in 200 200 200 200 200 200"),
    Row("GET", "accounts/confirm-email/", ALL),
    Row("GET", r"accounts/confirm-email/(?P<key>[-:\w]+)/$", ALL),
    Row("GET", "accounts/reauthenticate/", "in 200 200 200 200 200 200"),
    Row("GET", "accounts/password/change/", "in 200 200 200 200 200 200"),
    Row("GET", "accounts/password/set/", "in 302 302 302 302 302 302"),
    Row("GET", "accounts/password/reset/", ALL),
    Row("GET", "accounts/password/reset/done/", ALL),
    Row("GET", r"accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", ALL),
    Row("GET", "accounts/password/reset/key/done/", ALL),
    Row("GET", "api/v1/docs", ALL),
    Row("GET", "api/v1/openapi.json", ALL),
    Row("GET", r"\Aapi/", "404 404 404 404 404 404 404"),
]

API_ALL = "401 200 200 200 200 200 200"
API_TEAM = "401 404 200 200 200 200 200"
API_ASKED = {
    "namespaceName": "payments-more-prod",
    "team": "payments",
    "resourceTier": "large",
    "features": ["logging"],
}
CALLS = [
    Row("POST", "namespaces/request", "401 422 422 202 202 422 422", body=API_ASKED),
    Row("GET", "namespaces/request/{request_id}/status", API_TEAM),
    Row("DELETE", "namespaces/request/{request_id}", "401 404 403 200 200 200 403"),
    Row("DELETE", "namespaces/request/{request_id}", "401 404 403 202 202 202 403", "running"),
    Row("GET", "requests", API_ALL),
    Row("GET", "requests/{request_id}", API_TEAM),
    Row("POST", "requests/{request_id}/decision", "401 404 403 403 403 200 403", body={"decision": "approve"}),
    Row("POST", "requests/{request_id}/retry", "401 404 403 202 202 202 403", "failed"),
    Row("GET", "requests/{request_id}/steps/{step}/log", API_TEAM, "ready"),
    Row("GET", "namespaces", API_ALL, "ready"),
    Row("GET", "namespaces/{name}", API_TEAM, "ready"),
    Row("POST", "namespaces/{name}/change", "401 404 403 202 202 202 403", "ready", body={"resourceTier": "medium"}),
    Row("POST", "namespaces/{name}/renew", "401 404 403 200 200 200 403", "ready", body={"leaseDays": 180}),
    # Without the name said once more nothing is deleted, whoever asks.
    Row("DELETE", "namespaces/{name}", "401 422 422 422 422 422 422", "ready"),
    Row("GET", "namespaces/{name}/check", "401 404 404 404 404 404 404", "ready"),
    Row("POST", "namespaces/{name}/check", "401 404 403 202 202 202 403", "ready"),
    Row("GET", "catalog", API_ALL),
    Row("GET", "version", API_ALL),
]


# ── the table is complete ────────────────────────────────────────────────────────────────────────────────────────


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for one in patterns:
        here = before + str(one.pattern).removeprefix("^")
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, here)
        elif isinstance(one, URLPattern):
            yield here


def test_every_route_of_the_site_stands_in_the_table():
    # the API's own are told apart by method: the next test reads them off its description
    there = {route for route in routes(get_resolver().url_patterns) if not _is_operation(route)}
    known = {row.route for row in PAGES}
    assert sorted(there - known) == [], "say in PAGES what each of the seven may do there"
    assert sorted(known - there) == [], "no longer there"


def _is_operation(route: str) -> bool:
    return route.startswith("api/v1/") and route not in {"api/v1/docs", "api/v1/openapi.json"}


def test_every_call_of_the_api_stands_in_the_table():
    paths = api.get_openapi_schema(path_prefix="")["paths"]
    there = {(method.upper(), path.lstrip("/")) for path, methods in paths.items() for method in methods}
    known = {(row.method, row.route) for row in CALLS}
    assert sorted(there - known) == [], "say in CALLS what each of the seven may do"
    assert sorted(known - there) == [], "no longer there"
    views = {route for route in routes(get_resolver().url_patterns) if _is_operation(route)}
    assert len({path for _, path in there}) == len(views - {"api/v1/"}), "a view of the API that its description lacks"


# ── and true ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class World:
    people: dict[str, User | None]
    requests: dict[str, Request]
    token: ApiToken

    def fill(self, row: Row) -> str:
        """The address, with what stands for something put in."""
        request = self.requests.get(row.state, self.requests["ready"])
        name = {"legacy": "payments-legacy", "team": "payments"}.get(row.state, request.name)
        pk = self.token.pk if row.route.startswith("tokens/") else request.pk
        filled = row.route.replace(r"\Aapi/", "api/v1/nothing/here")
        filled = filled.replace(r"(?P<key>[-:\w]+)/$", "abc/")
        filled = filled.replace(r"(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", "1-abc/")
        for kind in ("<uuid:pk>", "<int:pk>", "{request_id}"):
            filled = filled.replace(kind, str(pk))
        for kind in ("<slug:step>", "{step}"):
            filled = filled.replace(kind, "create-namespace")
        for kind in ("<str:name>", "<slug:name>", "{name}"):
            filled = filled.replace(kind, name)
        return filled.replace("<int:number>", "1")

    def traces(self) -> tuple[Any, ...]:
        rows = Request.objects.order_by("pk").values_list("pk", "phase", "revision", "cancel_requested_at")
        tokens = ApiToken.objects.filter(revoked_at=None).exclude(name=OF_THIS_TEST)
        return AuditEvent.objects.count(), Check.objects.count(), tokens.count(), list(rows)


@pytest.fixture
def world(alice: User, bob: User, carol: User, dana: User, frank: User, payments: Any) -> World:
    gina = User.objects.create(username="gina", email="gina@example.com")
    Membership.objects.create(user=gina, team=payments, role=Membership.Role.LEAD)
    token, _ = ApiToken.issue(alice, "hers", ["read"], timezone.now() + timedelta(days=1))
    made = {name: lifecycle.open_request(_spec(name, alice), by=alice) for name in STATES}
    for name in ("running", "failed", "ready"):
        lifecycle.approve(made[name], by=dana, digest=made[name].digest)
        _submitted(made[name])
    _finished(made["failed"], Phase.FAILED)
    _finished(made["ready"], Phase.SUCCEEDED)
    lifecycle.ask_check("payments-legacy", by=dana, why="adopt")
    people = dict(zip(PEOPLE, (None, carol, bob, gina, alice, dana, frank), strict=True))
    return World(people, {name: Request.objects.get(pk=row.pk) for name, row in made.items()}, token)


def _spec(name: str, by: User) -> NamespaceSpec:
    return lifecycle.with_requester(make_spec(name=f"payments-{name}-prod"), by)


STATES = ("pending", "running", "failed", "ready")


def _submitted(request: Request) -> None:
    run = request.current_run
    assert run is not None
    lifecycle.claim(run, "w")
    lifecycle.submitted(run, uid=f"uid-{request.name}")
    step = run.steps.get(name="create-namespace")
    log = StepLog.objects.create(step=step, pod_name="pod", phase="Succeeded", lines=1, source_lines=1, complete=True)
    LogChunk.objects.create(log=log, first_line=1, line_count=1, text="a line")


def _finished(request: Request, outcome: Phase) -> None:
    run = request.current_run
    assert run is not None
    lifecycle.finish(run, outcome=outcome, message="It failed." if outcome == Phase.FAILED else "", namespace_uid="u")


def by_page(user: User | None, row: Row, world: World) -> str:
    client = Client()
    if user is not None:
        client.force_login(user)
    url = f"/{world.fill(row)}"
    answer = client.post(url, _bound(row, world)) if row.method == "POST" else client.get(f"{url}?{row.query}")
    location = answer.headers.get("Location", "")
    return SIGN_IN if location.startswith("/accounts/login/?next=") else str(answer.status_code)


def by_call(user: User | None, row: Row, world: World) -> str:
    headers = {}
    if user is not None:
        _, text = ApiToken.issue(
            user, OF_THIS_TEST, [str(scope) for scope in Scope.values], timezone.now() + timedelta(days=1)
        )
        headers["Authorization"] = f"Bearer {text}"
    url = f"/api/v1/{world.fill(row)}"
    answer = Client().generic(
        row.method, url, json.dumps(_bound(row, world)) if row.body else "", "application/json", headers=headers
    )
    assert answer.headers["Content-Type"].startswith("application/json")
    return str(answer.status_code)


def _bound(row: Row, world: World) -> dict[str, Any]:
    """Decisions name the objects they are about; an edit keeps team and name."""
    request = world.requests.get(row.state, world.requests["ready"])
    if "decision" in row.body:
        return {**row.body, "digest": request.digest}
    if "edit" in row.route:
        return {**row.body, "name": request.name}
    return row.body


Ask = Callable[[User | None, Row, World], str]


def _answers(row: Row, world: World, ask: Ask) -> tuple[dict[str, str], set[str]]:
    """What each of the seven is answered, and for whom something changed; nothing of it stays."""
    found, changed = {}, set()
    for name, user in world.people.items():
        with transaction.atomic():
            before = world.traces()
            found[name] = ask(user, row, world)
            if world.traces() != before:
                changed.add(name)
            transaction.set_rollback(True)
    return found, changed


def _differences(rows: list[Row], world: World, ask: Ask) -> dict[str, str]:
    """Row -> what was answered instead, or was done though it was refused."""
    wrong = {}
    for row in rows:
        found, changed = _answers(row, world, ask)
        if found != row.expected:
            wrong[str(row)] = " ".join(found.values())
        if refused := {name for name in changed if found[name][0] not in "23"}:
            wrong[f"{row} is refused, yet done"] = " ".join(sorted(refused))
        if row.method == "DELETE" or (row.method == "POST" and ask is by_call):
            assert changed == {name for name, code in found.items() if code[0] == "2"}, f"{row}: accepted, but not done"
    return wrong


def by_area(rows: list[Row]) -> list[Any]:
    areas: dict[str, list[Row]] = {}
    for row in rows:
        areas.setdefault(row.route.split("/")[0] or "home", []).append(row)
    return [pytest.param(found, id=area) for area, found in areas.items()]


@pytest.mark.parametrize("rows", by_area(PAGES))
def test_a_page_is_for_those_whom_the_table_names(world: World, rows: list[Row]):
    assert _differences(rows, world, by_page) == {}


@pytest.mark.parametrize("rows", by_area(CALLS))
def test_a_call_is_for_those_whom_the_table_names(world: World, rows: list[Row]):
    assert _differences(rows, world, by_call) == {}


OPEN_TO_ALL = [row for row in PAGES if row.method == "GET" and row.expected["stranger"] == "200"]
# There, somebody who sees everything finds the requests: so there is something that could leak.
SHOWN_TO_AUDITORS = frozenset({"", "history/", "history/requests.csv", "namespaces/", "audit/"})
# Alice is a name in its examples, too.
EXAMPLES = frozenset({"api/v1/openapi.json"})


def test_a_page_that_everybody_may_open_tells_a_stranger_nothing_of_the_team(world: World):
    names = [request.name for request in world.requests.values()]
    clients = {name: Client() for name in ("stranger", "auditor")}
    for name, client in clients.items():
        user = world.people[name]
        assert user is not None
        client.force_login(user)
    for row in OPEN_TO_ALL:
        url = f"/{world.fill(row)}?{row.query}"
        told = _text(clients["stranger"].get(url))
        secrets = names if row.route in EXAMPLES else [*names, "alice@example.com", "Alice"]
        assert [secret for secret in secrets if secret in told] == [], row
        if row.route in SHOWN_TO_AUDITORS:
            assert [name for name in names if name in _text(clients["auditor"].get(url))], row


def _text(answer: Any) -> str:
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
