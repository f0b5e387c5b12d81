"""Pages by key: nothing twice, nothing left out, whatever is added meanwhile; bounded by windows and by indexes."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from provisioning.models import Phase, Request
from provisioning.pages.lists.keyset import BY_NAME, LATEST, NEWEST
from provisioning.pages.lists.stream import EVERYTHING, Count, Cursor, Stream, plain
from tests.pages.page import parse
from tests.pages.rows import NOON, a_request, many_requests
from tests.pages.test_history import HISTORY, names

EARLY = dt.datetime(1000, 1, 1)  # noqa: DTZ001 hypothesis adds the time zone
SECOND = dt.timedelta(seconds=1)


def stream(*branches: Q, sieve=lambda rows: rows, window=1000, costly=False, shown=None):
    return Stream(
        shown=Request.objects.all() if shown is None else shown,
        rows=Request.objects.all(),
        order=NEWEST,
        branches=branches or EVERYTHING,
        sieve=sieve,
        costly=costly,
        window=window,
    )


def named(page):
    return [row.name for row in page.rows]


def svc(*numbers):
    return [f"svc-{number:03}" for number in numbers]


def link(page, rel):
    return page.one("a", rel=rel).attrs["href"]


@pytest.mark.django_db
def test_rows_that_are_added_meanwhile_move_no_page(client_of, payments, alice, dana):
    many_requests(payments, alice, 120)
    client = client_of(dana)
    first = client.get(HISTORY, {"team": "payments"})
    many_requests(payments, alice, 3, start=NOON + dt.timedelta(days=1))
    second = client.get(link(parse(first), "next"))
    third = client.get(link(parse(second), "next"))
    assert names(first) == svc(*range(119, 69, -1))
    assert names(second) == svc(*range(69, 19, -1))
    assert names(third) == svc(*range(19, -1, -1))
    assert parse(third).all("a", rel="next") == []
    assert names(client.get(link(parse(third), "prev"))) == names(second)


@pytest.mark.django_db
def test_going_back_to_the_beginning_shows_what_is_new_there(client_of, payments, alice, dana):
    many_requests(payments, alice, 60)
    client = client_of(dana)
    second = client.get(link(parse(client.get(HISTORY)), "next"))
    a_request(payments, alice, "new-one", created_at=NOON + dt.timedelta(days=1))
    back = client.get(link(parse(second), "prev"))
    assert names(back) == svc(*range(59, 9, -1))
    first = client.get(link(parse(back), "prev"))
    assert names(first) == ["new-one", *svc(*range(59, 10, -1))]
    assert parse(first).all("a", rel="prev") == []


@pytest.mark.django_db
def test_links_between_pages_keep_the_filters_and_bring_the_results_alone(client_of, payments, alice, dana):
    many_requests(payments, alice, 51)
    link_on = parse(client_of(dana).get(HISTORY, {"q": "svc", "phase": "Succeeded", "tier": ""})).one("a", rel="next")
    assert link_on.attrs["href"].startswith("/history/?q=svc&phase=Succeeded&after=2026-11-02T")
    assert link_on.attrs["hx-get"] == link_on.attrs["href"]
    assert (link_on.attrs["hx-target"], link_on.attrs["hx-push-url"]) == ("#results", "true")


@pytest.mark.django_db
def test_rows_of_one_moment_are_told_apart_by_their_id(payments, alice):
    for number in range(7):
        a_request(payments, alice, f"svc-{number}", created_at=NOON)
    found, cursor = [], None
    while True:
        page = stream().page(cursor, size=2)
        found += [row.pk for row in page.rows]
        if page.after is None:
            break
        cursor = Cursor(page.after, back=False)
    assert found == sorted((row.pk for row in Request.objects.all()), key=lambda pk: pk.hex, reverse=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "key",
    ["", "x", "~", "2026-11-02T12:00:00Z", "2026-11-02T12:00:00~" + "0" * 32, "0001-01-01T00:00:00+23:59~" + "0" * 32],
)
def test_a_key_that_was_not_given_out_here_begins_at_the_beginning(client_of, payments, alice, dana, key):
    many_requests(payments, alice, 2)
    for name in ("after", "before"):
        response = client_of(dana).get(HISTORY, {name: key})
        assert (response.status_code, names(response)) == (200, svc(1, 0))


@given(at=st.datetimes(timezones=st.just(dt.UTC), min_value=EARLY), pk=st.uuids())
def test_every_key_is_read_as_it_was_written(at, pk):
    assert NEWEST.read(NEWEST.write((at, pk))) == (at, pk)


@given(text=st.text(max_size=300))
def test_no_text_is_more_than_a_key_or_nothing(text):
    for order in (NEWEST, LATEST, BY_NAME):
        key = order.read(text)
        assert key is None or len(key) == len(order.columns)


# ── branches ──


@pytest.mark.django_db
def test_branches_are_merged_in_order_and_rows_of_both_come_once(payments, search, alice, carol):
    for number in range(6):
        team = (payments, search)[number % 2]
        a_request(team, alice if number < 4 else carol, f"svc-{number:03}", created_at=NOON + number * SECOND)
    found = stream(Q(team=search), Q(requester=alice))
    page = found.page(size=3)
    assert named(page) == svc(5, 3, 2)
    assert named(found.page(Cursor(page.after, back=False), size=3)) == svc(1, 0)
    assert found.count() == Count(5, more=False, among=None)
    assert [row.name for rows in found.batches(size=2) for row in rows] == svc(5, 3, 2, 1, 0)


@pytest.mark.django_db
def test_what_may_not_be_seen_stays_out_even_if_a_branch_holds_it(payments, search, alice, carol):
    a_request(payments, alice, "payments-a")
    a_request(search, carol, "search-c")
    found = stream(shown=Request.objects.visible_to(carol))
    assert named(found.page()) == ["search-c"]
    assert found.count().number == 1
    assert [row.name for rows in found.batches() for row in rows] == ["search-c"]


# ── windows ──


def only(phase):
    return lambda rows: rows.filter(plain("phase", phase))


@pytest.mark.django_db
def test_a_filter_without_an_index_looks_at_so_many_rows_and_goes_on_from_there(payments, alice):
    many_requests(payments, alice, 25)
    Request.objects.filter(name__in=svc(2, 3, 20)).update(phase=Phase.DENIED)
    found = stream(sieve=only("Denied"), costly=True, window=10)
    first = found.page()
    assert (named(first), first.edge[0]) == (svc(20), NOON + 15 * dt.timedelta(minutes=1))
    second = found.page(Cursor(first.after, back=False))
    assert (named(second), second.edge[0]) == ([], NOON + 5 * dt.timedelta(minutes=1))
    third = found.page(Cursor(second.after, back=False))
    assert (named(third), third.edge, third.after) == (svc(3, 2), None, None)
    assert found.count() == Count(1, more=False, among=10)
    assert [row.name for rows in found.batches() for row in rows] == svc(20, 3, 2)


@pytest.mark.django_db
def test_a_page_that_is_full_within_the_window_goes_on_after_its_last_row(payments, alice):
    many_requests(payments, alice, 25)
    page = stream(sieve=only("Succeeded"), costly=True, window=10).page(size=4)
    assert (named(page), page.edge) == (svc(24, 23, 22, 21), None)
    assert page.after == NEWEST.key_of(page.rows[-1])


@pytest.mark.django_db
def test_a_window_is_that_of_the_branch_in_which_it_ends_first(payments, search, alice):
    many_requests(payments, alice, 6)
    many_requests(search, alice, 3, start=NOON - dt.timedelta(days=1))
    page = stream(Q(team=payments), Q(team=search), sieve=only("Denied"), costly=True, window=3).page()
    assert (named(page), page.edge[0]) == ([], NOON + 3 * dt.timedelta(minutes=1))


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (Count(0, more=False, among=None), "0 requests"),
        (Count(1, more=False, among=None), "1 request"),
        (Count(1000, more=True, among=None), "1,000+ requests"),
        (Count(1000, more=True, among=20_000), "1,000+ requests"),
        (Count(3, more=False, among=20_000), "3 requests among the first 20,000"),
    ],
)
def test_a_count_says_when_it_is_not_all(count, words):
    assert count.words("request") == words


@pytest.mark.django_db
def test_not_more_than_a_thousand_are_counted(client_of, payments, alice, dana):
    many_requests(payments, alice, 1001)
    assert parse(client_of(dana).get(HISTORY)).one(id="res-h").words == "1,000+ requests"


# ── indexes ──


def plans(queries):
    """What SQLite does for each query on requests."""
    with connection.cursor() as cursor:
        for query in queries.captured_queries:
            if query["sql"].startswith(('SELECT "provisioning_request"', "SELECT COUNT(*)")):
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                yield query["sql"], [row[3] for row in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["alice", "dana"])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"phase": "Failed"},
        {"tier": "small", "phase": "Succeeded"},
        {"team": "payments", "kind": "create"},
        {"requester": "alice"},
        {"q": "svc"},
        {"since": "2026-01-01", "until": "2026-12-01"},
        {"after": f"2026-11-02T12:00:00Z~{uuid.UUID(int=5).hex}"},
    ],
)
def test_every_page_is_read_along_an_index_in_the_list_s_order(request, client_of, payments, alice, who, filters):
    if connection.vendor != "sqlite":
        return
    many_requests(payments, alice, 3)
    client = client_of(request.getfixturevalue(who))
    with CaptureQueriesContext(connection) as queries:
        client.get(HISTORY, filters, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="results")
    seen = list(plans(queries))
    assert len(seen) >= 2
    for sql, steps in seen:
        inner = [step for step in steps if " U0 " in f"{step} " and "request_" in step]
        assert not [step for step in steps if step.startswith("SCAN provisioning_request")], (sql, steps)
        assert inner or " U0" not in sql, (sql, steps)
        assert all("_newest" in step for step in inner), (sql, steps)
