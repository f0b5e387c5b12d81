from __future__ import annotations

import pytest

from provisioning import lifecycle
from provisioning.models import Kind, Phase, Request
from tests.lifecycle import life
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

URL = "/namespaces/payments-dev/revisions/{}/"


@pytest.fixture
def namespace(alice, dana):
    """Small, then medium, then with egress to the internet."""
    made = life.made(alice, dana, name="payments-dev", tier="small")
    life.changed(made, alice, dana, tier="medium")
    life.changed(made, alice, dana, features=("external-egress", "logging", "monitoring"))
    return made


def page_of(client, number):
    return parse(client.get(URL.format(number)))


@pytest.mark.parametrize(
    ("who", "status"), [("alice", 200), ("dana", 200), ("bob", 200), ("frank", 200), ("carol", 404)]
)
def test_every_revision_stays_readable_for_those_who_see_the_namespace(request, client_of, namespace, who, status):
    client = client_of(request.getfixturevalue(who))
    assert [client.get(URL.format(number)).status_code for number in (1, 2, 3)] == [status] * 3
    restore = f"{URL.format(1)}restore/"
    assert client.post(restore).status_code == {"alice": 303, "dana": 303, "carol": 404}.get(who, 403)


@pytest.mark.parametrize("number", ["0", "4", str(2**31), str(2**70)])
def test_a_revision_that_there_never_was_is_not_found(client_of, alice, namespace, number):
    assert client_of(alice).get(URL.format(number)).status_code == 404


def test_it_tells_who_granted_it_its_objects_and_what_it_changed(client_of, bob, namespace):
    page = page_of(client_of(bob), 2)
    assert "granted by Dana" in page.one("header", class_="page-head").words
    diff = page.one(aria_labelledby="diff-h").words
    assert "against revision 1" in diff
    assert "pods 10 → 20" in diff
    objects = page.one(aria_labelledby="objects-h")
    assert len(objects.all("details")) > 8
    assert "sha256" in objects.words
    assert "Tier Medium" in page.one(aria_labelledby="facts-h").words
    links = [item.attrs["href"] for item in page.one("header", class_="page-head").all("a", class_="btn")]
    assert links == [URL.format(1), URL.format(3)]
    assert page.all(id="back-h") == []


def test_the_first_has_nothing_to_be_compared_with_and_the_rule_that_granted_it(client_of, bob, namespace):
    page = page_of(client_of(bob), 1)
    assert "The first revision" in page.one(aria_labelledby="diff-h").words
    assert "granted by rule small-in-dev" in page.one("header", class_="page-head").words


def test_the_one_in_force_offers_no_way_back_to_itself(client_of, alice, namespace):
    page = page_of(client_of(alice), 3)
    assert "In force" in page.one("div", class_="title").words
    assert "internet egress opened" in page.one(aria_labelledby="diff-h").words
    assert page.all(id="back-h") == []


def test_going_back_shows_what_it_comes_to_and_opens_a_request(client_of, alice, namespace):
    client = client_of(alice)
    card = page_of(client, 1).one(aria_labelledby="back-h")
    assert "pods 20 → 10" in card.words
    assert "internet egress closed" in card.words
    form = card.one("form")
    response = client.post(form.attrs["action"], fields_of(form))
    row = Request.objects.live().get()
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    assert (row.kind, row.tier, row.options["to_revision"]) == (Kind.CHANGE, "small", 1)
    assert "It goes back to revision 1" in parse(client.get(response["Location"])).one(id="run-kind").words


def test_while_a_request_is_open_it_says_why_not_and_answers_409(client_of, alice, namespace):
    lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    client = client_of(alice)
    button = page_of(client, 1).one(aria_labelledby="back-h").one("button")
    assert "disabled" in button.attrs
    assert "One at a time" in page_of(client, 1).one(id=button.described_by).words
    response = client.post(f"{URL.format(1)}restore/")
    assert response.status_code == 409
    assert "There is an open request" in parse(response).one("div", role="alert").words


def test_a_revision_that_grants_what_is_in_force_says_so(client_of, alice, dana, namespace):
    life.changed(namespace, alice, dana, features=("logging", "monitoring"))
    client = client_of(alice)
    card = page_of(client, 2).one(aria_labelledby="back-h")
    assert "It grants what is in force: nothing would change." in card.words
    assert "disabled" in card.one("button").attrs
    assert client.post(f"{URL.format(2)}restore/").status_code == 422
    assert Request.objects.live().count() == 0


def test_going_back_takes_the_place_of_a_change_that_failed(client_of, alice, dana, namespace):
    failed = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    life.end(life.approved(failed, dana), Phase.FAILED)
    client = client_of(alice)
    form = page_of(client, 2).one(aria_labelledby="back-h").one("form")
    assert client.post(form.attrs["action"], fields_of(form)).status_code == 303
    failed.refresh_from_db()
    assert failed.phase == Phase.CANCELLED
