from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from provisioning import lifecycle
from provisioning.models import Kind, Namespace, Phase, Request
from tests.lifecycle import life
from tests.pages.looking import look, pod, used
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

URL, PREVIEW = "/namespaces/payments-dev/change/", "/namespaces/payments-dev/change/preview/"
HOSTILE = '"><script>alert(1)</script>{{7*7}}'


@pytest.fixture
def namespace(alice, dana):
    return life.made(alice, dana, name="payments-dev", tier="small")


def sent(**changes):
    data = {"revision": "1", "tier": "small", "features": ["logging", "monitoring"], "purpose": "Card payments"}
    return {**data, "admins": "alice@example.com", **changes}


def form_of(response):
    return parse(response).one("form", id="ask")


@pytest.mark.parametrize(
    ("who", "status"), [("alice", 200), ("dana", 200), ("bob", 403), ("frank", 403), ("carol", 404)]
)
def test_leads_and_admins_change_others_see_or_find_nothing(request, client_of, namespace, who, status):
    client = client_of(request.getfixturevalue(who))
    for response in (client.get(URL), client.post(PREVIEW, sent()), client.post(URL, sent(check="1"))):
        assert response.status_code == status
    assert client.post(URL, sent(tier="large")).status_code == (303 if status == 200 else status)
    assert Request.objects.filter(kind=Kind.CHANGE).exists() == (status == 200)


def test_the_form_holds_what_is_in_force_and_nothing_is_different_yet(client_of, alice, namespace):
    page = parse(client_of(alice).get(URL))
    begun = fields_of(page.one("form", id="ask"))
    assert (begun["tier"], begun["features"], begun["purpose"]) == (
        ["small"],
        ["monitoring", "logging"],
        ["Card payments"],
    )
    assert begun["admins"] == ["alice@example.com"]
    assert begun["revision"] == ["1"]
    assert "lease_days" not in begun
    assert "Nothing is changed yet" in page.one(id="preview").words
    assert "in force now" in page.one("div", class_="choices").words


def test_the_preview_says_what_each_object_becomes_and_what_that_means(client_of, alice, namespace):
    response = client_of(alice).post(
        PREVIEW, sent(tier="medium", features=["logging", "monitoring", "external-egress"])
    )
    page = parse(response).one(id="preview")
    words = page.words
    for meaning in ("pods 10 → 20", "CPU 2 → 4", "internet egress opened"):
        assert meaning in words
    assert "Needs a platform admin" in words
    quota = next(item for item in page.all("details") if "compute-resources" in item.words)
    rows = [row.words for row in quota.one("tbody").all("tr")]
    assert "spec.hard.pods 10 20" in rows
    policy = next(item for item in page.all("details") if "allow-external-egress" in item.words)
    assert "new" in policy.one("summary").words
    assert parse(response).one(id="headroom").attrs["hx-swap-oob"] == "true"


def test_shrinking_below_what_is_used_warns_with_the_numbers_and_blocks_nothing(client_of, alice, dana, namespace):
    life.changed(namespace, alice, dana, tier="medium")
    client = client_of(alice)
    unknown = parse(client.post(PREVIEW, sent(revision="2"))).one(id="preview").words
    assert "what is in use is not known: check it first" in unknown
    look(namespace, pod(), *used(pods="14", limits_cpu="3"))
    warned = parse(client.post(PREVIEW, sent(revision="2"))).one(id="preview").words
    assert "pods: 14 in use, 10 allowed from then on" in warned
    assert "limits.cpu: 3 in use, 2 allowed from then on" in warned
    response = client.post(URL, sent(revision="2"))
    assert response.status_code == 303
    page = parse(client.get(response["Location"])).one(id="run-kind")
    assert "pods: 14 in use" in page.words


def test_a_sent_change_becomes_a_request_with_its_difference_on_its_page(client_of, alice, namespace):
    client = client_of(alice)
    response = client.post(URL, sent(tier="large"))
    row = Request.objects.get(kind=Kind.CHANGE)
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    assert (row.phase, row.requester, row.namespace, row.tier) == (Phase.PENDING, alice, namespace, "large")
    page = parse(client.get(response["Location"]))
    assert "pods 10 → 50" in page.one(id="run-kind").words
    assert "Nothing is changed before somebody approves." in page.one(id="run-outcome").words
    assert "A platform admin decides next." in page.one(id="toasts").words


def test_a_change_inside_policy_is_approved_at_once(client_of, alice, namespace):
    client_of(alice).post(URL, sent(purpose="Something else"))
    assert Request.objects.get(kind=Kind.CHANGE).phase == Phase.APPROVED


def test_nothing_changed_is_refused_in_words(client_of, alice, namespace):
    response = client_of(alice).post(URL, sent())
    assert response.status_code == 422
    assert "nothing would change" in parse(response).one("div", class_="error-summary").words
    assert not Request.objects.filter(kind=Kind.CHANGE).exists()


def test_name_team_and_lease_stay_whatever_is_sent(client_of, alice, namespace, search):
    client_of(alice).post(URL, sent(tier="large", name="kube-system", team="search", lease_days="365"))
    spec = Request.objects.get(kind=Kind.CHANGE).spec
    assert (spec.name, spec.team, spec.lease_days) == ("payments-dev", "payments", 90)


def test_a_name_that_nobody_could_ask_for_any_more_does_not_keep_it_from_being_changed(client_of, alice, dana):
    made = life.made(alice, dana)
    Namespace.objects.filter(pk=made.pk).update(
        name="kube-payments", spec_json={**made.spec_json, "name": "kube-payments"}
    )
    response = client_of(alice).post("/namespaces/kube-payments/change/", sent(tier="medium"))
    assert response.status_code == 303, parse(response).words


def test_hostile_input_comes_back_as_text(client_of, alice, namespace):
    response = client_of(alice).post(
        URL, sent(tier=HOSTILE, features=[HOSTILE], admins=HOSTILE, purpose=HOSTILE, revision="1", instead_of=HOSTILE)
    )
    assert response.status_code == 422
    assert "<script>alert" not in response.content.decode()
    assert HOSTILE in fields_of(form_of(response))["purpose"]


@pytest.mark.parametrize("name", ["none", "payments-dev\0", "%3Cscript%3E"])
def test_what_is_not_there_is_not_found(client_of, alice, namespace, name):
    for path in ("change/", "renew/", "delete/", "revisions/1/"):
        assert client_of(alice).get(f"/namespaces/{name}/{path}").status_code == 404


# ── what stands against it ───────────────────────────────────────────────────────────────────────────────────


def test_while_a_request_is_open_the_form_says_why_it_cannot_be_sent(client_of, alice, namespace):
    client = client_of(alice)
    client.post(URL, sent(tier="large"))
    page = parse(client.get(URL))
    button = next(item for item in page.all("button") if item.words == "Ask for this change")
    assert "disabled" in button.attrs
    assert "One at a time" in page.one(id=button.described_by).words
    assert page.one(id="standing").one("a").attrs["href"] == f"/requests/{Request.objects.get(kind=Kind.CHANGE).pk}/"


def test_whoever_comes_second_gets_409_and_keeps_what_was_typed(client_of, alice, dana, namespace):
    client = client_of(alice)
    lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=dana)
    response = client.post(URL, sent(purpose="Mine"))
    assert response.status_code == 409
    page = parse(response)
    assert "There is an open request about this namespace" in page.one("div", role="alert").words
    assert fields_of(page.one("form", id="ask"))["purpose"] == ["Mine"]
    assert Request.objects.filter(kind=Kind.CHANGE).count() == 1


def test_a_form_older_than_what_is_in_force_gets_409_with_both_sides(client_of, alice, dana, namespace):
    life.changed(namespace, alice, dana, tier="medium")
    response = client_of(alice).post(URL, sent(tier="large"))
    assert response.status_code == 409
    page = parse(response)
    assert "Another change came into force while this page was open." in page.one("div", role="alert").words
    tier = page.one(aria_labelledby="clash-h").one("tbody").all("tr")[0]
    assert tier.words == "Tier Medium Large"
    assert fields_of(page.one("form", id="ask"))["revision"] == ["2"]


def failed_change(namespace, alice, dana):
    row = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    return life.end(life.approved(row, dana), Phase.FAILED, message="The quota was refused.")


def test_another_change_takes_the_place_of_one_that_failed(client_of, alice, dana, namespace):
    failed = failed_change(namespace, alice, dana)
    client = client_of(alice)
    page = parse(client.get(URL))
    assert "it is given up, and this takes its place" in page.one(id="standing").words
    data = {**fields_of(page.one("form", id="ask")), "tier": "medium"}
    assert client.post(URL, data).status_code == 303
    failed.refresh_from_db()
    assert failed.phase == Phase.CANCELLED
    assert Request.objects.live().get().tier == "medium"


def test_a_failed_change_that_the_form_did_not_know_of_is_not_given_up(client_of, alice, dana, namespace):
    failed = failed_change(namespace, alice, dana)
    assert client_of(alice).post(URL, sent(tier="medium")).status_code == 409
    failed.refresh_from_db()
    assert failed.phase == Phase.FAILED


def test_a_failed_change_offers_retry_and_the_previous_revision(client_of, alice, dana, namespace):
    failed = failed_change(namespace, alice, dana)
    client = client_of(alice)
    moves = parse(client.get(f"/requests/{failed.pk}/")).one("ul", class_="moves")
    assert [item.words for item in moves.all("h3")] == [
        "Retry",
        "Change and resubmit",
        "Back to the previous revision",
        "Give up",
    ]
    back = next(form for form in moves.all("form") if "repair" in form.attrs["action"])
    response = client.post(back.attrs["action"], fields_of(back))
    assert response.status_code == 303
    repair = Request.objects.live().get()
    assert repair.is_repair
    failed.refresh_from_db()
    assert failed.phase == Phase.CANCELLED
    assert "It applies what is in force once more" in parse(client.get(response["Location"])).one(id="run-kind").words


# ── editing, deciding ────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_edited_by_its_own_form_and_judged_anew(client_of, alice, namespace):
    client = client_of(alice)
    client.post(URL, sent(tier="large"))
    row = Request.objects.get(kind=Kind.CHANGE)
    page = parse(client.get(f"/requests/{row.pk}/edit/"))
    form = page.one("form", id="ask")
    assert "pods 10 → 50" in page.one(id="preview").words
    preview = client.post(form.attrs["hx-post"], {**fields_of(form), "tier": "medium"})
    assert "pods 10 → 20" in parse(preview).one(id="preview").words
    assert client.post(f"/requests/{row.pk}/edit/", {**fields_of(form), "tier": "medium"}).status_code == 303
    row.refresh_from_db()
    assert (row.tier, row.revision) == ("medium", 2)
    stale = client.post(f"/requests/{row.pk}/edit/", {**fields_of(form), "tier": "large"})
    assert stale.status_code == 409


def test_of_a_renewal_only_the_lease_is_edited(client_of, alice, dana, namespace):
    row = lifecycle.renew(namespace, 365, by=alice)
    client = client_of(alice)
    form = parse(client.get(f"/requests/{row.pk}/edit/")).one("form", id="ask")
    assert set(fields_of(form)) == {"csrfmiddlewaretoken", "revision", "lease_days"}
    data = {**fields_of(form), "lease_days": "180", "tier": "large"}
    response = client.post(f"/requests/{row.pk}/edit/", data)
    assert response.status_code == 303, parse(response).words
    row.refresh_from_db()
    assert (row.spec.lease_days, row.spec.tier) == (180, "small")


def test_the_approver_sees_the_difference_and_cannot_grant_less_than_there_is(client_of, alice, dana, namespace):
    life.changed(namespace, alice, dana, tier="medium")
    row = lifecycle.open_change(
        namespace, namespace.spec.replace(tier="large", features=("external-egress", "logging", "monitoring")), by=alice
    )
    page = parse(client_of(dana).get(f"/requests/{row.pk}/review/"))
    assert "pods 20 → 50" in page.one(id="run-kind").words
    rows = [item.words for item in page.one(aria_labelledby="diff-h").one("tbody").all("tr")]
    assert rows[0] == "Tier Medium Large"
    assert "Features Logging, Monitoring External egress, Logging, Monitoring" in rows
    assert [item.words for item in page.one("select", id="id_tier").all("option")] == ["Medium", "Large (as asked)"]
    assert [item.words for item in page.one("select", id="id_lease_days").all("option")] == ["90 days (as asked)"]
    held = [item.attrs["value"] for item in page.all("input", type="hidden", name="features")]
    assert held == ["logging", "monitoring"]


def test_a_gate_that_was_passed_before_asks_nobody_again(client_of, alice, dana, namespace):
    with_egress = ("external-egress", "logging", "monitoring")
    life.changed(namespace, alice, dana, features=with_egress)
    row = lifecycle.open_change(namespace, namespace.spec.replace(tier="large"), by=alice)
    client = client_of(dana)
    page = parse(client.get(f"/requests/{row.pk}/review/"))
    assert page.all("input", name="allow") == []
    response = client.post(f"/requests/{row.pk}/decide/", {"decision": "approve", "digest": row.digest})
    assert response.status_code == 303
    row.refresh_from_db()
    assert row.phase == Phase.APPROVED


def test_without_script_a_button_draws_the_page_again_with_the_answers(client_of, alice, namespace):
    client = client_of(alice)
    form = form_of(client.get(URL))
    checks = [item for item in form.all("button") if item.attrs.get("name") == "check"]
    assert [item.words for item in checks] == ["Check", "Check"]
    page = parse(client.post(URL, sent(tier="medium", check="1")))
    assert "pods 10 → 20" in page.one(id="preview").words
    assert not Request.objects.filter(kind=Kind.CHANGE).exists()


def queries(client, url):
    with CaptureQueriesContext(connection) as found:
        assert client.get(url).status_code == 200
    return len(found)


def test_as_many_queries_with_three_revisions_as_with_one(client_of, alice, dana, namespace):
    client = client_of(alice)
    client.get("/namespaces/payments-dev/")
    before = {url: queries(client, url) for url in (URL, "/namespaces/payments-dev/")}
    for tier in ("medium", "large"):
        life.changed(namespace, alice, dana, tier=tier)
    assert {url: queries(client, url) for url in before} == before


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_change_is_asked_and_the_other_person_is_told(client_of, alice, dana, payments):
    life.made(alice, dana, name="payments-dev", tier="small")
    start = Barrier(2)

    def change(who):
        client = client_of(who)
        try:
            start.wait(30)
            return client.post(URL, sent(tier="large", purpose=who.username)).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(task.result() for task in [pool.submit(change, alice), pool.submit(change, dana)])
    assert answers == [303, 409]
    assert Request.objects.live().count() == 1
