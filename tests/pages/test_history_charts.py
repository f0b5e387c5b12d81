from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from provisioning.models import Phase
from provisioning.pages.history import charts
from provisioning.pages.history.charts import FLOOR, MOST_ROWS, TOP, Fact, charts_of, drawn
from tests.pages.page import parse
from tests.pages.rows import a_request

MONDAY = dt.date(2026, 9, 7)
WEEK, HOUR = dt.timedelta(weeks=1), dt.timedelta(hours=1)


def fact(week: int, phase=Phase.SUCCEEDED, waited=None, took=None, verdict="approve") -> Fact:
    at = timezone.make_aware(dt.datetime.combine(MONDAY + week * WEEK, dt.time(10)))
    decided = at + waited * HOUR if waited is not None else None
    return Fact(at, phase, at, decided, at + took * HOUR if took is not None else None, verdict)


def newest_first(*facts):
    return sorted(facts, key=lambda item: item.created_at, reverse=True)


def test_requests_stand_in_the_week_in_which_they_were_asked_by_what_became_of_them():
    made = drawn(newest_first(fact(0), fact(0, Phase.FAILED), fact(2), fact(2, Phase.PENDING)), MONDAY, capped=False)
    assert made.total == 4
    assert made.outcomes == (("ok", "ready", 2), ("info", "under way", 1), ("bad", "failed", 1))
    assert [(day, value) for day, value in made.asked.told[:3]] == [
        (MONDAY, 2),
        (MONDAY + WEEK, 0),
        (MONDAY + 2 * WEEK, 2),
    ]
    first, second = made.asked.bars[:2]
    assert (first.x, first.tone, second.tone) == (second.x, "ok", "bad")
    assert second.y == TOP
    assert first.y == pytest.approx((FLOOR + TOP) / 2)


def test_the_time_to_decision_is_that_of_people_alone():
    waits = [fact(0, waited=hours) for hours in range(1, 11)]
    made = drawn(newest_first(*waits, fact(0, waited=0, verdict="auto")), MONDAY, capped=False)
    assert made.decision_median == 5.5 * 3600
    assert made.decision_late == 10 * 3600
    assert made.decision.told == ((MONDAY, 5.5 * 3600),)


def test_the_time_to_ready_counts_what_became_ready_and_what_failed_counts_against_it():
    made = drawn(newest_first(fact(0, took=1), fact(0, took=3), fact(1, Phase.FAILED, took=9)), MONDAY, capped=False)
    assert made.ready_median == 2 * 3600
    assert made.ready.told == ((MONDAY, 2 * 3600),)
    assert made.success == 67


def test_nothing_is_drawn_of_what_did_not_happen():
    made = drawn([fact(0, Phase.PENDING)], MONDAY, capped=False)
    assert (made.decision, made.ready, made.success, made.decision_median) == (None, None, None, None)


def test_a_week_that_is_cut_is_left_out():
    made = drawn(newest_first(fact(0), fact(1), fact(1), fact(2)), MONDAY, capped=True)
    assert (made.since, made.total) == (MONDAY + WEEK, 3)


def test_the_only_week_is_kept_though_it_is_cut():
    made = drawn([fact(3), fact(3)], MONDAY, capped=True)
    assert (made.since, made.total) == (MONDAY + 3 * WEEK, 2)


def test_a_clock_that_was_ahead_breaks_nothing():
    week = (timezone.localdate() - MONDAY).days // 7 + 3
    assert drawn([fact(week, took=-1)], MONDAY, capped=False).total == 1


@pytest.mark.django_db
def test_charts_show_what_one_may_see(payments, search, alice, carol, dana):
    now = timezone.now()
    for team, by in ((payments, alice), (payments, alice), (search, carol)):
        a_request(team, by, f"{team.name}-x", created_at=now - HOUR, finished_at=now)
    a_request(search, carol, "old", created_at=now - 30 * WEEK)
    assert [charts_of(user).total for user in (alice, carol, dana)] == [2, 1, 3]


@pytest.mark.django_db
def test_they_are_made_of_so_many_rows_at_most(payments, alice, django_assert_num_queries, dana):
    a_request(payments, alice, "x", created_at=timezone.now())
    with django_assert_num_queries(1) as queries:
        charts_of(dana)
    assert f"LIMIT {MOST_ROWS}" in queries.captured_queries[0]["sql"]


@pytest.mark.django_db
def test_every_drawing_is_told_in_words(client_of, payments, alice):
    now = timezone.now()
    a_request(
        payments,
        alice,
        "x",
        created_at=now - 3 * HOUR,
        waiting_since=now - 3 * HOUR,
        decided_at=now - HOUR,
        finished_at=now,
    )
    drawings = parse(client_of(alice).get("/history/")).all("svg", role="img")
    told = [item.attrs["aria-label"] for item in drawings]
    assert len(told) == 3
    assert told[0].startswith("Requests per week by outcome: week of ")
    assert told[1].endswith(": 2h")
    assert told[2].endswith(": 3h")


@pytest.mark.django_db
def test_whoever_looks_for_something_sees_what_was_found_first(client_of, payments, alice):
    a_request(payments, alice, "x", created_at=timezone.now())
    client = client_of(alice)
    assert len(parse(client.get("/history/", {"q": ""})).all("figure")) == 3
    assert parse(client.get("/history/", {"q": "x"})).all("figure") == []


def test_the_scale_is_the_last_round_value_that_is_reached():
    assert [charts._top(most, charts.COUNTS) for most in (1, 5, 72, 5000)] == [1, 4, 60, 2000]
    assert charts._top(0.2, charts.SPANS) == 1
