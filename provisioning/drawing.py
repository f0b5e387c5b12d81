"""Where the boxes and lines of a run's drawing go: the graph of its steps, and its timeline.

Pure geometry. The units are those of the SVG's view box; what a state looks like is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

WIDTH, COLUMN_GAP = 176, 30
HEIGHT, ROW_GAP = 52, 12

# Which states of a step a line knows of: it flows into a step that runs, it is solid once its origin is done.
LIVE = frozenset({"pending", "starting", "running", "finishing", "retrying"})
DONE = frozenset({"succeeded", "done"})
BROKEN = frozenset({"failed", "error"})
UNTOUCHED = frozenset({"", "waiting", "skipped", "omitted", "notrun"})


class Step(Protocol):
    """A planned step of a workflow; `depends` names the steps that must be done before it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def depends(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Box:
    """A step's box. `parallel` says that others stand in its column; `extra` that the plan does not hold it."""

    name: str
    title: str
    state: str
    x: int
    y: int
    layer: int
    parallel: bool = False
    extra: bool = False

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2

    @property
    def right(self) -> int:
        return self.x + WIDTH


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two boxes; `kind` is `todo`, `done`, `active` or `exit` (into a step outside the plan)."""

    source: str
    target: str
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Graph:
    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]

    @property
    def view_box(self) -> str:
        """With room for the stroke and the focus ring."""
        return f"-2 -2 {self.width + 4} {self.height + 4}"


def graph(plan: Sequence[Step], states: Mapping[str, str]) -> Graph:
    """The plan as columns (a step stands right of all it waits for) and rows (in the order of the plan).

    `states` maps a step's name to its state, in lower case. A state of a step that the plan does not hold draws that
    step as an exit (`rollback`), below the last column, if it was touched at all. Raises `graphlib.CycleError`.
    """
    layers = _layers(plan)
    columns = [[step for step in plan if layers[step.name] == at] for at in range(max(layers.values(), default=-1) + 1)]
    height = max((_tall(len(column)) for column in columns), default=0)
    boxes = [box for at, column in enumerate(columns) for box in _column(column, at, height, states)]
    exits = _exits(boxes, [name for name in states if name not in layers], states, height)
    edges = [*_edges(plan, boxes, states), *_exit_edges(boxes, exits)]
    everything = (*boxes, *exits)
    return Graph(
        width=max((box.right for box in everything), default=0),
        height=max((box.y + HEIGHT for box in everything), default=0),
        boxes=everything,
        edges=tuple(edges),
    )


def _known(plan: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    """Each step with those of its dependencies that the plan holds."""
    names = {step.name for step in plan}
    return {step.name: tuple(name for name in step.depends if name in names) for step in plan}


def _layers(plan: Sequence[Step]) -> dict[str, int]:
    """The longest way from a beginning to each step."""
    depends = _known(plan)
    layers: dict[str, int] = {}
    for name in TopologicalSorter(depends).static_order():
        layers[name] = max((layers[before] + 1 for before in depends[name]), default=0)
    return layers


def _tall(rows: int) -> int:
    return rows * HEIGHT + (rows - 1) * ROW_GAP


def _column(steps: Sequence[Step], layer: int, height: int, states: Mapping[str, str]) -> Iterable[Box]:
    top = (height - _tall(len(steps))) // 2
    for row, step in enumerate(steps):
        yield Box(
            name=step.name,
            title=step.title,
            state=states.get(step.name, ""),
            x=layer * (WIDTH + COLUMN_GAP),
            y=top + row * (HEIGHT + ROW_GAP),
            layer=layer,
            parallel=len(steps) > 1,
        )


def _exits(boxes: Sequence[Box], names: Sequence[str], states: Mapping[str, str], height: int) -> list[Box]:
    """Steps outside the plan that ran, under the last column: at the drawing's foot where there is room."""
    touched = [name for name in names if states[name] not in UNTOUCHED]
    last = max((box.layer for box in boxes), default=0)
    below = max((box.y + HEIGHT + ROW_GAP for box in boxes if box.layer == last), default=0)
    top = max(below, height - _tall(len(touched)))
    return [
        Box(
            name,
            name,
            states[name],
            last * (WIDTH + COLUMN_GAP),
            top + row * (HEIGHT + ROW_GAP),
            last,
            extra=True,
        )
        for row, name in enumerate(touched)
    ]


def _reachable(depends: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """All that each step waits for, near and far."""
    far: dict[str, set[str]] = {}
    for name in TopologicalSorter(depends).static_order():
        far[name] = set(depends[name]).union(*(far[before] for before in depends[name]))
    return far


def _edges(plan: Sequence[Step], boxes: Sequence[Box], states: Mapping[str, str]) -> Iterable[Edge]:
    """One line per dependency; a dependency that follows from the others is not drawn."""
    depends, box_of = _known(plan), {box.name: box for box in boxes}
    far = _reachable(depends)
    for step in plan:
        before = depends[step.name]
        for name in before:
            if not any(name in far[other] for other in before):
                kind = _edge_kind(states.get(name, ""), states.get(step.name, ""))
                yield Edge(name, step.name, _path(box_of[name], box_of[step.name]), kind)


def _edge_kind(source: str, target: str) -> str:
    if target in LIVE:
        return "active"
    return "done" if source in DONE and target not in UNTOUCHED else "todo"


def _exit_edges(boxes: Sequence[Box], exits: Sequence[Box]) -> Iterable[Edge]:
    for broken in (box for box in boxes if box.state in BROKEN):
        for leave in exits:
            if broken.layer < leave.layer:
                yield Edge(broken.name, leave.name, _path(broken, leave, drop=8), "exit")
            else:
                yield Edge(broken.name, leave.name, f"M{broken.x + 14} {broken.y + HEIGHT}V{leave.y}", "exit")


def _path(source: Box, target: Box, drop: int = 0) -> str:
    """A straight line, or a curve within the gap before the target; `drop` moves its start down a little."""
    start, end = source.middle + drop, target.middle
    if start == end:
        return f"M{source.right} {start}H{target.x}"
    bend = target.x - COLUMN_GAP
    middle = target.x - COLUMN_GAP // 2
    lead = f"H{bend}" if bend > source.right else ""
    return f"M{source.right} {start}{lead}C{middle} {start} {middle} {end} {target.x} {end}"


@dataclass(frozen=True, slots=True)
class Span:
    """A step's time on the line; `start` and `width` in percent of it, None while it has not begun."""

    name: str
    state: str
    start: float | None
    width: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """`ticks` are (percent, seconds); `now` is where the present stands in percent, None when the run has ended."""

    seconds: float
    ticks: tuple[tuple[float, int], ...]
    spans: tuple[Span, ...]
    now: float | None


@dataclass(frozen=True, slots=True)
class Timed:
    """A step as the timeline needs it; times are aware datetimes."""

    name: str
    state: str
    started_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None


def timeline(steps: Sequence[Timed], now: dt.datetime, *, live: bool) -> Timeline:
    """All steps on one scale, from the first start to the last end, or to `now` while the run is `live`."""
    begin = min((step.started_at for step in steps if step.started_at), default=now)
    ends = [step.finished_at for step in steps if step.finished_at] + ([now] if live else [])
    passed = max(((end - begin).total_seconds() for end in ends), default=0.0)
    gap = _tick(max(passed, 1.0))
    full = gap * max(int(-(-passed // gap)), 1)
    spans = tuple(_span(step, begin, full, now if live else None) for step in steps)
    ticks = tuple((100 * at / full, at) for at in range(0, full + 1, gap))
    return Timeline(passed, ticks, spans, 100 * passed / full if live else None)


def _tick(seconds: float) -> int:
    """A round distance that divides the time in at most six."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    return next((step for step in steps if seconds <= step * 6), 3600 * int(1 + seconds // 21600))


def _span(step: Timed, begin: dt.datetime, full: int, now: dt.datetime | None) -> Span:
    end = step.finished_at or now
    if step.started_at is None or end is None:
        return Span(step.name, step.state, None, None, None)
    seconds = max((end - step.started_at).total_seconds(), 0.0)
    start = 100 * max((step.started_at - begin).total_seconds(), 0.0) / full
    return Span(step.name, step.state, start, min(100 * seconds / full, 100 - start), seconds)


def percent(part: float, whole: float) -> float:
    """Part of a whole in percent, from 0 to 100; a whole of nothing is full as soon as there is a part."""
    if whole <= 0:
        return 100.0 if part > 0 else 0.0
    return min(max(100 * part / whole, 0.0), 100.0)
