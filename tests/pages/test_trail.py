from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from provisioning import audit
from provisioning.models import AuditEvent, Request
from tests.pages.page import parse
from tests.pages.rows import a_request
from tests.pages.test_history import HOSTILE, RESULTS

pytestmark = pytest.mark.django_db

AUDIT = "/audit/"


def wrote(action, **columns):
    """An event, as the product writes it."""
    with transaction.atomic():
        return audit.record(action, **columns)


def ids(response):
    """The numbers in the table, from top to bottom."""
    bodies = parse(response).all("tbody")
    return [int(row.all("td")[0].words) for row in bodies[0].all("tr")] if bodies else []


@pytest.fixture
def shown(client_of):
    def find(user, **filters):
        response = client_of(user).get(AUDIT, filters)
        assert response.status_code == 200
        return ids(response)

    return find


@pytest.fixture
def events(payments, search, alice, carol, dana):
    """By name."""
    mine, theirs = a_request(payments, alice, "payments-api"), a_request(search, carol, "search-web")
    return {
        "opened": wrote("request.opened", by=alice, request=mine, after={"phase": "Pending"}),
        "theirs": wrote("request.opened", by=carol, request=theirs, note="Secret of search"),
        "approved": wrote(
            "request.approved",
            by=dana,
            request=mine,
            before={"phase": "Pending"},
            after={"phase": "Approved"},
            note="Fine",
        ),
        "submitted": wrote("run.submitted", by=audit.WORKER, request=mine, after={"workflow": "w-1"}),
        "token": wrote("token.issued", by=carol, subject="laptop"),
        "rule": wrote("request.approved", by=audit.Machine("small-in-dev", "policy"), request=theirs),
    }


def numbers(events, *names):
    return [events[name].pk for name in names]


def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, events):
    for url in (AUDIT, "/audit/events.csv", "/audit/events.jsonl"):
        response = client.get(url)
        assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={url}")


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("alice", ["submitted", "approved", "opened"]),
        ("bob", ["submitted", "approved", "opened"]),
        ("carol", ["rule", "token", "theirs"]),
        ("dana", ["rule", "token", "submitted", "approved", "theirs", "opened"]),
        ("frank", ["rule", "token", "submitted", "approved", "theirs", "opened"]),
        ("outsider", []),
    ],
)
def test_everybody_sees_what_was_done_about_their_requests_and_by_themselves(
    request, shown, django_user_model, events, who, found
):
    outsider = django_user_model.objects.create(username="outsider")
    user = outsider if who == "outsider" else request.getfixturevalue(who)
    assert shown(user) == numbers(events, *found)


def test_a_requester_who_left_the_team_sees_the_events_of_their_own_requests(shown, events, payments, alice, bob):
    other = wrote("request.opened", by=bob, request=a_request(payments, bob, "payments-b"))
    alice.memberships.all().delete()
    assert shown(alice) == numbers(events, "submitted", "approved", "opened")
    assert other.pk not in shown(alice, subject="payments-b")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"actor": "alice"}, ["opened"]),
        ({"actor": "Dan"}, ["approved"]),
        ({"actor": "worker"}, ["submitted"]),
        ({"actor": "small-in"}, ["rule"]),
        ({"actor": "nobody"}, []),
        ({"action": "request.opened"}, ["theirs", "opened"]),
        ({"action": "request.*"}, ["rule", "approved", "theirs", "opened"]),
        ({"action": "request.open"}, []),
        ({"subject": "payments-api"}, ["submitted", "approved", "opened"]),
        ({"subject": "payments-*"}, ["submitted", "approved", "opened"]),
        ({"subject": "payments-"}, []),
        ({"subject": "laptop"}, ["token"]),
        ({"since": "2000-01-01"}, ["rule", "token", "submitted", "approved", "theirs", "opened"]),
        ({"until": "2000-01-01"}, []),
        ({"since": "2999-01-01"}, []),
        ({"actor": "dana", "action": "request.*", "subject": "payments-api", "since": "2000-01-01"}, ["approved"]),
    ],
)
def test_filters_find_what_they_say(shown, events, frank, filters, found):
    assert shown(frank, **filters) == numbers(events, *found)


def test_the_events_of_one_request_are_found_by_its_id(shown, events, alice, carol, frank):
    row = Request.objects.get(name="payments-api")
    for text in (row.short_id, str(row.pk), row.pk.hex.upper()):
        assert shown(frank, request=text) == numbers(events, "submitted", "approved", "opened")
        assert shown(alice, request=text) == numbers(events, "submitted", "approved", "opened")
        assert shown(carol, request=text) == []


@pytest.mark.parametrize(
    "filters", [{"subject": "payments-api"}, {"subject": "pay*"}, {"actor": "alice"}, {"action": "request.opened"}]
)
def test_no_filter_leads_a_stranger_to_what_is_not_theirs(shown, events, carol, filters):
    assert set(shown(carol, **filters)) <= set(numbers(events, "rule", "token", "theirs"))


def test_filters_find_the_same_for_somebody_who_sees_a_part(shown, events, alice):
    assert shown(alice, action="request.*") == numbers(events, "approved", "opened")
    assert shown(alice, actor="worker") == numbers(events, "submitted")
    assert shown(alice, subject="payments-api", actor="dana") == numbers(events, "approved")


def at_hours(*hours):
    """Events that say these hours of 2 November, in the order in which they were written."""
    day = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
    rows = [
        AuditEvent(
            action="x.y", actor_name="w", actor_role="worker", at=day + dt.timedelta(hours=hour), hash=f"{n:064}"
        )
        for n, hour in enumerate(hours)
    ]
    return [row.pk for row in AuditEvent.objects.bulk_create(rows)]


def test_a_day_holds_its_events_although_a_clock_was_set_back(shown, frank):
    before, first, back, second, after, late = at_hours(-70, 23, 2, 9, 40, 23, 100)[:-1]
    assert shown(frank, since="2026-11-02", until="2026-11-02") == [late, second, back, first]
    assert shown(frank, until="2026-10-31") == [before]
    assert shown(frank, since="2026-11-03", until="2026-11-03") == [after]


def test_a_day_is_looked_for_between_two_ids(client_of, frank):
    at_hours(*range(-200, 200, 10))
    client = client_of(frank)
    with CaptureQueriesContext(connection) as queries:
        client.get(AUDIT, {"since": "2026-11-02", "until": "2026-11-02"})
    listed = [query["sql"] for query in queries.captured_queries if "provisioning_auditevent" in query["sql"]][-1]
    assert '"id" > ' in listed
    assert '"id" < ' in listed


def test_events_of_others_about_the_same_name_crowd_out_none_of_mine(shown, payments, search, alice, carol):
    mine = wrote("request.opened", by=alice, request=a_request(payments, alice, "shared-name"))
    theirs = a_request(search, carol, "shared-name")
    for _ in range(60):
        wrote("request.opened", by=carol, request=theirs)
    assert shown(alice, subject="shared-name") == [mine.pk]


@pytest.mark.parametrize("name", ["actor", "action", "subject", "request", "since", "until", "after", "before"])
@pytest.mark.parametrize("who", ["alice", "frank"])
def test_no_text_in_the_address_breaks_the_list(request, client_of, events, name, who):
    client = client_of(request.getfixturevalue(who))
    for text in HOSTILE:
        page = client.get(AUDIT, {name: text})
        assert page.status_code in {200, 422}, (name, text)
        assert b"<script>alert" not in page.content
        for kind in ("csv", "jsonl"):
            assert client.get(f"/audit/events.{kind}", {name: text}).status_code in {200, 404, 422}


# ── one event ──


def test_an_event_shows_what_was_before_and_after(client_of, events, frank):
    event = events["approved"]
    entry = parse(client_of(frank).get(AUDIT, {"event": event.pk})).one(id="entry")
    words = entry.words
    assert entry.one("h2").words == f"Event {event.pk}"
    assert "Dana (dana)" in words
    assert "platform admin" in words
    assert "Fine" in words
    assert (entry.one("del").words, entry.one("ins").words) == ("Pending", "Approved")
    assert event.hash in words
    assert "Hash fits" in words


def test_what_only_came_is_told_without_a_before(client_of, events, frank):
    entry = parse(client_of(frank).get(AUDIT, {"event": events["submitted"].pk})).one(id="entry")
    assert entry.all("del") == entry.all("ins") == []
    assert "What was recorded workflow w-1" in entry.words


def test_a_link_brings_the_event_beside_the_list_and_marks_its_row(client_of, events, frank):
    listed = parse(client_of(frank).get(AUDIT, {"actor": "dana"}))
    href = listed.one("a", id=f"event-{events['approved'].pk}").attrs["href"]
    assert href == f"/audit/?actor=dana&event={events['approved'].pk}#entry"
    response = client_of(frank).get(href.removesuffix("#entry"), **RESULTS)
    page = parse(response)
    assert page.one("tr", aria_current="true").one("a").words == "Approved"
    assert page.one("aside", id="entry").attrs["hx-swap-oob"] == "true"
    assert page.one("h2", id="entry-h").attrs["data-focus"] == ""
    assert response["HX-Push-Url"] == href.removesuffix("#entry")


@pytest.mark.parametrize("text", ["0", "999999", "-1", "x", "9" * 40, "1.0", "٣"])
def test_an_event_that_is_not_there_is_not_found(client_of, events, frank, text):
    assert client_of(frank).get(AUDIT, {"event": text}).status_code == 404


def test_nor_is_one_that_is_not_theirs_to_see(client_of, events, alice):
    assert client_of(alice).get(AUDIT, {"event": events["theirs"].pk}).status_code == 404
    assert client_of(alice).get(AUDIT, {"event": events["theirs"].pk}, **RESULTS).status_code == 404


def test_what_people_typed_is_never_markup(client_of, payments, alice, frank):
    hostile = "<b>bold</b>"
    event = wrote(
        f"x.{hostile}", by=alice, subject=hostile, before={hostile: hostile}, after={hostile: [hostile]}, note=hostile
    )
    text = client_of(frank).get(AUDIT, {"event": event.pk}).content.decode()
    assert text.count("&lt;b&gt;bold&lt;/b&gt;") >= 6
    assert "<b>bold" not in text


def test_a_huge_event_is_cut_and_a_deep_one_is_flat(client_of, alice, frank):
    deep = {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}
    event = wrote("x.y", by=alice, after={**deep, "text": "y" * 5000, **{f"k{n}": n for n in range(500)}})
    entry = parse(client_of(frank).get(AUDIT, {"event": event.pk})).one(id="entry")
    terms = [item.words for item in entry.one("dl", class_="diff").all("dt")]
    assert terms[:2] == ["a.b.c.d.e.f", "text"]
    assert len(terms) == 200
    assert f"{'y' * 2000}…" in entry.words


# ── the list ──


@pytest.mark.parametrize("who", ["alice", "frank"])
@pytest.mark.parametrize("filters", [{}, {"action": "request.opened", "actor": "ali"}])
def test_as_many_queries_for_three_rows_as_for_one(request, client_of, payments, alice, who, filters):
    client, counts = client_of(request.getfixturevalue(who)), []
    row = a_request(payments, alice, "payments-api")
    for count in (1, 2):
        for _ in range(count):
            wrote("request.opened", by=alice, request=row)
        with CaptureQueriesContext(connection) as queries:
            found = ids(client.get(AUDIT, filters))
        counts.append((len(found), len(queries)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1] <= 20


def test_events_that_are_added_meanwhile_move_no_page(client_of, alice, frank):
    first_id, *_ = [wrote("x.y", by=alice, subject="thing").pk for _ in range(60)]
    client = client_of(frank)
    first = client.get(AUDIT, {"subject": "thing"})
    wrote("x.y", by=alice, subject="thing")
    second = client.get(parse(first).one("a", rel="next").attrs["href"])
    assert ids(first) == list(range(first_id + 59, first_id + 9, -1))
    assert ids(second) == list(range(first_id + 9, first_id - 1, -1))


@pytest.mark.parametrize(("filters", "says"), [({}, "Nothing was recorded yet"), ({"actor": "x"}, "No event fits")])
def test_an_empty_list_says_why(client_of, alice, filters, says):
    assert parse(client_of(alice).get(AUDIT, filters)).one("h3").words == says
