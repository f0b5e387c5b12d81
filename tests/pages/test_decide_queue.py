from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import Decision, Membership, Phase, Request
from provisioning.pages.decide.queue import PAGE_SIZE
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

QUEUE, NEWS, SELECTION, BULK = "/approvals/", "/approvals/news/", "/approvals/selection/", "/approvals/bulk/"
HTMX = {"HTTP_HX_REQUEST": "true"}


def line(page, row):
    return page.one("li", id=f"r-{row.short_id}")


def waits(row, **ago):
    Request.objects.filter(pk=row.pk).update(waiting_since=timezone.now() - timedelta(**ago))
    row.refresh_from_db()
    return row


@pytest.fixture
def own(dana, search):
    """A request that Dana, who decides, asks for herself."""
    Membership.objects.create(user=dana, team=search, role=Membership.Role.LEAD)

    def make(**changes):
        return lifecycle.open_request(spec_of_search(**changes), by=dana)

    return make


def spec_of_search(**changes):
    from_payments = Request.objects.first()
    base = from_payments.asked_spec if from_payments else None
    assert base is not None, "open one of payments first"
    return base.replace(**{"name": "search-own", "team": "search", "admins": (), **changes})


@pytest.mark.parametrize(
    ("who", "status"),
    [("alice", 404), ("bob", 404), ("carol", 404), ("frank", 404), ("dana", 200), ("erin", 200)],
)
def test_the_queue_is_for_platform_admins_and_for_others_it_does_not_exist(
    request, client_of, open_request, who, status
):
    row = open_request()
    client = client_of(request.getfixturevalue(who))
    assert client.get(QUEUE).status_code == status
    assert client.get(NEWS, {"since": "2026-01-01T00:00:00Z"}).status_code == status
    assert client.get(SELECTION).status_code == status
    assert client.get(f"/requests/{row.pk}/review/row/").status_code == status
    bulk = client.post(BULK, {"selected": f"{row.pk}:{row.digest}"})
    assert bulk.status_code == (303 if status == 200 else 404)
    assert Decision.objects.count() == (1 if status == 200 else 0)


def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, open_request):
    row = open_request()
    for url in (QUEUE, NEWS, SELECTION, f"/requests/{row.pk}/review/row/"):
        assert client.get(url)["Location"].startswith("/accounts/login/")
    assert client.post(BULK, {"selected": f"{row.pk}:{row.digest}"})["Location"].startswith("/accounts/login/")
    assert not Decision.objects.exists()


def test_the_queue_says_who_what_why_and_since_when_the_longest_first(client_of, dana, open_request):
    second = waits(open_request(name="payments-b", tier="medium"), hours=1)
    first = waits(open_request(name="payments-prod", features=("external-egress",)), hours=27)
    page = parse(client_of(dana).get(QUEUE))
    shown = page.one("ul", class_="queue").all("li", data_row="*")
    assert [item.attrs["id"] for item in shown] == [f"r-{row.short_id}" for row in (first, second)]
    words = shown[0].words
    assert "payments-prod" in words
    assert "Alice · team payments" in words
    assert "Large : 8 CPU, 16 Gi" in words.replace("Large:", "Large :")
    assert "external-egress (gated)" in words
    for reason in ("large tier", "external egress", "production"):
        assert reason in [item.words for item in shown[0].one("ul", class_="reasons").all("li")]
    assert shown[0].one("time").attrs["datetime"] == first.waiting_since.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "2 wait for a decision" in page.one("main").words


def test_an_empty_queue_says_so(client_of, dana):
    assert "Nothing waits for you" in parse(client_of(dana).get(QUEUE)).one("main").words


def test_what_was_decided_is_not_in_the_queue(client_of, dana, open_request):
    row = open_request()
    lifecycle.deny(row, by=dana, digest=row.digest, comment="No")
    assert parse(client_of(dana).get(QUEUE)).all("li", id=f"r-{row.short_id}") == []


def test_own_requests_are_shown_but_not_decidable_with_the_reason(client_of, dana, open_request, own):
    open_request()
    row = own()
    item = line(parse(client_of(dana).get(QUEUE)), row)
    button, box = item.one("button"), item.one("input", type="checkbox")
    for control in (button, box):
        assert "disabled" in control.attrs
        reason = item.one(id=control.described_by)
        assert reason.words == "This is your own request: another platform admin has to decide."
    assert item.all("form") == []
    opened = line(parse(client_of(dana).get(f"/requests/{row.pk}/review/row/?open=1", **HTMX)), row)
    assert opened.all("form") == []


def test_what_cannot_go_together_says_why(client_of, dana, open_request):
    gated = open_request(features=("external-egress",))
    plain = open_request(name="payments-b")
    page = parse(client_of(dana).get(QUEUE))
    box = line(page, gated).one("input", type="checkbox")
    assert "disabled" in box.attrs
    assert "External egress has to be allowed by name" in page.one(id=box.described_by).words
    free = line(page, plain).one("input", type="checkbox")
    assert "disabled" not in free.attrs
    assert (free.attrs["form"], free.attrs["value"]) == ("bulk", f"{plain.pk}:{plain.digest}")


def test_the_queue_costs_the_same_with_one_row_and_with_three(client_of, dana, open_request):
    client = client_of(dana)
    open_request(name="payments-a", features=("gpu",), options={"gpu_count": "1"})

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(QUEUE)
        return len(queries)

    one = count()
    for name in ("payments-b", "payments-c"):
        open_request(name=name, features=("gpu",), options={"gpu_count": "1"})
    assert count() == one


def test_pages_of_the_queue_show_every_row_once(client_of, dana, open_request):
    rows = [waits(open_request(name=f"payments-{n}"), hours=100 - n // 2) for n in range(PAGE_SIZE + 2)]
    client = client_of(dana)
    first = parse(client.get(QUEUE))
    more = first.one("a", rel="next")
    second = parse(client.get(QUEUE + more.attrs["href"]))
    shown = [item.attrs["id"] for page in (first, second) for item in page.all("li", data_row="*")]
    assert len(shown) == len(set(shown)) == len(rows)
    assert len(first.all("li", data_row="*")) == PAGE_SIZE
    assert second.one("a", href=QUEUE, class_="sm").words == "First page"
    assert second.all("a", rel="next") == []


@pytest.mark.parametrize(
    "cursor", ["x", "~", "2026-99-01~x", "2026-01-01T00:00:00~00000000-0000-0000-0000-000000000000"]
)
def test_a_cursor_that_cannot_be_read_begins_at_the_first_row(client_of, dana, open_request, cursor):
    row = open_request()
    assert line(parse(client_of(dana).get(QUEUE, {"after": cursor})), row)


# ── the poll ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_poll_only_tells_how_many_are_new(client_of, dana, open_request):
    waits(open_request(), hours=1)
    client = client_of(dana)
    poll = parse(client.get(QUEUE)).one(id="queue-news")
    assert (poll.attrs["hx-trigger"], poll.attrs["role"], poll.words) == ("every 15s", "status", "")
    url = poll.attrs["hx-get"]
    assert client.get(url, **HTMX).status_code == 204
    for name in ("payments-b", "payments-c"):
        open_request(name=name)
    news = client.get(url, **HTMX)
    told = parse(news).one(id="queue-news")
    assert told.words == "2 new requests: show"
    assert told.one("a").attrs["href"] == QUEUE
    assert client.get(told.attrs["hx-get"], **HTMX).status_code == 204


@pytest.mark.parametrize("since", ["", "yesterday", "2026-13-45T99:00:00Z", "2026-01-01T00:00:00"])
def test_a_poll_without_a_time_is_refused(client_of, dana, since):
    assert client_of(dana).get(NEWS, {"since": since}).status_code == 400


# ── deciding in the line ─────────────────────────────────────────────────────────────────────────────────────


def test_decide_opens_in_the_line_with_a_fresh_digest(client_of, alice, dana, open_request):
    row = open_request()
    client = client_of(dana)
    button = line(parse(client.get(QUEUE)), row).one("button", data_decide="*")
    assert button.attrs["aria-expanded"] == "false"
    lifecycle.resubmit(row, row.asked_spec.replace(tier="medium"), by=alice, revision=1)
    opened = line(parse(client.get(button.attrs["hx-get"], **HTMX)), row)
    form = opened.one("form", class_="decide-panel")
    row.refresh_from_db()
    assert fields_of(form)["digest"] == [row.digest]
    assert opened.one("button", data_decide="*").attrs["aria-expanded"] == "true"
    assert [item.words for item in form.all("button", name="decision")] == ["Approve", "Request changes", "Deny"]


def test_an_answer_in_the_line_replaces_the_line(client_of, dana, open_request):
    row = open_request()
    response = client_of(dana).post(
        f"/requests/{row.pk}/decide/", {"decision": "approve", "digest": row.digest}, **HTMX
    )
    item = line(parse(response), row)
    assert (response.status_code, item.one(role="status").words) == (200, "payments-prod is approved. It is made now.")
    assert item.all("form") == item.all("input") == []
    row.refresh_from_db()
    assert row.phase == Phase.APPROVED


def test_an_error_in_the_line_stands_at_its_field_and_keeps_what_was_ticked(client_of, dana, open_request):
    row = open_request(features=("external-egress",))
    data = {"decision": "deny", "digest": row.digest, "comment": "", "allow": "external-egress"}
    response = client_of(dana).post(f"/requests/{row.pk}/decide/", data, **HTMX)
    assert response.status_code == 422
    item = line(parse(response), row)
    control = item.one("textarea", name="comment")
    assert item.one(id=f"{control.attrs['id']}_error").words == "Say why: the requester reads this."
    assert item.one("label", for_=control.attrs["id"])
    assert fields_of(item.one("form"))["allow"] == ["external-egress"]
    assert not Decision.objects.exists()


def test_a_lost_race_in_the_line_shows_by_whom_and_what(client_of, dana, erin, open_request):
    row = open_request()
    lifecycle.deny(row, by=erin, digest=row.digest, comment="No")
    data = {"decision": "approve", "digest": row.digest}
    response = client_of(dana).post(f"/requests/{row.pk}/decide/", data, **HTMX)
    item = line(parse(response), row)
    assert response.status_code == 409
    told = "Already decided: denied by Erin. It is denied now. Your decision was not taken."
    assert item.one(role="status").words == told
    assert "Denied" in item.words
    assert item.all("form") == []


# ── several together ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_bar_says_what_the_selected_come_to(client_of, dana, open_request):
    rows = [open_request(name=f"payments-{n}", tier="medium") for n in "ab"]
    chosen = {"selected": [f"{row.pk}:{row.digest}" for row in rows]}
    words = parse(client_of(dana).get(SELECTION, chosen, **HTMX)).words
    assert words.startswith("2 selected: payments-a , payments-b".replace(" ,", ","))
    assert "8 CPU and 16 Gi together" in words


def test_approving_together_gives_each_its_own_result(client_of, alice, dana, erin, open_request, own):
    fine = open_request(name="payments-fine", tier="medium")
    gated = open_request(name="payments-gated", features=("external-egress",))
    edited = open_request(name="payments-edited", tier="medium")
    denied = open_request(name="payments-denied", tier="medium")
    mine = own()
    chosen = [f"{row.pk}:{row.digest}" for row in (fine, gated, edited, denied, mine)]
    lifecycle.resubmit(edited, edited.asked_spec.replace(purpose="Other"), by=alice, revision=1)
    lifecycle.deny(denied, by=erin, digest=denied.digest, comment="No")

    client = client_of(dana)
    response = client.post(BULK, {"selected": [*chosen, "nonsense", "x:y"]})
    assert (response.status_code, response["Location"]) == (303, QUEUE)
    page = parse(client.get(QUEUE))
    results = {item.one("a").words: item.one("span").words for item in page.one("ul", class_="dense").all("li")}
    assert results == {
        "payments-fine": "Approved.",
        "payments-gated": "Not approved. External egress has to be allowed by name, on its own page.",
        "payments-edited": "Not approved. The request changed after you opened it.",
        "payments-denied": "Not approved. Already decided: denied by Erin. It is denied now.",
        "search-own": "Not approved. This is your own request: another platform admin has to decide.",
    }
    assert [decision.request_id for decision in Decision.objects.filter(by=dana)] == [fine.pk]
    phases = {row.name: row.phase for row in Request.objects.all()}
    assert phases == {
        "payments-fine": "Approved",
        "payments-gated": "Pending",
        "payments-edited": "Pending",
        "payments-denied": "Denied",
        "search-own": "Pending",
    }
    assert "What became of your selection" not in parse(client.get(QUEUE)).one("main").words


def test_selecting_nothing_says_so(client_of, dana):
    client = client_of(dana)
    assert client.post(BULK).status_code == 303
    assert "Nothing was selected." in parse(client.get(QUEUE)).one(id="toasts").words


def test_names_in_the_queue_are_text(client_of, dana, alice, open_request):
    alice.first_name = "<script>alert(1)</script>"
    alice.save()
    open_request()
    html = client_of(dana).get(QUEUE).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
