from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning import lifecycle
from provisioning.config import the_catalog
from provisioning.models import AuditEvent, Membership, Phase, Request
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

NEW, PREVIEW, NAME = "/requests/new/", "/requests/new/preview/", "/requests/new/name/"
HOSTILE = '"><script>alert(1)</script>{{7*7}}'


def sent(**changes):
    data = {"team": "payments", "name": "payments-api", "tier": "medium", "features": ["logging"], "lease_days": "90"}
    return {**data, **changes}


@pytest.mark.parametrize(
    ("who", "page", "answers"),
    [
        ("alice", 200, 200),
        ("carol", 200, 200),
        ("bob", 403, 404),
        ("dana", 403, 404),
        ("frank", 403, 404),
    ],
)
def test_only_leads_of_a_team_ask_and_get_answers(request, client_of, alice, who, page, answers):
    client = client_of(request.getfixturevalue(who))
    assert client.get(NEW).status_code == page
    assert client.post(NEW, sent(name="x-y")).status_code == (page if page == 403 else 422 if who == "carol" else 303)
    assert client.get(NAME, {"name": "payments-api"}).status_code == answers
    assert client.post(PREVIEW, sent()).status_code == answers


@pytest.mark.parametrize("url", [NEW, NAME])
def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, db, url):
    response = client.get(url)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={url}"
    assert not Request.objects.exists()


def test_a_member_is_told_whom_to_ask(client_of, alice, bob):
    page = parse(client_of(bob).get(NEW)).one("main")
    assert "Team leads ask for namespaces" in page.words
    assert "Alice (alice@example.com)" in page.words
    assert page.all("form", id="ask") == []


def test_somebody_without_a_team_is_told_so(client_of, frank):
    assert "You are in no team." in parse(client_of(frank).get(NEW)).one("main").words


def test_the_form_begins_with_what_most_people_ask_for(client_of, alice):
    form = parse(client_of(alice).get(NEW)).one("form", id="ask")
    begun = fields_of(form)
    assert (begun["team"], begun["name"], begun["tier"]) == (["payments"], [""], ["small"])
    assert begun["features"] == ["monitoring", "logging"]
    assert begun["lease_days"] == ["90"]
    assert [button.words for button in form.all("button") if "hidden" not in button.attrs] == [
        "Request namespace",
        "Check",
    ]


def test_gated_features_are_marked(client_of, alice):
    page = parse(client_of(alice).get(NEW))
    marked = {
        row.one("input", type="checkbox").attrs["value"]
        for row in page.all("div", class_="feature")
        if row.all("span", class_="gated")
    }
    assert marked == {key for key, feature in the_catalog().features.items() if feature.gate}


def test_a_sent_form_becomes_a_request_and_the_person_goes_to_it(client_of, alice):
    response = client_of(alice).post(NEW, sent(editors="group:devs"))
    row = Request.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    assert (row.phase, row.requester, row.name, row.tier) == (Phase.PENDING, alice, "payments-api", "medium")
    assert [str(subject) for subject in row.spec.editors] == ["group:devs"]
    assert AuditEvent.objects.get().action == "request.opened"


def test_a_request_inside_policy_is_approved_at_once_and_the_person_told(client_of, alice):
    client = client_of(alice)
    client.post(NEW, sent(name="payments-dev", tier="small"))
    row = Request.objects.get()
    assert row.phase == Phase.APPROVED
    assert "payments-dev is approved by policy" in parse(client.get("/")).one(id="toasts").words


def test_an_error_stands_at_its_field_and_nothing_typed_is_lost(client_of, alice):
    response = client_of(alice).post(
        NEW,
        sent(
            name="Kube_x",
            admins="system:masters\nzoe@example.com",
            features=["gpu", "cost-tracking"],
            option_gpu_count="99",
            option_cost_center="CC-9",
            purpose="Card payments\nof the EU",
            lease_days="30",
            tier="large",
        ),
    )
    assert response.status_code == 422
    assert not Request.objects.exists()
    page = parse(response)
    form = page.one("form", id="ask")
    kept = fields_of(form)
    assert (kept["name"], kept["tier"], kept["lease_days"]) == (["Kube_x"], ["large"], ["30"])
    assert kept["admins"] == ["system:masters\nzoe@example.com"]
    assert kept["features"] == ["gpu", "cost-tracking"]
    assert (kept["option_gpu_count"], kept["option_cost_center"]) == (["99"], ["CC-9"])
    assert kept["purpose"] == ["Card payments\nof the EU"]
    for field, words in {
        "id_name": "Only lower-case letters",
        "id_admins": "“system:masters” cannot get access",
        "id_option_gpu_count": "Number of GPUs: 1 to 16",
    }.items():
        control = page.one(id=field)
        assert control.attrs["aria-invalid"] == "true"
        assert f"{field}_error" in control.described_by.split()
        assert words in page.one(id=f"{field}_error").words
        assert page.one("div", role="alert").all("a", href=f"#{field}")


def test_hostile_input_comes_back_as_text(client_of, alice):
    response = client_of(alice).post(
        NEW, sent(name=HOSTILE, purpose=HOSTILE, admins=HOSTILE, tier=HOSTILE, features=[HOSTILE], team=HOSTILE)
    )
    assert response.status_code == 422
    html = response.content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert HOSTILE in fields_of(parse(response).one("form", id="ask"))["purpose"]


def test_somebody_else_who_takes_the_name_meanwhile_is_an_error_at_the_name(client_of, alice, carol, open_request):
    open_request(by=carol, name="payments-api", team="search")
    response = client_of(alice).post(NEW, sent())
    assert response.status_code == 422
    assert "There is an open request for this name." in parse(response).one(id="id_name_error").words


def test_a_team_that_one_does_not_lead_is_refused_whoever_sends_it(client_of, carol, payments):
    response = client_of(carol).post(NEW, sent())
    assert response.status_code == 422
    assert "Choose a team that you lead." in parse(response).one(id="id_team_error").words
    assert not Request.objects.exists()


# ── answers while typing ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "tone", "words"),
    [
        ("payments-dev", "tone-ok", "payments-dev is free, environment Development"),
        ("payments-x", "tone-ok", "payments-x is free"),
        ("kube-x", "tone-bad", "This name is reserved: names of Kubernetes."),
        ("Pay", "tone-bad", "Only lower-case letters, digits and inner dashes."),
    ],
)
def test_the_name_is_answered_while_it_is_typed(client_of, alice, name, tone, words):
    answer = parse(client_of(alice).get(NAME, {"name": name, "team": "payments"})).one("p", class_="says")
    assert answer.words == words
    assert tone in answer.attrs["class"].split()


def test_no_name_gets_no_answer(client_of, alice):
    assert client_of(alice).get(NAME, {"name": " "}).content.strip() == b""


def test_a_taken_name_leads_to_what_has_it_only_for_those_who_may_see_it(client_of, alice, carol, open_request):
    row = open_request(name="payments-x")
    mine = parse(client_of(alice).get(NAME, {"name": "payments-x"}))
    theirs = parse(client_of(carol).get(NAME, {"name": "payments-x"}))
    assert mine.one("a").attrs["href"] == f"/requests/{row.pk}/"
    assert theirs.one("p").words == mine.one("p").words.removesuffix(" Show it")
    assert theirs.all("a") == []


def test_the_preview_shows_verdict_reasons_room_and_the_objects_that_would_be_stored(client_of, alice):
    data = sent(name="payments-prod", tier="large", features=["external-egress", "logging"])
    page = parse(client_of(alice).post(PREVIEW, data))
    preview = page.one(id="preview")
    verdict = preview.one("div", class_="verdict")
    assert "Needs a platform admin" in verdict.words
    assert [item.words for item in verdict.all("li")] == ["large tier", "external egress", "production"]
    kinds = [fold.one("summary").words for fold in preview.all("details")]
    client_of(alice).post(NEW, data)
    row = Request.objects.get()
    from_row = lifecycle.render_granted(row, row.spec).objects
    assert kinds == [f"{item['kind']} {item['metadata']['name']}" for item in from_row]
    assert preview.one("h3").words == f"{len(from_row)} objects"
    assert verdict.attrs["data-announce"].startswith("Needs a platform admin; large tier")
    assert "sha256" in preview.one("span", class_="digest").words
    room = page.one(id="headroom")
    assert room.attrs["hx-swap-oob"] == "true"
    assert "0 + 8 of 32" in room.words


def test_the_preview_tells_what_would_be_approved_at_once_instead(client_of, alice):
    data = sent(name="payments-dev", tier="medium", features=["external-egress"])
    words = parse(client_of(alice).post(PREVIEW, data)).one(id="preview").words
    assert "As small without external egress it would be approved at once." in words
    at_once = parse(client_of(alice).post(PREVIEW, sent(name="payments-dev", tier="small"))).one(id="preview").words
    assert "Approved at once" in at_once
    assert "would be" not in at_once


def test_the_preview_of_a_form_that_is_not_complete_says_what_is_missing(client_of, alice):
    page = parse(client_of(alice).post(PREVIEW, sent(name="", features=["cost-tracking"])))
    preview = page.one(id="preview")
    assert "Not complete yet" in preview.words
    assert [item.words for item in preview.all("li")] == [
        "Namespace name: Give the namespace a name.",
        "Cost centre: Cost centre is needed.",
    ]
    assert preview.all("details") == []
    assert "0 + 4 of 32" in page.one(id="headroom").words


def test_looking_writes_nothing(client_of, alice):
    client = client_of(alice)
    client.post(PREVIEW, sent())
    client.get(NAME, {"name": "payments-api"})
    client.post(NEW, sent(check="1"))
    assert not Request.objects.exists()
    assert not AuditEvent.objects.exists()


def test_answers_replace_nothing_in_which_somebody_types(client_of, alice):
    form = parse(client_of(alice).get(NEW)).one("form", id="ask")
    name = form.one("input", name="name")
    assert (form.attrs["hx-target"], form.attrs["hx-trigger"]) == ("#preview", "change, input delay:400ms")
    assert (name.attrs["hx-target"], name.attrs["hx-trigger"]) == ("#name-says", "input delay:300ms")
    for region in ("preview", "name-says", "headroom"):
        assert [item.tag for item in form.one(id=region).walk() if item.tag in {"input", "textarea", "select"}] == []
        assert form.one(id=region).all("button", type="submit") == []


# ── without JavaScript ───────────────────────────────────────────────────────────────────────────────────────


def test_without_script_a_button_draws_the_page_again_with_the_answers(client_of, alice):
    client = client_of(alice)
    form = parse(client.get(NEW)).one("form", id="ask")
    check = form.one("button", class_="no-script")
    assert (check.attrs["name"], check.attrs["type"]) == ("check", "submit")
    data = fields_of(form) | {"name": ["payments-dev"], "check": ["1"]}
    page = parse(client.post(NEW, data))
    assert page.one(id="name-says").words == "payments-dev is free, environment Development"
    assert "Approved at once" in page.one(id="preview").words
    assert fields_of(page.one("form", id="ask"))["name"] == ["payments-dev"]


def test_enter_looks_and_sends_nothing(client_of, alice):
    form = parse(client_of(alice).get(NEW)).one("form", id="ask")
    assert form.all("button")[0].attrs["name"] == "check"


# ── beginning with another request ───────────────────────────────────────────────────────────────────────────


def test_a_new_request_can_begin_with_another_one(client_of, alice, open_request):
    row = open_request(features=("gpu",), options={"gpu_count": "3"}, lease_days=45, purpose="Inference")
    lifecycle.withdraw(row, by=alice)
    page = parse(client_of(alice).get(NEW, {"from": str(row.pk)}))
    begun = fields_of(page.one("form", id="ask"))
    assert (begun["name"], begun["tier"], begun["features"]) == (["payments-prod"], ["large"], ["gpu"])
    assert (begun["option_gpu_count"], begun["lease_days"], begun["purpose"]) == (["3"], ["45"], ["Inference"])
    assert "Needs two platform admins" in page.one(id="preview").words


@pytest.mark.parametrize("source", ["nonsense", "00000000-0000-0000-0000-000000000000", "theirs"])
def test_the_absent_and_the_forbidden_look_alike_as_a_beginning(client_of, carol, open_request, source):
    source = str(open_request().pk) if source == "theirs" else source
    assert client_of(carol).get(NEW, {"from": source}).status_code == 404


def test_the_page_costs_the_same_with_one_team_and_with_three(client_of, alice, payments, search, django_user_model):
    client = client_of(alice)

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(NEW)
        return len(queries)

    one = count()
    for name in ("a", "b"):
        team = type(payments).objects.create(name=name)
        Membership.objects.create(user=alice, team=team, role=Membership.Role.LEAD)
    assert count() == one
