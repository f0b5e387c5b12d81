"""Times and durations for people: written by the server, brought into the viewer's time zone by the page's script."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

MINUTE, HOUR, DAY = 60, 3600, 86400
NOTHING = "–"


def seconds_of(value: object) -> float | None:
    """A timedelta or a number of seconds, as seconds."""
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return float(value) if isinstance(value, int | float) else None


def duration(value: object) -> str:
    """Seconds or a timedelta as `4s`, `2m 13s`, `1h 50m`, `1d 3h`; two units at most, rounded down."""
    seconds = seconds_of(value)
    if seconds is None:
        return NOTHING
    whole = max(int(seconds), 0)
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return _two(whole, MINUTE, "m", 1, "s")
    return _two(whole, HOUR, "h", MINUTE, "m") if whole < DAY else _two(whole, DAY, "d", HOUR, "h")


def _two(whole: int, big: int, big_name: str, small: int, small_name: str) -> str:
    first, rest = divmod(whole, big)
    return f"{first}{big_name} {rest // small}{small_name}" if rest // small else f"{first}{big_name}"


def moment_of(value: object) -> dt.datetime | None:
    """A datetime, or Argo's and Kubernetes' text of one, in UTC; None for anything else."""
    if isinstance(value, str):
        value = parse_datetime(value)
    if not isinstance(value, dt.datetime):
        return None
    return (value if timezone.is_aware(value) else value.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def iso(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(at: dt.datetime) -> str:
    return f"{at.day} {at:%b %Y}"


def _stamp(value: object, form: str, text: str) -> SafeString:
    at = moment_of(value)
    if at is None:
        return format_html('<span class="faint">{}</span>', NOTHING)
    title = f"{_day(at)}, {at:%H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}" data-time="{}">{}</time>', iso(at), title, form, text)


def ago_text(at: dt.datetime, now: dt.datetime) -> str:
    """`just now`, `12s ago`, `2h 10m ago`, `in 5d`; from 30 days on, the date."""
    gap = (now - at).total_seconds()
    if abs(gap) >= 30 * DAY:
        return _day(at)
    if -1 < gap < 1:
        return "just now"
    return f"{duration(gap)} ago" if gap > 0 else f"in {duration(-gap)}"


def ago(value: object) -> SafeString:
    """How long since (or until) a moment. Keep it out of live regions: the script counts it on."""
    at = moment_of(value)
    return _stamp(at, "ago", ago_text(at, timezone.now()) if at else "")


def clock(value: object) -> SafeString:
    """The time of day, for what happened within one page's story: `14:06:09`."""
    at = moment_of(value)
    return _stamp(at, "clock", f"{at:%H:%M:%S}" if at else "")


def day(value: object) -> SafeString:
    """A date: `21 Feb 2027`. A bare date stays as it is: it has no time zone to be moved to."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return format_html('<time datetime="{}">{} {}</time>', value.isoformat(), value.day, f"{value:%b %Y}")
    at = moment_of(value)
    return _stamp(at, "day", _day(at) if at else "")


def when(value: object) -> SafeString:
    """A date with its time: `24 Nov 2026, 15:03`."""
    at = moment_of(value)
    return _stamp(at, "when", f"{_day(at)}, {at:%H:%M}" if at else "")
