from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning import lifecycle
from provisioning.models import Check, CheckState, Kind, Namespace, Phase, Request
from tests.lifecycle import life
from tests.pages.looking import item_of, live_of, long_ago, look, pod
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

PAGE, CHECK, REPAIR = "/namespaces/payments-dev/", "/namespaces/payments-dev/check/", "/namespaces/payments-dev/repair/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def namespace(alice, dana):
    return life.made(alice, dana, name="payments-dev", tier="small")


def drifted(namespace):
    """A quota that somebody raised, a key that somebody added, a policy that is gone and one that is not ours."""
    live = live_of(namespace)
    hard = item_of(live, "ResourceQuota")["spec"]["hard"]
    hard |= {"pods": "25", "count/jobs.batch": "5"}
    items = live["objects"]["items"]
    items.remove(item_of(live, "NetworkPolicy", "allow-dns"))
    items.append({"kind": "NetworkPolicy", "metadata": {"name": "allow-all-temp"}, "spec": {"ingress": [{}]}})
    return live


def card_of(client):
    return parse(client.get(PAGE)).one(id="drift")


@pytest.mark.parametrize(
    ("who", "status"), [("alice", 303), ("dana", 303), ("bob", 403), ("frank", 403), ("carol", 404)]
)
def test_leads_and_admins_check_and_repair_others_see_or_find_nothing(request, client_of, namespace, who, status):
    client = client_of(request.getfixturevalue(who))
    assert client.get(CHECK).status_code == (404 if who == "carol" else 200)
    assert client.post(CHECK).status_code == status
    assert client.post(REPAIR).status_code == status
    assert Check.objects.exists() == Request.objects.filter(kind=Kind.CHANGE).exists() == (status == 303)


def test_before_the_first_look_the_page_says_that_nobody_looked(client_of, alice, namespace):
    card = card_of(client_of(alice))
    assert "Nobody has compared it" in card.words
    assert [item.words for item in card.all("button")] == ["Check now"]


def test_what_is_as_granted_says_so_and_offers_no_repair(client_of, alice, namespace):
    look(namespace, pod())
    card = card_of(client_of(alice))
    assert "In the cluster: as granted" in card.words
    assert "Inside: 1 pod." in card.words
    assert [item.words for item in card.all("button")] == ["Check now"]


def test_findings_say_want_and_have_and_what_a_repair_leaves_has_its_command(client_of, bob, namespace):
    look(namespace, live=drifted(namespace))
    card = card_of(client_of(bob))
    assert "Drift: 4 findings" in card.one("h2").words
    rows = {row.one("th").words: row for row in card.one("tbody").all("tr")}
    quota = rows["ResourceQuota/compute-resources changed: spec.hard.pods"]
    assert (quota.one(data_label="Granted").words, quota.one(data_label="In the cluster").words) == ("10", "25")
    added = rows["ResourceQuota/compute-resources changed: spec.hard[count/jobs.batch]"]
    assert added.one(data_label="Granted").words == "nothing"
    assert "kubectl patch resourcequota compute-resources -n payments-dev --type=json" in added.one("code").words
    assert rows["NetworkPolicy/allow-dns missing"].one(data_label="In the cluster").words == "nothing"
    foreign = rows["NetworkPolicy/allow-all-temp foreign: the portal does not know it"]
    assert foreign.one("code").words == "kubectl delete networkpolicy allow-all-temp -n payments-dev"
    assert card.all("button") == []


def test_what_stands_in_the_cluster_comes_as_text(client_of, alice, namespace):
    live = live_of(namespace)
    item_of(live, "ResourceQuota")["spec"]["hard"]["pods"] = HOSTILE
    look(namespace, live=live)
    html = client_of(alice).get(PAGE).content.decode()
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)" in html


def test_check_now_asks_once_and_the_page_follows_it(client_of, alice, namespace):
    client = client_of(alice)
    form = card_of(client).one("form")
    response = client.post(form.attrs["action"], fields_of(form))
    assert response["Location"] == f"{PAGE}#drift"
    client.post(CHECK)
    check = Check.objects.get()
    assert (check.asked_by, check.state) == (alice, CheckState.QUEUED)
    card = card_of(client)
    assert "disabled" in card.one("button").attrs
    assert "A look is under way." in card.one(id="check-why").words
    polled = client.get(card.attrs["hx-get"])
    assert (polled.status_code, polled.content) == (204, b"")
    look(namespace)
    arrived = parse(client.get(card.attrs["hx-get"])).one(id="drift")
    assert "as granted" in arrived.words
    assert "hx-get" not in arrived.attrs


def test_once_a_minute_is_enough(client_of, alice, namespace):
    check = look(namespace, by=alice)
    client = client_of(alice)
    client.post(CHECK)
    assert Check.objects.count() == 1
    assert "once a minute is enough" in parse(client.get(PAGE)).one(id="toasts").words
    long_ago(check, minutes=2)
    client.post(CHECK)
    assert Check.objects.count() == 2


def test_what_failed_says_why_beside_what_was_found_last(client_of, alice, namespace):
    long_ago(look(namespace, live=drifted(namespace)), minutes=5)
    lifecycle.fail_check(lifecycle.ask_check("payments-dev", by=alice), "No node had room.")
    card = card_of(client_of(alice))
    assert "found nothing out. No node had room." in card.words
    assert "Drift: 4 findings" in card.words


def test_what_an_older_revision_was_compared_with_says_so(client_of, alice, dana, namespace):
    look(namespace)
    life.changed(namespace, alice, dana, tier="medium")
    assert "against revision 1" in card_of(client_of(alice)).words


def test_a_repair_is_a_request_that_puts_back_what_was_granted(client_of, alice, dana):
    made = life.made(alice, dana)
    look(made, live=drifted(made))
    client = client_of(alice)
    form = next(
        f
        for f in parse(client.get("/namespaces/payments-prod/")).one(id="drift").all("form")
        if "repair" in f.attrs["action"]
    )
    response = client.post(form.attrs["action"], fields_of(form))
    row = Request.objects.get(kind=Kind.CHANGE)
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    assert (row.is_repair, row.phase) == (True, Phase.PENDING)
    page = parse(client.get(response["Location"]))
    assert "A repair" in page.one(id="run-kind").words
    assert not page.all("a", href=f"/requests/{row.pk}/edit/")
    assert client.get(f"/requests/{row.pk}/edit/").status_code == 403
    review = parse(client_of(dana).get(f"/requests/{row.pk}/review/"))
    assert "Approve with changes" not in review.words


def test_a_repair_while_a_request_is_open_is_not_offered_and_answered_with_409(client_of, alice, namespace):
    look(namespace, live=drifted(namespace))
    row = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    client = client_of(alice)
    button = next(item for item in card_of(client).all("button") if item.words == "Repair")
    assert "disabled" in button.attrs
    assert "One at a time" in card_of(client).one(id=button.described_by).words
    response = client.post(REPAIR)
    assert response.status_code == 409
    page = parse(response)
    assert "There is an open request" in page.one("div", role="alert").words
    assert page.one(id="standing").one("a").attrs["href"] == f"/requests/{row.pk}/"


def test_one_that_is_gone_says_so_and_offers_no_repair(client_of, alice, namespace):
    look(namespace, gone=True)
    card = card_of(client_of(alice))
    assert "Gone from the cluster" in card.one("h2").words
    assert [item.words for item in card.all("button")] == ["Check now"]


def test_as_many_queries_with_four_findings_and_twenty_looks_as_with_one(client_of, alice, namespace):
    client = client_of(alice)
    client.get(PAGE)
    long_ago(look(namespace), minutes=9)
    counts = []
    for live in (None, drifted(namespace)):
        for _ in range(5 if live else 1):
            long_ago(look(namespace, live=live), minutes=8)
        with CaptureQueriesContext(connection) as found:
            client.get(PAGE)
        counts.append(len(found))
    assert counts[0] == counts[1]
    assert Namespace.objects.get().drift == 4


def test_looks_renewals_and_protection_are_told_in_the_namespaces_events(client_of, alice, namespace):
    look(namespace, by=alice, live=drifted(namespace))
    lifecycle.protect(namespace, True, by=alice)
    lifecycle.renew(namespace, 180, by=alice)
    told = [item.words for item in parse(client_of(alice).get(PAGE)).one(aria_labelledby="ev-h").all("li")]
    namespace.refresh_from_db()
    assert told[0].startswith(f"Lease renewed, to {namespace.lease_ends_at:%Y-%m-%d}")
    assert told[1].startswith("Protected against deletion")
    assert told[2].startswith("Looked at in the cluster: 4 findings")
