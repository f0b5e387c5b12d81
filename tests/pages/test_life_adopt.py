from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning import lifecycle
from provisioning.models import Check, ClusterListing, Kind, Namespace, Phase, Request
from tests.lifecycle import life
from tests.pages.looking import inventory, long_ago, look, pod
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

START, URL, LOOK = "/adopt/", "/adopt/payments-old/", "/adopt/payments-old/look/"
PREVIEW, LIST = "/adopt/payments-old/preview/", "/status/cluster/list/"
OWNER = "3f2c8f1e-0d4b-4a7e-9a51-6f0f5a1c2b3d"
HTMX = {"HX-Request": "true"}
HOSTILE = '"><script>alert(1)</script>'


def live(name="payments-old", **labels):
    namespace = {
        "kind": "Namespace",
        "metadata": {"name": name, "uid": "u-7", "labels": labels},
        "status": {"phase": "Active"},
    }
    quota = {
        "kind": "ResourceQuota",
        "metadata": {"name": "old-quota"},
        "spec": {"hard": {"limits.cpu": "3", "pods": "12"}},
    }
    policy = {"kind": "NetworkPolicy", "metadata": {"name": "allow-all"}, "spec": {"ingress": [{}]}}
    return {
        "namespace": namespace,
        "objects": {"items": [quota, policy]},
        "monitoringConfig": None,
        "platformUser": None,
    }


def found(dana, item=None, name="payments-old"):
    check = lifecycle.ask_check(name, by=dana, why="adopt")
    outputs = {"live": json.dumps(item) if item else "", "inventory": inventory(pod()) if item else ""}
    assert lifecycle.finish_check(check, outputs), check.error
    return check


def listed(*lines, by=None):
    check = lifecycle.ask_listing(by=by)
    assert lifecycle.finish_check(check, {"live": "\n".join(lines)})
    return check


def form_of(client):
    return fields_of(parse(client.get(URL)).one("form", id="ask"))


@pytest.mark.parametrize("who", ["alice", "bob", "carol", "frank"])
def test_for_everybody_but_platform_admins_these_pages_do_not_exist(request, client_of, dana, payments, who):
    found(dana, live())
    client = client_of(request.getfixturevalue(who))
    assert client.get(START).status_code == client.post(START, {"name": "x"}).status_code == 404
    assert client.get(URL).status_code == client.post(URL, {"tier": "small"}).status_code == 404
    for url in (LOOK, PREVIEW, LIST):
        assert client.post(url).status_code == 404
    assert not Request.objects.exists()
    assert Check.objects.count() == 1


def test_it_begins_with_a_name_and_a_look(client_of, dana):
    client = client_of(dana)
    response = client.post(START, {"name": " payments-old "})
    assert (response.status_code, response["Location"]) == (303, URL)
    check = Check.objects.get()
    assert (check.name, check.asked_by, check.why, check.namespace) == ("payments-old", dana, "adopt", None)
    page = parse(client.get(URL)).one(id="adopt")
    assert page.attrs["hx-get"].startswith(f"{URL}?v=")
    assert page.all("form", id="ask") == []
    assert client.get(page.attrs["hx-get"], headers=HTMX).status_code == 204


@pytest.mark.parametrize("name", ["", "Kube_x", HOSTILE, "a" * 64, "x\0y", "a/b"])
def test_what_is_no_name_is_refused_in_words(client_of, dana, name):
    response = client_of(dana).post(START, {"name": name})
    assert response.status_code == 422
    assert "This is no name of a namespace." in parse(response).one(id="id_name_error").words
    assert "<script>alert" not in response.content.decode()
    assert not Check.objects.exists()


def test_what_nobody_looked_at_is_not_found(client_of, dana):
    client = client_of(dana)
    for url in (URL, "/adopt/x%00/", f"/adopt/{'a' * 64}/"):
        assert client.get(url).status_code == 404


def test_when_the_look_has_ended_the_fragment_brings_the_form_and_asks_no_more(client_of, dana, payments):
    client = client_of(dana)
    client.post(START, {"name": "payments-old"})
    url = parse(client.get(URL)).one(id="adopt").attrs["hx-get"]
    found(dana, live())
    part = parse(client.get(url, headers=HTMX)).one(id="adopt")
    assert "hx-get" not in part.attrs
    assert part.one("form", id="ask")


def test_the_form_proposes_team_tier_and_features_and_says_why(client_of, dana, payments):
    found(dana, live(team="payments", monitoring="enabled"))
    client = client_of(dana)
    page = parse(client.get(URL))
    form = page.one("form", id="ask")
    begun = fields_of(form)
    assert (begun["team"], begun["tier"], begun["features"]) == (["payments"], ["medium"], ["monitoring"])
    for words in (
        "Team payments, by the label team.",
        "Tier medium, the smallest that holds its quota.",
        "It needs the cluster's consent",
    ):
        assert words in form.words
    assert "nothing is restarted" in page.one(id="preview").words


def test_without_a_hint_the_team_is_left_to_choose(client_of, dana, payments, search):
    check = found(dana, live(name="legacy"), name="legacy")
    client = client_of(dana)
    page = parse(client.get("/adopt/legacy/"))
    form = page.one("form", id="ask")
    assert fields_of(form)["team"] == [""]
    assert "Choose a team." in page.one(id="preview").words
    response = client.post("/adopt/legacy/", {**fields_of(form), "seen": str(check.pk)})
    assert response.status_code == 422
    assert "Choose a team." in parse(response).one(id="id_team_error").words


def test_the_preview_says_what_becomes_different_and_what_stays(client_of, dana, payments):
    found(dana, live(team="payments"))
    client = client_of(dana)
    page = parse(client.post(PREVIEW, {**form_of(client), "tier": "large"}))
    found_there = [item.words for item in page.one(id="preview").one("ul", class_="list").all("li")]
    assert "ResourceQuota/compute-resources is added" in found_there
    assert found_there[-1] == "NetworkPolicy/allow-all stays; the portal does not know it, and shows it as drift"
    assert "metadata.labels[platform.io/managed] : true" in found_there[0]
    assert "large tier" in page.one("div", class_="verdict").words
    assert page.one(id="headroom").attrs["hx-swap-oob"] == "true"


def test_an_unmanaged_one_becomes_a_request_that_prints_the_one_command(client_of, dana, erin, payments):
    found(dana, live(team="payments"))
    client = client_of(dana)
    response = client.post(URL, form_of(client))
    row = Request.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    assert (row.kind, row.phase, row.name) == (Kind.ADOPT, Phase.PENDING, "payments-old")
    page = parse(client.get(response["Location"]))
    consent = page.one(aria_labelledby="consent-h")
    assert consent.one("code").words == f"kubectl label namespace payments-old platform.io/adopt={row.pk}"
    assert "added" in page.one(aria_labelledby="kind-h").words
    assert "Adopt" in page.one(id="run-head").words
    review = parse(client_of(erin).get(f"/requests/{row.pk}/review/"))
    assert review.one(aria_labelledby="consent-h").one("code").words.endswith(str(row.pk))
    life.end(life.approved(row, erin))
    page = parse(client.get(response["Location"]))
    assert page.all(id="consent-h") == []
    assert page.one("div", class_="title").words.endswith("Adopted")
    assert Namespace.objects.get().name == "payments-old"


def test_an_orphan_needs_no_command_and_stays_under_its_id(client_of, dana, payments):
    found(
        dana, live(**{"platform.io/managed": "true", "platform.io/request-id": OWNER, "platform.io/team": "payments"})
    )
    client = client_of(dana)
    assert f"stays under the request id that it has: {OWNER}" in parse(client.get(URL)).one("form", id="ask").words
    response = client.post(URL, form_of(client))
    row = Request.objects.get()
    assert row.owner_request_id == OWNER
    assert parse(client.get(response["Location"])).all(id="consent-h") == []


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nothing", "The cluster has no namespace of this name."),
        ("going", "The namespace is being deleted."),
        ("reserved", "This name is reserved"),
        ("strange", "which is none of a portal's"),
    ],
)
def test_what_cannot_be_taken_over_says_why_and_has_no_form(client_of, dana, payments, what, words):
    name = "kube-old" if what == "reserved" else "payments-old"
    item = live(name)
    if what == "going":
        item["namespace"]["status"]["phase"] = "Terminating"
    if what == "strange":
        item["namespace"]["metadata"]["labels"] = {"platform.io/managed": "true", "platform.io/request-id": HOSTILE}
    found(dana, None if what == "nothing" else item, name=name)
    response = client_of(dana).get(f"/adopt/{name}/")
    page = parse(response)
    assert words in page.one(id="adopt").words
    assert page.all("form", id="ask") == []
    assert "<script>alert" not in response.content.decode()


def test_what_is_known_already_leads_there(client_of, alice, dana):
    made = life.made(alice, dana, name="payments-dev", tier="small")
    look(made)
    page = parse(client_of(dana).get("/adopt/payments-dev/")).one(id="adopt")
    assert page.all("form", id="ask") == []


def test_somebody_who_asked_first_is_answered_with_409(client_of, dana, erin, payments):
    found(dana, live(team="payments"))
    client = client_of(dana)
    data = form_of(client)
    client_of(erin).post(URL, data)
    response = client.post(URL, data)
    assert response.status_code == 409
    page = parse(response)
    assert page.one(id="adopt").all("a", href=f"/requests/{Request.objects.get().pk}/")
    assert "Nothing was sent." in page.one("div", role="alert").words


def test_a_form_older_than_the_newest_look_gets_409(client_of, dana, payments):
    found(dana, live(team="payments"))
    client = client_of(dana)
    data = form_of(client)
    found(dana, live(team="payments", monitoring="enabled"))
    response = client.post(URL, data)
    assert response.status_code == 409
    assert "Somebody looked again" in parse(response).one("div", role="alert").words
    assert not Request.objects.exists()


def test_an_adoption_is_edited_by_its_own_form(client_of, dana, payments):
    found(dana, live(team="payments"))
    client = client_of(dana)
    client.post(URL, form_of(client))
    row = Request.objects.get()
    page = parse(client.get(f"/requests/{row.pk}/edit/"))
    form = page.one("form", id="ask")
    assert "added" in page.one(id="preview").words
    response = client.post(f"/requests/{row.pk}/edit/", {**fields_of(form), "tier": "large"})
    assert response.status_code == 303, parse(response).words
    row.refresh_from_db()
    assert (row.tier, row.revision) == ("large", 2)


def test_without_script_a_button_draws_the_page_again_with_the_answers(client_of, dana, payments):
    found(dana, live(team="payments"))
    client = client_of(dana)
    response = client.post(URL, {**form_of(client), "tier": "large", "check": "1"})
    assert response.status_code == 200
    assert "large tier" in parse(response).one(id="preview").words
    assert not Request.objects.exists()


# ── the cluster against the portal, on /status/ ──────────────────────────────────────────────────────────────


def test_ghosts_and_orphans_are_listed_with_what_can_be_done(client_of, alice, dana):
    life.made(alice, dana, name="payments-dev", tier="small")
    listed(f"payments-old {OWNER} ready", by=dana)
    client = client_of(dana)
    part = parse(client.get("/status/")).one(id="cluster")
    assert "payments-dev" in part.words
    assert part.all("a", href="/namespaces/payments-dev/delete/")
    form = next(form for form in part.all("form") if form.attrs["action"] == LOOK)
    assert form.one("button").words == "Take over payments-old"
    assert client.post(form.attrs["action"])["Location"] == URL
    assert Check.objects.filter(name="payments-old").count() == 1
    start = parse(client.get(START))
    assert "payments-old" in start.one(aria_labelledby="orphans-h").words


def test_auditors_see_it_and_do_nothing(client_of, frank, dana):
    listed(f"payments-old {OWNER} ready", by=dana)
    part = parse(client_of(frank).get("/status/")).one(id="cluster")
    assert "payments-old" in part.words
    assert part.all("form") == []
    assert client_of(frank).get("/status/cluster/").status_code == 200


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_nobody_else_finds_it(request, client_of, payments, who):
    assert client_of(request.getfixturevalue(who)).get("/status/cluster/").status_code == 404


def test_the_list_is_had_once_and_the_page_follows_it(client_of, dana):
    client = client_of(dana)
    assert "The cluster was not listed yet." in parse(client.get("/status/")).one(id="cluster").words
    assert client.post(LIST)["Location"] == "/status/#cluster"
    client.post(LIST)
    assert Check.objects.filter(name="").count() == 1
    part = parse(client.get("/status/")).one(id="cluster")
    assert client.get(part.attrs["hx-get"]).status_code == 204
    listed()
    done = parse(client.get(part.attrs["hx-get"])).one(id="cluster")
    assert "They agree" in done.words
    assert "hx-get" not in done.attrs
    client.post(LIST)
    assert Check.objects.filter(name="").count() == 1
    long_ago(Check.objects.get(name=""), minutes=2)
    client.post(LIST)
    assert Check.objects.filter(name="").count() == 2


def test_as_many_queries_with_three_orphans_as_with_one(client_of, dana):
    client = client_of(dana)
    client.get("/status/")
    counts = []
    for names in (["a"], ["a", "b", "c"]):
        ClusterListing.objects.all().delete()
        listed(*[f"{name} {OWNER[:-1]}{number} ready" for number, name in enumerate(names)])
        with CaptureQueriesContext(connection) as queries:
            part = parse(client.get("/status/")).one(id="cluster")
        assert len(part.all("li")) == len(names)
        counts.append(len(queries))
    assert counts[0] == counts[1]
