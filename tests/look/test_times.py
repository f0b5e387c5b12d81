from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from provisioning.templatetags.portal_ui import times

NOW = dt.datetime(2026, 11, 24, 15, 3, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0s"), (4.9, "4s"), (59, "59s"), (60, "1m"), (133, "2m 13s"), (3600, "1h"), (6600, "1h 50m"),
        (86400, "1d"), (97_200, "1d 3h"), (dt.timedelta(minutes=2), "2m"), (-5, "0s"), (None, "–"), ("x", "–"),
    ],
)  # fmt: skip
def test_durations_have_two_units_at_most(value: object, text: str) -> None:
    assert times.duration(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "just now"), (12, "12s ago"), (7800, "2h 10m ago"), (-5 * 86400, "in 5d"), (40 * 86400, "15 Oct 2026")],
)
def test_ago_says_how_long_since(seconds: int, text: str) -> None:
    assert times.ago_text(NOW - dt.timedelta(seconds=seconds), NOW) == text


def test_a_time_carries_its_moment_and_says_utc_in_its_title() -> None:
    with time_machine.travel(NOW, tick=False):
        html = times.ago(NOW - dt.timedelta(seconds=12))
    assert html == (
        '<time datetime="2026-11-24T15:02:53Z" title="24 Nov 2026, 15:02:53 UTC" data-time="ago">12s ago</time>'
    )


@pytest.mark.parametrize(
    ("form", "text"), [(times.clock, "15:03:05"), (times.day, "24 Nov 2026"), (times.when, "24 Nov 2026, 15:03")]
)
def test_other_forms_are_utc_until_the_script_has_run(form: object, text: str) -> None:
    assert f">{text}</time>" in form(NOW)  # type: ignore[operator]
    assert form("2026-11-24T16:03:05+01:00") == form(NOW)  # type: ignore[operator]


def test_a_bare_date_is_not_moved_to_another_time_zone() -> None:
    assert times.day(dt.date(2027, 2, 21)) == '<time datetime="2027-02-21">21 Feb 2027</time>'


@pytest.mark.parametrize("nothing", [None, "", "not a time", 7])
def test_no_time_is_a_dash(nothing: object) -> None:
    assert times.when(nothing) == '<span class="faint">–</span>'
