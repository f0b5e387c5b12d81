from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning import lifecycle, manifests
from provisioning.models import Decision, Membership, Phase, Request
from provisioning.spec import Subject
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}
HOSTILE = '"><script>alert(1)</script>'


def review_url(row):
    return f"/requests/{row.pk}/review/"


def decide_url(row):
    return f"/requests/{row.pk}/decide/"


def decision_form(page):
    forms = [form for form in page.all("form") if form.attrs.get("action", "").endswith("/decide/")]
    assert len(forms) == 1
    return forms[0]


@pytest.mark.parametrize(
    ("who", "status"),
    [("alice", 404), ("bob", 404), ("carol", 404), ("frank", 404), ("dana", 200), ("erin", 200)],
)
def test_the_approvers_page_and_its_answers_are_for_platform_admins(request, client_of, open_request, who, status):
    row = open_request()
    client = client_of(request.getfixturevalue(who))
    assert client.get(review_url(row)).status_code == status
    assert client.post(review_url(row) + "granted/", {"digest": row.digest}).status_code == status
    news = client.get(review_url(row) + "news/", {"digest": row.digest, "phase": row.phase})
    assert news.status_code == (204 if status == 200 else 404)
    sent = client.post(decide_url(row), {"decision": "approve", "digest": row.digest})
    assert sent.status_code == (303 if status == 200 else 404)
    assert Decision.objects.count() == (1 if status == 200 else 0)


def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, open_request):
    row = open_request()
    for url in (review_url(row), review_url(row) + "news/"):
        assert client.get(url)["Location"].startswith("/accounts/login/")
    for url in (decide_url(row), review_url(row) + "granted/"):
        sent = client.post(url, {"decision": "approve", "digest": row.digest})
        assert sent["Location"].startswith("/accounts/login/")
    assert not Decision.objects.exists()


def test_a_decision_is_never_taken_by_looking(client_of, dana, open_request):
    row = open_request()
    assert client_of(dana).get(decide_url(row), {"decision": "approve", "digest": row.digest}).status_code == 405
    assert not Decision.objects.exists()


def test_the_page_shows_every_object_with_the_digest_the_reasons_and_the_room_left(client_of, dana, open_request):
    row = open_request(features=("external-egress", "logging"), editors=(Subject("Group", "devs"),), lease_days=365)
    page = parse(client_of(dana).get(review_url(row)))
    objects = manifests.objects_of(row.rendered)
    folds = page.one("section", aria_labelledby="objects-h").all("details")
    assert [fold.one("summary").words for fold in folds] == [
        f"{item['kind']} {item['metadata']['name']}" for item in objects
    ]
    for fold, item in zip(folds, objects, strict=True):
        assert f": {item['metadata']['name']}" in fold.one("code").words
    assert page.one("section", aria_labelledby="objects-h").one("span", class_="digest").attrs["title"] == row.digest
    reasons = [item.words for item in page.one("div", class_="verdict").all("li")]
    assert reasons == ["large tier", "external egress", "production", "a lease of 365 days"]
    asked = {tr.one("th").words: tr.one("td").words for tr in page.one("table").all("tr")[1:]}
    assert asked["Tier"] == "Large"
    assert asked["CPU"] == "8"
    assert asked["Features"] == "External egress, Logging"
    assert asked["Editors"] == "group devs"
    assert asked["Lease"] == "365 days"
    room = page.one("section", aria_labelledby="room-h").words
    assert "0 + 8 of 32" in room
    assert "Left afterwards: 24 CPU, 48 Gi memory, 150 pods, 9 namespaces." in room
    assert "Card payments" in page.one("blockquote").words
    assert fields_of(decision_form(page))["digest"] == [row.digest]


def test_the_four_answers_have_their_names(client_of, dana, open_request):
    page = parse(client_of(dana).get(review_url(open_request())))
    names = {item.attrs["value"]: item.words for item in decision_form(page).all("button", name="decision")}
    assert names["approve"] == "Approve"
    assert names["request_changes"] == "Request changes"
    assert names["deny"] == "Deny"
    assert decision_form(page).one("summary").words == "Approve with changes"


def test_enter_decides_nothing(client_of, dana, open_request):
    first = decision_form(parse(client_of(dana).get(review_url(open_request())))).all("button")[0]
    assert "disabled" in first.attrs


def test_gated_features_are_not_ticked_for_the_approver(client_of, dana, open_request):
    row = open_request(features=("external-egress", "logging"))
    client = client_of(dana)
    form = decision_form(parse(client.get(review_url(row))))
    assert "allow" not in fields_of(form)
    refused = client.post(decide_url(row), fields_of(form) | {"decision": ["approve"]})
    assert refused.status_code == 422
    assert "Tick External egress to allow it" in parse(refused).one("fieldset", id="id_allow").words
    assert not Decision.objects.exists()
    allowed = client.post(decide_url(row), fields_of(form) | {"decision": ["approve"], "allow": ["external-egress"]})
    assert allowed.status_code == 303
    row.refresh_from_db()
    assert row.phase == Phase.APPROVED


@pytest.mark.parametrize(
    ("decision", "phase", "said"),
    [
        ("approve", Phase.APPROVED, "payments-prod is approved. It is made now."),
        ("deny", Phase.DENIED, "payments-prod is denied. Alice reads why."),
        ("request_changes", Phase.CHANGES_REQUESTED, "Alice is asked to change payments-prod and send it again."),
    ],
)
def test_an_answer_is_taken_and_the_approver_goes_to_the_request(client_of, dana, open_request, decision, phase, said):
    row = open_request()
    client = client_of(dana)
    response = client.post(
        decide_url(row), {"decision": decision, "digest": row.digest, "comment": "Because <b>so</b>"}
    )
    assert (response.status_code, response["Location"]) == (303, f"/requests/{row.pk}/")
    row.refresh_from_db()
    assert (row.phase, row.decisions.get().comment) == (phase, "Because <b>so</b>")
    assert said in parse(client.get("/")).one(id="toasts").words
    assert "<b>so</b>" not in client.get(review_url(row)).content.decode()


def test_a_comment_that_is_missing_is_said_at_the_comment_and_nothing_is_lost(client_of, dana, open_request):
    row = open_request(features=("external-egress",))
    data = {"decision": "deny", "digest": row.digest, "comment": " ", "allow": "external-egress", "tier": "small"}
    response = client_of(dana).post(decide_url(row), data)
    assert response.status_code == 422
    page = parse(response)
    control = page.one("textarea", name="comment")
    assert control.attrs["aria-invalid"] == "true"
    assert page.one(id="id_comment_error").words == "Say why: the requester reads this."
    assert "id_comment_error" in control.described_by.split()
    kept = fields_of(decision_form(page))
    assert (kept["allow"], kept["tier"]) == (["external-egress"], ["small"])
    row.refresh_from_db()
    assert row.phase == Phase.PENDING


def test_from_the_queue_the_next_one_follows_and_then_the_queue(client_of, dana, open_request, search):
    Membership.objects.create(user=dana, team=search, role=Membership.Role.LEAD)
    first, second = open_request(name="payments-a"), open_request(name="payments-b")
    own = lifecycle.open_request(first.asked_spec.replace(name="search-a", team="search", admins=()), by=dana)
    client = client_of(dana)
    page = parse(client.get(review_url(first) + "?queue=1"))
    assert "1 more waits" in page.words
    sent = fields_of(decision_form(page)) | {"decision": ["approve"]}
    assert client.post(decide_url(first), sent)["Location"] == review_url(second) + "?queue=1"
    sent = fields_of(decision_form(parse(client.get(review_url(second) + "?queue=1")))) | {"decision": ["approve"]}
    assert client.post(decide_url(second), sent)["Location"] == "/approvals/"
    own.refresh_from_db()
    assert own.phase == Phase.PENDING


# ── separation of duties, races, old pages ───────────────────────────────────────────────────────────────────


def test_an_admin_sees_their_own_request_with_the_reason_and_cannot_decide_on_it(client_of, dana, search, open_request):
    Membership.objects.create(user=dana, team=search, role=Membership.Role.LEAD)
    own = lifecycle.open_request(open_request().asked_spec.replace(name="search-a", team="search", admins=()), by=dana)
    client = client_of(dana)
    page = parse(client.get(review_url(own)))
    button = page.one("button", class_="primary")
    assert "disabled" in button.attrs
    reason = "This is your own request: another platform admin has to decide."
    assert page.one(id=button.described_by).words == reason
    for decision in ("approve", "deny", "request_changes", "approve_with_changes"):
        response = client.post(decide_url(own), {"decision": decision, "digest": own.digest, "comment": "x"})
        assert response.status_code == 403
        assert reason in parse(response).words
    own.refresh_from_db()
    assert own.phase == Phase.PENDING
    assert not Decision.objects.exists()


def test_of_two_admins_the_second_is_told_by_whom_and_what(client_of, dana, erin, open_request):
    row = open_request()
    client = client_of(dana)
    sent = fields_of(decision_form(parse(client.get(review_url(row))))) | {"decision": ["approve"]}
    client_of(erin).post(decide_url(row), {"decision": "deny", "digest": row.digest, "comment": "Too large"})
    response = client.post(decide_url(row), sent)
    assert response.status_code == 409
    page = parse(response)
    told = page.one("div", role="alert").words
    assert "Already decided: denied by Erin. It is denied now." in told
    assert "Your decision was not taken." in told
    assert [form for form in page.all("form") if form.attrs.get("action", "").endswith("/decide/")] == []
    assert "Too large" in page.words
    assert [decision.by for decision in Decision.objects.all()] == [erin]


def test_an_old_digest_is_refused_and_the_page_shows_what_changed_and_by_whom(client_of, alice, dana, open_request):
    row = open_request()
    client = client_of(dana)
    sent = fields_of(decision_form(parse(client.get(review_url(row)))))
    sent |= {"decision": ["approve"], "comment": ["My words"]}
    lifecycle.resubmit(row, row.asked_spec.replace(tier="medium", purpose=HOSTILE), by=alice, revision=1)
    response = client.post(decide_url(row), sent)
    assert response.status_code == 409
    assert "<script>alert" not in response.content.decode()
    page = parse(response)
    told = page.one("div", role="alert")
    assert "Alice edited this request. Your decision was not taken." in told.words
    assert told.all("tr")[1].words == "Tier Large Medium"
    row.refresh_from_db()
    assert (row.phase, Decision.objects.count()) == (Phase.PENDING, 0)
    kept = fields_of(decision_form(page))
    assert (kept["digest"], kept["comment"]) == ([row.digest], ["My words"])
    assert client.post(decide_url(row), sent | {"digest": [row.digest]}).status_code == 303


@pytest.mark.parametrize("comment", ["", "No"])
def test_being_too_late_is_said_before_any_other_complaint(client_of, dana, erin, open_request, comment):
    row = open_request(features=("external-egress",))
    lifecycle.approve(row, by=erin, digest=row.digest)
    response = client_of(dana).post(decide_url(row), {"decision": "deny", "digest": row.digest, "comment": comment})
    assert response.status_code == 409
    assert "Already decided: approved by Erin." in parse(response).one("div", role="alert").words


def test_the_check_is_silent_until_the_request_changed_and_then_only_a_banner(client_of, alice, dana, open_request):
    row = open_request()
    client = client_of(dana)
    poll = parse(client.get(review_url(row))).one(id="review-news")
    assert (poll.attrs["hx-trigger"], "data-poll" in poll.attrs) == ("every 15s", True)
    assert client.get(poll.attrs["hx-get"], **HTMX).status_code == 204
    lifecycle.resubmit(row, row.asked_spec.replace(tier="medium"), by=alice, revision=1)
    response = client.get(poll.attrs["hx-get"], **HTMX)
    banner = parse(response).one(id="review-news")
    assert response.status_code == 200
    assert "Alice edited this request." in banner.words
    assert "hx-get" not in banner.attrs
    assert banner.one("a").attrs["href"] == review_url(row)
    assert banner.all("form") == banner.all("input") == []


def test_a_decided_request_polls_no_more(client_of, dana, erin, open_request):
    row = open_request()
    lifecycle.deny(row, by=erin, digest=row.digest, comment="No")
    page = parse(client_of(dana).get(review_url(row)))
    assert "hx-get" not in page.one(id="review-news").attrs
    assert "This request is denied: there is nothing to decide." in page.words


# ── two approvers ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_of_two_approvers_cannot_be_the_second(client_of, dana, erin, open_request):
    row = open_request(features=("gpu",), options={"gpu_count": "1"})
    data = {"decision": "approve", "digest": row.digest, "allow": "gpu"}
    client = client_of(dana)
    assert client.post(decide_url(row), data).status_code == 303
    row.refresh_from_db()
    assert row.phase == Phase.PENDING
    assert "One more platform admin has to approve it." in parse(client.get("/")).one(id="toasts").words
    page = parse(client.get(review_url(row)))
    assert "You approved it already" in page.one(id="why-not").words
    again = client.post(decide_url(row), data)
    assert again.status_code == 403
    assert client_of(erin).post(decide_url(row), data).status_code == 303
    row.refresh_from_db()
    assert row.phase == Phase.APPROVED


# ── approve with changes ─────────────────────────────────────────────────────────────────────────────────────


def changed(row, **more):
    data = {"digest": row.digest, "tier": "medium", "features": ["logging"], "lease_days": "30"}
    return {**data, "decision": "approve_with_changes", **more}


def test_changes_are_rendered_live_with_their_own_digest(client_of, dana, open_request):
    row = open_request(features=("external-egress", "logging"))
    client = client_of(dana)
    fragment = parse(client.post(review_url(row) + "granted/", changed(row), **HTMX))
    digest = fragment.one("input", name="granted_digest").attrs["value"]
    wanted = lifecycle.render_granted(row, row.asked_spec.replace(tier="medium", features=("logging",), lease_days=30))
    assert digest == wanted.digest
    rows = {tr.one("th").words: tr.words for tr in fragment.one("table").all("tr")[1:]}
    assert rows["Tier"] == "Tier Large Medium"
    assert rows["Lease"] == "Lease 90 days 30 days"
    removed = [item.one("summary").words for item in fragment.all("details") if "removed" in item.one("summary").words]
    assert removed == ["NetworkPolicy allow-external-egress, removed"]
    assert fragment.one("button", value="approve_with_changes").words == "Approve with changes"
    row.refresh_from_db()
    assert (row.phase, row.tier) == (Phase.PENDING, "large")


def test_what_is_granted_is_made_and_what_was_asked_is_kept(client_of, dana, open_request):
    row = open_request(features=("external-egress", "logging"))
    client = client_of(dana)
    fragment = parse(client.post(review_url(row) + "granted/", changed(row), **HTMX))
    digest = fragment.one("input", name="granted_digest").attrs["value"]
    response = client.post(decide_url(row), changed(row, granted_digest=digest))
    assert response.status_code == 303
    row.refresh_from_db()
    assert (row.phase, row.digest, row.tier) == (Phase.APPROVED, digest, "medium")
    assert (row.asked_spec.tier, row.spec.tier, row.spec.lease_days) == ("large", "medium", 30)
    page = parse(client.get(review_url(row)))
    rows = {tr.one("th").words: tr.words for tr in page.one("section", aria_labelledby="granted-h").all("tr")[1:]}
    assert rows["Tier"] == "Tier Large Medium"


@pytest.mark.parametrize("granted_digest", ["", "0" * 64])
def test_changes_are_never_taken_before_their_objects_were_shown(client_of, dana, open_request, granted_digest):
    row = open_request()
    client = client_of(dana)
    response = client.post(decide_url(row), changed(row, granted_digest=granted_digest))
    assert response.status_code == 422
    assert not Decision.objects.exists()
    page = parse(response)
    form = decision_form(page)
    again = fields_of(form) | {"decision": ["approve_with_changes"]}
    assert (again["tier"], again["lease_days"], again["features"]) == (["medium"], ["30"], ["logging"])
    assert "Approve with changes" in form.one("button", value="approve_with_changes").words
    assert client.post(decide_url(row), again).status_code == 303
    row.refresh_from_db()
    assert (row.phase, row.tier) == (Phase.APPROVED, "medium")


def test_only_less_than_what_is_asked_can_be_chosen(client_of, dana, open_request):
    row = open_request(tier="medium", features=("logging",), lease_days=90)
    form = decision_form(parse(client_of(dana).get(review_url(row))))
    assert [o.attrs["value"] for o in form.one("select", name="tier").all("option")] == ["small", "medium"]
    assert [o.attrs["value"] for o in form.one("select", name="lease_days").all("option")] == ["30", "90"]
    assert [o.attrs["value"] for o in form.all("input", name="features")] == ["logging"]
    response = client_of(dana).post(decide_url(row), changed(row, tier="large", features=["gpu"], lease_days="365"))
    assert response.status_code == 422
    assert "An approval can lower the tier, not raise it." in parse(response).words
    assert not Decision.objects.exists()


def test_nothing_chosen_says_what_to_do(client_of, dana, open_request):
    row = open_request()
    same = changed(row, tier="large", features=["logging", "monitoring"], lease_days="90")
    fragment = parse(client_of(dana).post(review_url(row) + "granted/", same, **HTMX))
    assert fragment.all("input", name="granted_digest") == []
    assert "Lower the tier, drop a feature or shorten the lease" in fragment.words


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_hostile_text_of_a_request_is_text_on_the_approvers_page(client_of, dana, open_request):
    row = open_request(purpose=HOSTILE, editors=(Subject("Group", HOSTILE),))
    html = client_of(dana).get(review_url(row)).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_page_costs_the_same_with_one_decision_and_with_three(client_of, alice, dana, erin, open_request):
    row = open_request()
    client = client_of(dana)

    def ask_again(revision):
        lifecycle.request_changes(row, by=erin, digest=row.digest, comment="Why?")
        lifecycle.resubmit(row, row.asked_spec.replace(purpose=f"Reason {revision}"), by=alice, revision=revision)

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(review_url(row))
        return len(queries)

    ask_again(1)
    one = count()
    ask_again(2)
    ask_again(3)
    assert count() == one
    assert Request.objects.get().decisions.count() == 3
