"""Three small charts of the last weeks, drawn here: how many were asked and what became of them, how long a decision
takes, how long it is until a namespace is ready. They are made of the newest rows one may see, so many at most.
"""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils import timezone

from provisioning.models import Phase, Request, User
from provisioning.pages.history.filters import branches_of
from provisioning.pages.lists.keyset import NEWEST
from provisioning.pages.lists.stream import EVERYTHING, Stream

WEEKS = 8
MOST_ROWS = 2_000
# The drawing, in units of its view box.
WIDTH, TOP, FLOOR = 320, 14, 104
STEP, BAR, LEFT = 39, 22, 8
# Outcomes, from the bottom of a bar to its top: the phases, a tone and a word.
OUTCOMES = (
    (frozenset({Phase.SUCCEEDED}), "ok", "ready"),
    (frozenset({Phase.PENDING, Phase.CHANGES_REQUESTED, Phase.APPROVED, Phase.PROVISIONING}), "info", "under way"),
    (frozenset({Phase.CANCELLED, Phase.EXPIRED}), "mute", "cancelled or expired"),
    (frozenset({Phase.DENIED}), "warn", "denied"),
    (frozenset({Phase.FAILED}), "bad", "failed"),
)
COUNTS = (1, 2, 4, 6, 10, 20, 40, 60, 100, 200, 400, 600, 1_000, 2_000)
MINUTE, HOUR, DAY = 60, 3600, 86400
SPANS = (
    *(1, 2, 5, 10, 20, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 56 * DAY),
)


class Fact(NamedTuple):
    """Of one request. `verdict`: what policy said; `auto` needed nobody."""

    created_at: dt.datetime
    phase: str
    waiting_since: dt.datetime
    decided_at: dt.datetime | None
    finished_at: dt.datetime | None
    verdict: str | None

    @property
    def waited(self) -> float | None:
        """Seconds until a person decided."""
        if self.decided_at is None or self.verdict == "auto":
            return None
        return max((self.decided_at - self.waiting_since).total_seconds(), 0.0)

    @property
    def took(self) -> float | None:
        """Seconds from asked to ready."""
        if self.phase != Phase.SUCCEEDED or self.finished_at is None:
            return None
        return max((self.finished_at - self.created_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    y: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Line:
    """`points` as SVG takes them; `end` is where the last one stands."""

    points: str
    end: tuple[float, float]
    tone: str
    dashed: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """`told`: (a week's first day, its value), for people who hear it. `weeks`: (x, first day) of those that are named.

    `top`: the value of the upper grid line, which stands at `top_y`.
    """

    told: tuple[tuple[dt.date, float], ...]
    weeks: tuple[tuple[int, dt.date], ...]
    top: int
    top_y: float
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Charts:
    """`capped`: made of the newest rows only. Durations are seconds; None where nothing can be told."""

    since: dt.date
    capped: bool
    total: int
    outcomes: tuple[tuple[str, str, int], ...] = ()
    asked: Chart | None = None
    decision: Chart | None = None
    decision_median: float | None = None
    decision_late: float | None = None
    ready: Chart | None = None
    ready_median: float | None = None
    success: int | None = None


def charts_of(user: User) -> Charts | None:
    """One query. None when nothing was asked in these weeks."""
    first = _monday(timezone.localdate()) - dt.timedelta(weeks=WEEKS - 1)
    facts = _facts(user, first)
    return drawn(facts, first, capped=len(facts) == MOST_ROWS) if facts else None


def _facts(user: User, first: dt.date) -> list[Fact]:
    since = timezone.make_aware(dt.datetime.combine(first, dt.time.min))
    branches = EVERYTHING if user.sees_everything else branches_of(user)[0]
    stream = Stream(
        shown=Request.objects.visible_to(user).filter(created_at__gte=since),
        rows=Request.objects.filter(created_at__gte=since),
        order=NEWEST,
        branches=branches,
        sieve=lambda rows: rows,
    )
    columns = ("created_at", "phase", "waiting_since", "decided_at", "finished_at", "verdict__result")
    return [Fact(*row) for row in stream.newest(MOST_ROWS).values_list(*columns)]


def drawn(facts: Sequence[Fact], first: dt.date, *, capped: bool) -> Charts:
    """`facts` are newest first. When they are capped the week that is cut is left out, unless it is the only one."""
    if capped:
        oldest, newest = _week_of(facts[-1]), _week_of(facts[0])
        first = min(oldest + dt.timedelta(weeks=1), newest)
    per_week = _by_week(facts, first)
    shown = [fact for week in per_week for fact in week]
    waits = [_known(fact.waited for fact in week) for week in per_week]
    times = [_known(fact.took for fact in week) for week in per_week]
    every_wait, every_time = [*itertools.chain(*waits)], [*itertools.chain(*times)]
    return Charts(
        since=first,
        capped=capped,
        total=len(shown),
        outcomes=_totals(shown),
        asked=_stacks(per_week, first),
        decision=_curves(waits, first) if every_wait else None,
        decision_median=statistics.median(every_wait) if every_wait else None,
        decision_late=_late(every_wait) if every_wait else None,
        ready=_columns(times, first) if every_time else None,
        ready_median=statistics.median(every_time) if every_time else None,
        success=_success(shown),
    )


def _by_week(facts: Sequence[Fact], first: dt.date) -> list[list[Fact]]:
    """From the first week to this one, or to that of the newest if a clock was ahead."""
    last = max(_week_of(facts[0]), _monday(timezone.localdate()))
    per_week: list[list[Fact]] = [[] for _ in range((last - first).days // 7 + 1)]
    for fact in facts:
        if (at := (_week_of(fact) - first).days // 7) >= 0:
            per_week[at].append(fact)
    return per_week


def _week_of(fact: Fact) -> dt.date:
    return _monday(timezone.localdate(fact.created_at))


def _success(facts: Sequence[Fact]) -> int | None:
    """Percent of the runs that ended."""
    succeeded = sum(fact.phase == Phase.SUCCEEDED for fact in facts)
    ended = succeeded + sum(fact.phase == Phase.FAILED for fact in facts)
    return round(100 * succeeded / ended) if ended else None


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _late(values: Sequence[float]) -> float:
    """The 90th percentile: nine of ten were quicker."""
    return sorted(values)[min(int(len(values) * 0.9), len(values) - 1)]


def _totals(facts: Sequence[Fact]) -> tuple[tuple[str, str, int], ...]:
    counted = ((tone, word, sum(fact.phase in phases for fact in facts)) for phases, tone, word in OUTCOMES)
    return tuple((tone, word, count) for tone, word, count in counted if count)


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def _left(week: int) -> int:
    return LEFT + STEP * week


def _named(first: dt.date, weeks: int) -> tuple[tuple[int, dt.date], ...]:
    """Every second week, from the left."""
    return tuple((_left(at) + BAR // 2, first + dt.timedelta(weeks=at)) for at in range(0, weeks, 2))


def _top(most: float, steps: Sequence[int]) -> int:
    """The last round value that is reached."""
    return max((step for step in steps if step <= most), default=steps[0])


def _scale(most: float) -> float:
    return (FLOOR - TOP) / max(most, 1.0)


def _stacks(per_week: Sequence[Sequence[Fact]], first: dt.date) -> Chart:
    most = max(len(week) for week in per_week)
    scale, bars = _scale(most), []
    for at, week in enumerate(per_week):
        y = float(FLOOR)
        for phases, tone, _ in OUTCOMES:
            count = sum(fact.phase in phases for fact in week)
            if count:
                y -= count * scale
                bars.append(Bar(_left(at), round(y, 1), round(max(count * scale - 1, 1), 1), tone))
    told = [(at, len(week)) for at, week in enumerate(per_week)]
    return _chart(told, first, len(per_week), _top(most, COUNTS), scale, bars=tuple(bars))


def _chart(
    told: Sequence[tuple[int, float]],
    first: dt.date,
    weeks: int,
    top: int,
    scale: float,
    *,
    bars: tuple[Bar, ...] = (),
    lines: tuple[Line, ...] = (),
) -> Chart:
    days = tuple((first + dt.timedelta(weeks=at), value) for at, value in told)
    return Chart(days, _named(first, weeks), top, round(FLOOR - top * scale, 1), bars, lines)


def _columns(per_week: Sequence[Sequence[float]], first: dt.date) -> Chart:
    medians = [(at, statistics.median(week)) for at, week in enumerate(per_week) if week]
    most = max(value for _, value in medians)
    scale = _scale(most)
    bars = tuple(
        Bar(_left(at), round(FLOOR - value * scale, 1), round(max(value * scale, 1), 1), "info")
        for at, value in medians
    )
    return _chart(medians, first, len(per_week), _top(most, SPANS), scale, bars=bars)


def _curves(per_week: Sequence[Sequence[float]], first: dt.date) -> Chart:
    weeks = [(at, statistics.median(week), _late(week)) for at, week in enumerate(per_week) if week]
    most = max(late for _, _, late in weeks)
    scale = _scale(most)
    late = _line([(at, late) for at, _, late in weeks], scale, "info", dashed=True)
    median = _line([(at, middle) for at, middle, _ in weeks], scale, "accent", dashed=False)
    told = [(at, middle) for at, middle, _ in weeks]
    return _chart(told, first, len(per_week), _top(most, SPANS), scale, lines=(late, median))


def _line(values: Sequence[tuple[int, float]], scale: float, tone: str, *, dashed: bool) -> Line:
    points = [(_left(at) + BAR / 2, round(FLOOR - value * scale, 1)) for at, value in values]
    return Line(" ".join(f"{x:g},{y:g}" for x, y in points), points[-1], tone, dashed)
