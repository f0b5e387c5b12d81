from __future__ import annotations

import pytest
from django.urls import reverse

from provisioning import lifecycle
from provisioning.models import Check, Kind, Namespace, NamespaceStatus, Phase, Request
from tests.lifecycle import life
from tests.pages.looking import balancer, long_ago, look, pod, used, volume
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

URL, LOOK = "/namespaces/payments-dev/delete/", "/namespaces/payments-dev/delete/look/"
PROTECT = "/namespaces/payments-dev/protect/"
ASK = "Ask for deletion"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def namespace(alice, dana):
    return life.made(alice, dana, name="payments-dev", tier="small")


def form_of(client):
    """As the page offers it, with the name typed."""
    page = parse(client.get(URL))
    form = next(form for form in page.all("form") if form.attrs.get("action") == URL)
    return {**fields_of(form), "typed_name": "payments-dev"}


def ask_button(response):
    return next(item for item in parse(response).all("button") if item.words == ASK)


@pytest.mark.parametrize(
    ("who", "status"), [("alice", 200), ("dana", 200), ("bob", 403), ("frank", 403), ("carol", 404)]
)
def test_leads_and_admins_give_back_others_see_or_find_nothing(request, client_of, namespace, who, status):
    look(namespace)
    client = client_of(request.getfixturevalue(who))
    done = 303 if status == 200 else status
    assert client.get(URL).status_code == status
    assert client.get(URL, headers=HTMX).status_code == status
    assert client.post(URL, {"typed_name": "payments-dev"}).status_code == done
    assert client.post(LOOK).status_code == done
    assert client.post(PROTECT, {"protected": "yes"}).status_code == done
    assert Request.objects.filter(kind=Kind.DELETE).exists() == (status == 200)
    namespace.refresh_from_db()
    assert namespace.protected == (status == 200)


def test_it_begins_with_a_look_and_nothing_can_be_sent_before(client_of, alice, namespace):
    client = client_of(alice)
    button = ask_button(client.get(URL))
    assert "disabled" in button.attrs
    assert "Look first what is in it." in parse(client.get(URL)).one(id=button.described_by).words
    refused = client.post(URL, {"typed_name": "payments-dev", "force": "on"})
    assert refused.status_code == 422
    assert "Look first what is in it" in parse(refused).one("div", class_="error-summary").words
    assert client.post(LOOK)["Location"] == URL
    check = Check.objects.get()
    assert (check.name, check.asked_by, check.why) == ("payments-dev", alice, "delete")


def test_the_page_follows_the_look_and_then_stops(client_of, alice, namespace):
    client = client_of(alice)
    client.post(LOOK)
    live = parse(client.get(URL)).one(id="give-back")
    assert live.attrs["hx-get"].startswith(f"{URL}?v=")
    assert live.all("input", name="typed_name") == []
    unchanged = client.get(live.attrs["hx-get"], headers=HTMX)
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    look(namespace, pod(), volume())
    arrived = client.get(live.attrs["hx-get"], headers=HTMX)
    assert arrived.status_code == 200
    fresh = parse(arrived).one(id="give-back")
    assert "hx-get" not in fresh.attrs
    assert "1 pod, 1 volume (10Gi)" in fresh.words
    assert fresh.one("input", name="typed_name")
    assert "<html" not in arrived.content.decode()


def test_a_look_that_found_nothing_out_says_why_and_can_be_had_again(client_of, alice, namespace):
    check = lifecycle.ask_check("payments-dev", by=alice, why="delete")
    lifecycle.fail_check(check, "The pod could not start.")
    page = parse(client_of(alice).get(URL))
    assert "found nothing out. The pod could not start." in page.one(id="give-back").words
    again = next(item for item in page.all("button") if item.words == "Look what is in it")
    assert "disabled" not in again.attrs


def test_one_look_a_minute_is_enough(client_of, alice, namespace):
    check = look(namespace, by=alice)
    client = client_of(alice)
    button = next(item for item in parse(client.get(URL)).all("button") if item.words == "Look again")
    assert "disabled" in button.attrs
    client.post(LOOK)
    assert Check.objects.count() == 1
    long_ago(check, minutes=2)
    client.post(LOOK)
    assert Check.objects.count() == 2


def test_what_is_inside_and_what_is_lost_is_said_before_the_button(client_of, alice, namespace):
    look(namespace, pod("web-1"), pod("web-2"), volume("ledger-db", "10Gi"), balancer("front"), *used(secrets="11"))
    page = parse(client_of(alice).get(URL))
    rows = {
        row.one("th").words: row.one(data_label="Inside").words
        for row in page.one(aria_labelledby="inside-h").one("tbody").all("tr")
    }
    assert rows == {
        "Pods": "2: web-1, web-2",
        "Volumes": "1: ledger-db (10Gi)",
        "Services 1 with a load balancer": "1: front (203.0.113.7)",
    }
    lost = page.one(aria_labelledby="ask-h").one("div", class_="banner").words
    assert "It holds 2 pods, 1 volume (10Gi), 1 service (1 load balancer)" in lost
    for words in (
        "What its volumes hold is lost",
        "load balancers give their addresses up",
        "Nothing can bring it back",
        "no backup is on",
    ):
        assert words in lost
    assert "11 of 100" in page.one(aria_labelledby="inside-h").words


def test_force_is_needed_and_only_explicitly_when_something_is_inside(client_of, alice, namespace):
    look(namespace, pod())
    client = client_of(alice)
    data = form_of(client)
    assert "force" not in data
    refused = client.post(URL, data)
    assert refused.status_code == 422
    assert "say that all of it may be deleted" in parse(refused).one(id="id_force_error").words
    assert fields_of(next(f for f in parse(refused).all("form") if f.attrs.get("action") == URL))["typed_name"] == [
        "payments-dev"
    ]
    response = client.post(URL, {**data, "force": "on"})
    row = Request.objects.get(kind=Kind.DELETE)
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    assert (row.phase, row.force) == (Phase.PENDING, True)
    assert lifecycle.inventory_of(row).words == "1 pod"


def test_an_empty_one_asks_for_no_force(client_of, alice, namespace):
    look(namespace)
    client = client_of(alice)
    assert parse(client.get(URL)).all("input", name="force") == []
    assert client.post(URL, form_of(client)).status_code == 303
    assert not Request.objects.get(kind=Kind.DELETE).force


@pytest.mark.parametrize("typed", ["", "payments", "PAYMENTS-DEV", "payments-dev x", '"><script>alert(1)</script>'])
def test_the_name_has_to_be_typed_exactly(client_of, alice, namespace, typed):
    look(namespace)
    client = client_of(alice)
    response = client.post(URL, {**form_of(client), "typed_name": typed})
    assert response.status_code == 422
    assert "Type payments-dev, exactly." in parse(response).one(id="id_typed_name_error").words
    assert "<script>alert" not in response.content.decode()
    assert not Request.objects.filter(kind=Kind.DELETE).exists()


def test_what_was_seen_too_long_ago_is_looked_at_again(client_of, alice, namespace):
    check = look(namespace)
    client = client_of(alice)
    data = form_of(client)
    Check.objects.filter(pk=check.pk).update(inventory={**check.inventory, "taken_at": "2026-01-01T00:00:00Z"})
    long_ago(check, hours=2)
    page = parse(client.get(URL))
    assert "This is too old to ask with: look again." in page.one(id="look-why").words
    assert "disabled" in ask_button(client.get(URL)).attrs
    refused = client.post(URL, data)
    assert refused.status_code == 422
    assert "looked at too long ago" in parse(refused).one("div", class_="error-summary").words


def test_a_form_older_than_the_newest_look_gets_409_with_what_is_inside_now(client_of, alice, namespace):
    look(namespace)
    client = client_of(alice)
    data = form_of(client)
    look(namespace, pod("new-one"))
    response = client.post(URL, data)
    assert response.status_code == 409
    page = parse(response)
    assert "Somebody looked again while this page was open" in page.one("div", role="alert").words
    assert "new-one" in page.one(id="give-back").words
    assert not Request.objects.filter(kind=Kind.DELETE).exists()


def test_whoever_comes_second_gets_409(client_of, alice, dana, namespace):
    look(namespace)
    client = client_of(alice)
    data = form_of(client)
    other = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=dana)
    response = client.post(URL, data)
    assert response.status_code == 409
    page = parse(response)
    assert "There is an open request about this namespace" in page.one("div", role="alert").words
    assert page.one(id="standing").one("a").attrs["href"] == f"/requests/{other.pk}/"


def test_a_protected_one_refuses_and_says_how_to_go_on(client_of, alice, namespace):
    look(namespace)
    client = client_of(alice)
    data = form_of(client)
    client.post(PROTECT, {"protected": "yes"})
    page = parse(client.get("/namespaces/payments-dev/"))
    button = next(item for item in page.all("button") if item.words == "Give back")
    assert "disabled" in button.attrs
    assert "nobody can ask for its deletion" in page.one(id=button.described_by).words
    refused = client.post(URL, data)
    assert refused.status_code == 422
    assert "payments-dev is protected against deletion." in parse(refused).one("div", class_="error-summary").words
    form = next(form for form in parse(client.get(URL)).all("form") if form.attrs.get("action") == PROTECT)
    assert form.one("button").words == "Take the protection away"
    assert client.post(PROTECT, {"protected": form.one("button").attrs["value"]})["Location"] == URL
    assert client.post(URL, data).status_code == 303


def test_one_that_is_gone_from_the_cluster_can_be_given_back(client_of, alice, namespace):
    look(namespace, gone=True)
    client = client_of(alice)
    assert "The cluster has no namespace of this name any more" in parse(client.get(URL)).one(id="give-back").words
    response = client.post(URL, form_of(client))
    assert response.status_code == 303, parse(response).words


# ── the request, its approver, its end ───────────────────────────────────────────────────────────────────────


@pytest.fixture
def asked(client_of, alice, namespace):
    look(namespace, pod(), volume())
    client = client_of(alice)
    client.post(URL, {**form_of(client), "force": "on"})
    return Request.objects.get(kind=Kind.DELETE)


def test_everybody_of_the_team_sees_what_was_seen_and_the_force(client_of, bob, asked):
    page = parse(client_of(bob).get(f"/requests/{asked.pk}/"))
    about = page.one(id="run-kind").words
    assert "With force: all of it is deleted , 1 pod, 1 volume (10Gi)" in about
    assert "ledger-db (10Gi)" in about
    assert "yes: all that is in it" in page.one(id="run-side").words
    assert "Nothing is deleted before somebody approves." in page.one(id="run-outcome").words
    assert "Kubernetes objects" not in page.one(id="run-side").words


def test_the_approver_sees_inventory_and_force_and_grants_all_or_nothing(client_of, alice, dana, asked):
    client = client_of(dana)
    page = parse(client.get(f"/requests/{asked.pk}/review/"))
    assert "With force" in page.one(id="run-kind").words
    assert "ledger-db (10Gi)" in page.one(id="run-kind").words
    assert page.one(aria_labelledby="diff-h").one("h2").words == "What is deleted"
    assert [item.words for item in page.one(aria_labelledby="d-h").all("button") if "hidden" not in item.attrs] == [
        "Approve the deletion",
        "Deny",
    ]
    narrowed = {"decision": "approve_with_changes", "digest": asked.digest, "tier": "small", "lease_days": "1"}
    refused = client.post(f"/requests/{asked.pk}/decide/", narrowed)
    assert refused.status_code == 422
    assert "This is approved as it is asked, or not at all." in parse(refused).words
    changed = {"decision": "request_changes", "digest": asked.digest, "comment": "Why?"}
    assert client.post(f"/requests/{asked.pk}/decide/", changed).status_code == 422
    done = client.post(f"/requests/{asked.pk}/decide/", {"decision": "approve", "digest": asked.digest})
    assert done.status_code == 303
    asked.refresh_from_db()
    assert asked.phase == Phase.APPROVED


def test_nobody_decides_on_a_deletion_of_their_own(client_of, dana, namespace):
    look(namespace)
    client = client_of(dana)
    client.post(URL, form_of(client))
    row = Request.objects.get(kind=Kind.DELETE)
    answer = client.post(f"/requests/{row.pk}/decide/", {"decision": "approve", "digest": row.digest})
    assert answer.status_code == 403
    row.refresh_from_db()
    assert row.phase == Phase.PENDING


def test_a_deletion_with_gated_features_asks_for_no_ticks(client_of, alice, dana, namespace):
    life.changed(namespace, alice, dana, features=("external-egress", "logging"))
    look(namespace)
    row = lifecycle.open_delete(
        namespace, by=alice, inventory=lifecycle.fresh_inventory(namespace), typed_name="payments-dev"
    )
    answer = client_of(dana).post(f"/requests/{row.pk}/decide/", {"decision": "approve", "digest": row.digest})
    assert answer.status_code == 303


def test_in_the_queue_a_deletion_is_only_decided_on_its_own_page(client_of, dana, asked):
    client = client_of(dana)
    row = parse(client.get("/approvals/")).one("li", id=f"r-{asked.short_id}")
    assert row.all("button") == []
    assert [item.words for item in row.all("a")] == ["payments-dev", "Review"]
    opened = client.get(reverse("request_row", args=[asked.pk]), {"open": "1"}, headers=HTMX)
    assert parse(opened).all("form") == []


def test_a_look_since_then_is_told_to_the_approver(client_of, dana, namespace, asked):
    review = f"/requests/{asked.pk}/review/"
    assert "Looked at again" not in parse(client_of(dana).get(review)).one(id="run-kind").words
    look(namespace, pod(), pod("web-2"))
    assert "Looked at again" in parse(client_of(dana).get(f"/requests/{asked.pk}/review/")).one(id="run-kind").words
    assert "2 pods" in parse(client_of(dana).get(f"/requests/{asked.pk}/review/")).one(id="run-kind").words


def test_when_it_is_gone_the_page_says_so_and_hands_nothing_over(client_of, alice, dana, asked):
    life.end(life.approved(asked, dana))
    page = parse(client_of(alice).get(f"/requests/{asked.pk}/"))
    assert "payments-dev is deleted" in page.one(id="run-outcome").words
    assert page.all(id="sheet-h") == []
    assert Namespace.objects.get().status == NamespaceStatus.DELETED
    assert client_of(alice).get(URL).status_code == 404
    assert client_of(alice).get("/namespaces/payments-dev/").status_code == 200


def test_a_failed_deletion_can_be_asked_for_again_with_what_is_inside_now(client_of, alice, dana, namespace, asked):
    life.end(life.approved(asked, dana), Phase.FAILED, message="Something holds it.")
    client = client_of(alice)
    moves = parse(client.get(f"/requests/{asked.pk}/")).one("ul", class_="moves")
    assert [item.words for item in moves.all("h3")] == ["Retry", "Ask again", "Give up"]
    look(namespace)
    data = form_of(client)
    assert data["instead_of"] == [str(asked.pk)]
    assert client.post(URL, data).status_code == 303
    asked.refresh_from_db()
    assert asked.phase == Phase.CANCELLED
    assert Request.objects.live().get().kind == Kind.DELETE
