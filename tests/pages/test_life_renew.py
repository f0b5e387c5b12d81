from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import AuditEvent, Kind, Namespace, Phase, Request
from tests.lifecycle import life
from tests.pages.looking import look, pod
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

PAGE, URL = "/namespaces/payments-dev/", "/namespaces/payments-dev/renew/"


@pytest.fixture
def namespace(alice, dana):
    made = life.made(alice, dana, name="payments-dev", tier="small")
    ends(made, days=20)
    return made


def ends(namespace, **after):
    Namespace.objects.filter(pk=namespace.pk).update(lease_ends_at=timezone.now() + timedelta(**after))
    namespace.refresh_from_db()


def days_left(namespace):
    namespace.refresh_from_db()
    return round((namespace.lease_ends_at - timezone.now()) / timedelta(days=1))


def lease_of(client):
    return parse(client.get(PAGE)).one(aria_labelledby="lease-h")


@pytest.mark.parametrize(
    ("who", "status"), [("alice", 303), ("dana", 303), ("bob", 403), ("frank", 403), ("carol", 404)]
)
def test_leads_and_admins_renew_others_see_or_find_nothing(request, client_of, namespace, who, status):
    client = client_of(request.getfixturevalue(who))
    assert client.get(URL).status_code == (200 if status == 303 else status)
    assert client.post(URL, {"lease_days": "90"}).status_code == status
    assert days_left(namespace) == (90 if status == 303 else 20)


def test_one_click_on_the_page_of_the_namespace_renews_inside_policy(client_of, alice, namespace):
    client = client_of(alice)
    card = lease_of(client)
    form = card.one("form")
    end = timezone.now() + timedelta(days=90)
    assert form.one("button").words == f"Renew to {end.day} {end:%b %Y}"
    assert "Done at once: renewed by who is responsible" in card.one(id="renew-says").words
    response = client.post(form.attrs["action"], fields_of(form))
    assert (response.status_code, response["Location"]) == (303, PAGE)
    assert days_left(namespace) == 90
    assert not Request.objects.filter(kind=Kind.CHANGE).exists()
    assert AuditEvent.objects.filter(action="namespace.renewed", actor=alice).count() == 1
    assert f"it ends on {end.day} {end:%b %Y}" in parse(client.get(PAGE)).one(id="toasts").words


def test_what_was_renewed_just_now_offers_no_click_without_effect(client_of, alice, namespace):
    client = client_of(alice)
    client.post(URL, {"lease_days": "90"})
    card = lease_of(client)
    button = card.one("button")
    assert "disabled" in button.attrs
    assert "The lease runs as long already." in card.one(id=button.described_by).words


def test_members_see_the_lease_and_no_button(client_of, bob, namespace):
    assert lease_of(client_of(bob)).all("button") == []


def test_each_length_says_its_end_and_who_decides(client_of, alice, namespace):
    page = parse(client_of(alice).get(URL))
    rows = {row.one("th").words: row for row in page.one("tbody").all("tr")}
    assert list(rows) == ["30 days", "90 days", "180 days", "1 year"]
    assert "Nobody has to" in rows["180 days"].one(data_label="Who decides").words
    assert "needs a platform admin, because: a lease of 365 days" in rows["1 year"].one(data_label="Who decides").words
    assert rows["1 year"].one("button").words == "Ask to renew for 365 days"


def test_outside_policy_it_becomes_a_request_that_says_the_new_end(client_of, alice, dana, namespace):
    client = client_of(alice)
    response = client.post(URL, {"lease_days": "365"})
    row = Request.objects.get(kind=Kind.CHANGE)
    assert (response.status_code, response["Location"], row.phase) == (303, f"/requests/{row.pk}/", Phase.PENDING)
    end = timezone.now() + timedelta(days=365)
    page = parse(client.get(response["Location"]))
    assert f"The lease runs on to {end.day} {end:%b %Y}" in page.one(id="run-kind").words
    assert days_left(namespace) == 20
    life.end(life.approved(row, dana))
    assert days_left(namespace) == 365


@pytest.mark.parametrize(
    ("days", "words"),
    [("0", "from 1 to 365 days"), ("366", "from 1 to 365"), ("x", "whole number"), ("9" * 30, "from 1")],
)
def test_lengths_that_no_lease_may_have_are_refused_in_words(client_of, alice, namespace, days, words):
    response = client_of(alice).post(URL, {"lease_days": days})
    assert response.status_code == 422
    assert words in parse(response).one("div", class_="error-summary").words
    assert days_left(namespace) == 20


def test_less_than_there_is_is_refused_in_words(client_of, alice, namespace):
    ends(namespace, days=60)
    response = client_of(alice).post(URL, {"lease_days": "30"})
    assert response.status_code == 422
    assert "The lease runs longer already" in parse(response).one("div", class_="error-summary").words


def test_a_deletion_stands_against_it_and_the_page_says_so(client_of, alice, namespace):
    look(namespace)
    inventory = lifecycle.fresh_inventory(namespace)
    row = lifecycle.open_delete(namespace, by=alice, inventory=inventory, typed_name="payments-dev")
    client = client_of(alice)
    button = lease_of(client).one("button")
    assert "disabled" in button.attrs
    response = client.post(URL, {"lease_days": "90"})
    assert response.status_code == 409
    alert = parse(response).one("div", role="alert")
    assert "Its deletion is asked for: that comes first." in alert.words
    assert parse(response).one(id="main").all("a", href=f"/requests/{row.pk}/")
    assert days_left(namespace) == 20


def test_the_deletion_that_the_portal_asked_for_is_taken_back_by_a_renewal(client_of, alice, namespace):
    ends(namespace, days=-20)
    look(namespace, pod())
    row = lifecycle.open_lease_delete(namespace, lifecycle.fresh_inventory(namespace))
    client = client_of(alice)
    form = lease_of(client).one("form")
    assert client.post(form.attrs["action"], fields_of(form)).status_code == 303
    row.refresh_from_db()
    assert (row.phase, days_left(namespace)) == (Phase.CANCELLED, 90)


def test_an_end_that_stands_in_the_cluster_takes_a_request_also_inside_policy(client_of, alice, dana):
    made = life.made(alice, dana, name="payments-dev", tier="small", features=("auto-expiry",))
    ends(made, days=20)
    client = client_of(alice)
    assert "written into the cluster" in lease_of(client).one(id="renew-says").words
    response = client.post(URL, {"lease_days": "90"})
    row = Request.objects.get(kind=Kind.CHANGE)
    assert (response["Location"], row.phase) == (f"/requests/{row.pk}/", Phase.APPROVED)


def test_what_is_no_longer_offered_says_to_change_it_first(client_of, alice, namespace):
    Namespace.objects.filter(pk=namespace.pk).update(spec_json={**namespace.spec_json, "tier": "gone"})
    client = client_of(alice)
    assert "change it first" in lease_of(client).one(id="renew-why").words
    assert "It can't be renewed as it is" in parse(client.get(URL)).one("main").words


def test_what_comes_next_of_the_lease_is_announced(client_of, bob, namespace):
    assert "Next reminder on" in lease_of(client_of(bob)).words
