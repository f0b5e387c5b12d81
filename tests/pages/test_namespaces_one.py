"""The page of one namespace."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning import audit, lifecycle
from provisioning.config import the_catalog
from provisioning.models import Kind, Namespace, NamespaceStatus, Phase, Request
from tests.conftest import make_spec
from tests.pages.page import parse
from tests.pages.rows import NOON, a_namespace, a_request, a_revision

pytestmark = pytest.mark.django_db

URL = "/namespaces/payments-prod/"
DAY = dt.timedelta(days=1)


@pytest.fixture
def made(payments, alice, dana):
    return a_namespace(payments, alice, "payments-prod", granted_by=dana)


@pytest.fixture
def look(client_of):
    def get(user, url=URL):
        response = client_of(user).get(url)
        assert response.status_code == 200
        return parse(response).one("main")

    return get


def banner_of(main):
    """The one that tells of this namespace, not of Argo or the worker."""
    parts = [item for item in main.children if not isinstance(item, str) and item.fits("div", {"class": "banner"})]
    (banner,) = [item for item in parts if "hidden" not in item.attrs]
    return banner


@pytest.mark.parametrize(
    ("who", "status"),
    [("alice", 200), ("bob", 200), ("dana", 200), ("frank", 200), ("carol", 404), ("outsider", 404)],
)
def test_a_stranger_finds_nothing_here(request, client_of, django_user_model, made, who, status):
    outsider = django_user_model.objects.create(username="outsider")
    user = outsider if who == "outsider" else request.getfixturevalue(who)
    client = client_of(user)
    response = client.get(URL)
    assert response.status_code == status
    if status == 404:
        nowhere = client.get("/namespaces/never-made/")
        assert nowhere.status_code == 404
        assert parse(response).one("main").words == parse(nowhere).one("main").words


def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, made):
    response = client.get(URL)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={URL}")


def test_a_requester_who_left_the_team_finds_nothing_here(client_of, made, alice):
    alice.memberships.all().delete()
    assert client_of(alice).get(URL).status_code == 404


@pytest.mark.parametrize("name", ["%00", "..", "a%0Ab", "%F0%9F%92%A9", "x" * 300, "<script>"])
def test_no_name_breaks_the_page(client_of, made, dana, name):
    assert client_of(dana).get(f"/namespaces/{name}/").status_code == 404


def test_a_newcomer_finds_how_to_use_it_and_what_was_granted(look, made, bob):
    main = look(bob)
    words = main.words
    assert main.one("h1").words == "payments-prod"
    assert "kubectl config set-context --current --namespace=payments-prod" in words
    assert "2 CPU" in words
    assert "In from pods of this namespace" in words
    assert [item.one("strong").words for item in main.one(aria_labelledby="feat-h").all("li")] == [
        "Logging",
        "Monitoring",
    ]
    assert main.one(aria_labelledby="lease-h").one(class_="big-number").words == "59 days"
    assert str(made.owner_request_id) in words
    assert main.all("button", type="submit") == []


def test_every_limit_of_the_tier_is_told(look, made, bob):
    tier = the_catalog().tiers["small"]
    told = look(bob).one(data_key="quota")
    assert dict(zip((item.words for item in told.all("dt")), (item.words for item in told.all("dd")), strict=True)) == {
        key: str(amount) for key, amount in tier.hard.items()
    }


def test_revisions_say_who_granted_what_and_what_changed(look, made, alice, dana, payments):
    change = a_request(payments, alice, "payments-prod", kind=Kind.CHANGE, tier="medium", namespace=made)
    a_revision(made, change, 2)
    Namespace.objects.filter(pk=made.pk).update(revision=2, tier="medium", spec_json=change.granted)
    second, first = look(dana).one(aria_labelledby="rev-h").one("tbody").all("tr")
    assert second.one("th").words == "2 in force"
    assert second.one("a").attrs["href"] == "/namespaces/payments-prod/revisions/2/"
    assert second.one(data_label="Granted by").words == "rule small-in-dev"
    assert second.one(data_label="What changed").words.startswith("Tier: Small Medium CPU: 2")
    assert first.one(data_label="Granted by").words == "Dana"
    assert first.one(data_label="What changed").words == "made"


def test_its_requests_tell_who_asked_and_what_was_answered(look, made, alice, dana):
    (item,) = look(alice).one(aria_labelledby="bio-h").all("li")
    assert item.one("a").attrs["href"] == f"/requests/{made.owner_request_id}/"
    assert item.words.endswith("Alice · approved by Dana")


def test_a_request_that_is_under_way_is_announced_with_its_link(look, made, alice, payments):
    change = a_request(payments, alice, "payments-prod", kind=Kind.CHANGE, phase=Phase.PENDING, namespace=made)
    banner = banner_of(look(alice))
    assert banner.one("strong").words == "A change is under way"
    assert "Pending, asked by Alice" in banner.words
    assert banner.one("a").attrs["href"] == f"/requests/{change.pk}/"


def test_nothing_of_another_team_s_namespace_of_the_same_name_is_shown(look, made, search, carol, bob, dana):
    earlier = a_request(search, carol, "payments-prod", purpose="Secret of search", phase=Phase.DENIED)
    with transaction.atomic():
        audit.record("request.denied", by=dana, request=earlier, note="Not for search")
        audit.record(
            "request.approved", by=dana, request=Request.objects.get(pk=made.owner_request_id), note="For payments"
        )
    for user in (bob, dana):
        text = look(user).words
        assert "For payments" in text
        assert "search" not in text.lower().replace("search namespaces", "")


def test_events_link_to_their_request(look, made, alice):
    with transaction.atomic():
        audit.record("request.approved", by=alice, request=Request.objects.get(pk=made.owner_request_id))
    (event,) = look(alice).one(class_="events").all("li")
    assert event.one("a").attrs["href"] == f"/requests/{made.owner_request_id}/"
    assert event.words.startswith("Approved")


def test_a_deleted_one_shows_what_it_was_until_there_is_a_new_one(look, payments, alice, made):
    Namespace.objects.filter(pk=made.pk).update(status=NamespaceStatus.DELETED, deleted_at=NOON)
    main = look(alice)
    assert banner_of(main).one("strong").words == "Deleted on 2 Nov 2026"
    assert "kubectl" not in main.words
    assert main.all(aria_labelledby="lease-h") == []
    again = a_namespace(payments, alice, "payments-prod")
    assert str(again.owner_request_id) in look(alice).words


def test_an_earlier_team_still_sees_the_one_it_had(look, search, carol, made, alice):
    mine = a_namespace(search, carol, "shared-name", status=NamespaceStatus.DELETED, deleted_at=NOON)
    theirs = a_namespace(made.team, alice, "shared-name")
    text = look(carol, "/namespaces/shared-name/").words
    assert str(mine.owner_request_id) in text
    assert str(theirs.owner_request_id) not in text


@pytest.mark.parametrize(
    ("status", "says"), [("update-failed", "The last change failed"), ("delete-failed", "It could not be deleted")]
)
def test_what_failed_is_said_at_the_top(look, made, alice, status, says):
    Namespace.objects.update(status=status)
    assert banner_of(look(alice)).one("strong").words == says


def test_a_lease_that_is_over_says_since_when(look, made, alice):
    Namespace.objects.update(lease_ends_at=timezone.now() - 3 * DAY + dt.timedelta(hours=1))
    lease = look(alice).one(aria_labelledby="lease-h")
    assert lease.one(class_="big-number").words == "3 days over"
    assert lease.one("svg", class_="bar").attrs["aria-label"] == "100 percent of the lease has passed"


def test_a_tier_and_features_that_the_catalogue_no_longer_has_are_shown_by_their_key(look, made, alice):
    spec = make_spec(name="payments-prod", tier="giant", features=("teleport",)).to_json()
    Namespace.objects.update(tier="giant", spec_json=spec)
    main = look(alice)
    assert "giant · team payments" in main.words
    assert main.one(aria_labelledby="feat-h").one("strong").words == "teleport"


def test_what_people_typed_is_never_markup(client_of, made, alice):
    spec = make_spec(name="payments-prod", tier="small", purpose="<b>bold</b>").to_json()
    Namespace.objects.update(spec_json=spec)
    text = client_of(alice).get(URL).content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "<b>bold" not in text


@pytest.mark.parametrize("who", ["bob", "dana"])
def test_as_many_queries_for_a_long_life_as_for_a_short_one(request, client_of, open_request, dana, erin, who):
    client, counts = client_of(request.getfixturevalue(who)), []
    asked = open_request()
    lifecycle.approve(asked, by=dana, digest=asked.digest)
    run = asked.current_run
    lifecycle.claim(run, "w")
    lifecycle.submitted(run, uid="1")
    lifecycle.finish(run, outcome=Phase.SUCCEEDED, message="", namespace_uid="u")
    made = Namespace.objects.get()
    for count in (0, 2):
        for _ in range(count):
            number = made.revisions.count() + 1
            change = a_request(made.team, asked.requester, made.name, kind=Kind.CHANGE, namespace=made)
            a_revision(made, change, number, granted_by=erin)
            with transaction.atomic():
                audit.record("request.approved", by=erin, request=change)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(URL)
        main = parse(response).one("main")
        counts.append((len(main.one(aria_labelledby="rev-h").one("tbody").all("tr")), len(queries)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1] <= 20
