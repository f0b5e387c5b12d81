from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import LeaseNotice, Membership, Namespace, Phase, Request, Team
from tests.pages.page import parse

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def ready(open_request, dana):
    """A namespace that exists, by the way every namespace comes to be."""

    def make(name, days=90, **changes):
        row = open_request(name=name, **changes)
        if row.phase == Phase.PENDING:
            lifecycle.approve(row, by=dana, digest=row.digest)
        lifecycle.submitted(row.current_run, uid="1")
        lifecycle.finish(row.current_run, outcome=Phase.SUCCEEDED, message="", namespace_uid="2")
        Namespace.objects.filter(name=name).update(lease_ends_at=timezone.now() + timedelta(days=days))
        return Namespace.objects.get(name=name)

    return make


def home(client):
    response = client.get("/")
    assert response.status_code == 200
    return parse(response).one("main")


def needs(page):
    sections = page.all("section", id="needs")
    return [item.words for item in sections[0].all("li")] if sections else None


def recent(page):
    return [item.one("a").words for item in page.one("section", aria_labelledby="recent-h").all("li")]


def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, db):
    assert client.get("/")["Location"] == "/accounts/login/?next=/"


def test_home_only_shows(client_of, alice):
    assert client_of(alice).post("/").status_code == 405


def test_an_admin_sees_what_waits_for_them_and_not_their_own(client_of, dana, open_request, search):
    Membership.objects.create(user=dana, team=search, role=Membership.Role.LEAD)
    row = open_request()
    lifecycle.open_request(row.asked_spec.replace(name="search-a", team="search", admins=()), by=dana)
    page = home(client_of(dana))
    waiting = needs(page)
    assert len(waiting) == 1
    assert waiting[0].startswith("payments-prod waits for your decision")
    assert page.one("section", id="needs").one("a", class_="btn").attrs["href"] == f"/requests/{row.pk}/review/?queue=1"
    numbers = page.one("section", aria_labelledby="numbers-h").words
    assert "Waiting for a decision 2" in numbers


def test_an_admin_without_anything_to_decide_is_told_so(client_of, dana):
    page = home(client_of(dana))
    assert "Nothing waits for you." in page.one("section", id="needs").words


def test_a_lead_sees_what_failed_what_has_to_change_and_which_leases_end(client_of, alice, dana, open_request, ready):
    failed = open_request(name="payments-failed")
    lifecycle.approve(failed, by=dana, digest=failed.digest)
    lifecycle.finish(failed.current_run, outcome=Phase.FAILED, message="The cluster refused a network policy.")
    asked = open_request(name="payments-ask")
    lifecycle.request_changes(asked, by=dana, digest=asked.digest, comment="Is one GPU <i>enough</i>?")
    ready("payments-ending", days=5)
    ready("payments-long", days=200)
    page = home(client_of(alice))
    words = needs(page)
    assert len(words) == 3
    assert "payments-ask : Dana requests changes “Is one GPU <i>enough</i>?”" in words[0]
    assert words[1].startswith("payments-failed failed The cluster refused a network policy.")
    assert words[2].startswith("payments-ending : the lease ends on")
    section = page.one("section", id="needs")
    links = [item.attrs["href"] for item in section.all("a", class_="btn")]
    assert links == [
        f"/requests/{asked.pk}/edit/",
        f"/requests/{failed.pk}/",
        "/namespaces/payments-ending/",
    ]


def test_an_admin_is_told_of_leases_that_are_over_for_long(client_of, dana, bob, ready):
    ended, ready_now = ready("payments-ended", days=-8), ready("payments-just", days=-1)
    for namespace in (ended, ready_now):
        lease_steps_taken(namespace)
    words = needs(home(client_of(dana)))
    assert len(words) == 1
    assert words[0].startswith("payments-ended of team payments: the lease is over since")
    assert "the portal asks for its deletion, which a person decides on" in words[0]
    assert "payments-ended of team" not in home(client_of(bob)).words


def lease_steps_taken(namespace):
    """What the worker does when the clock says so."""
    for step in lifecycle.lease_steps(namespace, timezone.now()):
        LeaseNotice.objects.create(namespace=namespace, lease_ends_at=namespace.lease_ends_at, step=step.key)


def test_a_member_is_not_asked_for_what_leads_do_but_sees_namespaces_and_requests(
    client_of, bob, dana, open_request, ready
):
    asked = open_request(name="payments-ask")
    lifecycle.request_changes(asked, by=dana, digest=asked.digest, comment="Why?")
    ready("payments-perf", tier="medium", days=5)
    page = home(client_of(bob))
    assert needs(page) is None
    assert recent(page) == ["payments-perf", "payments-ask"]
    row = page.one("section", aria_labelledby="ns-h").all("tr")[1]
    assert [cell.words for cell in row.all("td")][:4] == ["Ready", "Medium", "4", "8 Gi"]
    assert row.one("a").attrs["href"] == "/namespaces/payments-perf/"
    assert page.all("a", href="/requests/new/") == []
    assert "Its leads ask for namespaces." in page.words


def test_a_stranger_sees_nothing_of_a_team(client_of, carol, ready, open_request):
    ready("payments-perf")
    open_request(name="payments-secret")
    response = client_of(carol).get("/")
    assert "payments" not in response.content.decode()
    assert "No namespace yet" in parse(response).one("main").words


def test_an_auditor_sees_everything_and_is_offered_nothing_to_do(client_of, frank, open_request):
    open_request()
    page = home(client_of(frank))
    assert "You see everything and change nothing." in page.words
    assert recent(page) == ["payments-prod"]
    assert "alice request.opened payments-prod" in page.one("section", aria_labelledby="events-h").words
    assert needs(page) is None
    assert page.all("a", href="/requests/new/") == []
    assert page.all("form") == []


def test_an_empty_home_tells_the_next_step(client_of, alice, bob, frank, django_user_model):
    lead = home(client_of(alice))
    assert [link.words for link in lead.all("a", href="/requests/new/")] == ["Request namespace"] * 2
    assert "Your team's lead can ask for one." in home(client_of(bob)).words
    alone = django_user_model.objects.create(username="gina")
    assert "A platform admin can add you to one." in home(client_of(alone)).words


def test_a_lead_sees_the_room_and_who_decides(client_of, alice, dana, erin, ready):
    ready("payments-perf", tier="medium")
    page = home(client_of(alice))
    room = page.one("section", aria_labelledby=f"room-{Team.objects.get(name='payments').pk}")
    assert "CPU 4 of 32" in room.words
    assert "Namespaces 1 of 10" in room.words
    deciders = page.one("section", aria_labelledby="admins-h").all("div", class_="grow")
    assert [item.words for item in deciders] == ["Dana Platform admin", "Erin Platform admin"]


def test_home_is_left_alone_until_something_changed(client_of, alice, dana, open_request):
    row = open_request()
    client = client_of(alice)
    live = home(client).one(id="home-live")
    assert live.attrs["hx-trigger"] == "every 30s"
    same = client.get(live.attrs["hx-get"], **HTMX)
    assert (same.status_code, same.content) == (204, b"")
    assert "HX-Request" in same["Vary"]
    lifecycle.deny(row, by=dana, digest=row.digest, comment="No")
    fresh = client.get(live.attrs["hx-get"], **HTMX)
    assert fresh.status_code == 200
    changed = parse(fresh).one(id="home-live")
    assert "Denied" in changed.words
    assert client.get(changed.attrs["hx-get"], **HTMX).status_code == 204
    assert "<html" not in fresh.content.decode()


@pytest.mark.parametrize("who", ["alice", "bob", "dana", "frank"])
def test_home_costs_the_same_with_one_row_and_with_three(request, client_of, dana, open_request, ready, who):
    client = client_of(request.getfixturevalue(who))

    def more(n):
        open_request(name=f"payments-p{n}")
        asked = open_request(name=f"payments-a{n}")
        lifecycle.request_changes(asked, by=dana, digest=asked.digest, comment="Why?")
        ready(f"payments-n{n}", days=5)

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get("/")
        return len(queries)

    Team.objects.update(max_namespaces=100)
    more(1)
    one = count()
    more(2)
    more(3)
    assert count() == one
    assert Request.objects.count() == 9
