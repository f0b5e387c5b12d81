"""The drawing of a run, ready for its template: graph, timeline and progress of the planned steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from provisioning import drawing
from provisioning.templatetags.portal_ui.looks import Look, key, step_look
from provisioning.templatetags.portal_ui.times import duration, iso, moment_of
from provisioning.templatetags.portal_ui.values import attribute

if TYPE_CHECKING:
    import datetime as dt

# A name as long as this is drawn as wide as there is room, whatever the font; a longer one is cut.
NAME_FILLS, NAME_FITS = 21, 24


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one step. `since` is set while it runs, so that the page can count on."""

    name: str
    state: str
    look: Look
    took: str
    since: str
    tries: int
    started_at: dt.datetime | None
    finished_at: dt.datetime | None

    @property
    def tries_text(self) -> str:
        return f"{self.tries} tries" if self.tries > 1 else ""

    @property
    def words(self) -> str:
        """For a label: `Done, 4s, 3 tries`."""
        return ", ".join(part for part in (self.look.word, self.took, self.tries_text) if part)


def rows_of(plan: Sequence[drawing.Step], steps: object, *, over: bool, now: dt.datetime) -> dict[str, Row]:
    """Rows by name: those of the plan first and in its order, then the others that are known.

    `steps` holds rows with `name`, `state` or `phase`, `started_at`, `finished_at` and `attempts`, or maps names to
    such rows or to bare states. `over` says that what has not begun never will.
    """
    known = _by_name(steps)
    names = [step.name for step in plan]
    return {name: _row(name, known.get(name), over=over, now=now) for name in [*names, *(set(known) - set(names))]}


def _by_name(steps: object) -> dict[str, Any]:
    if isinstance(steps, Mapping):
        return {str(name): row for name, row in steps.items()}
    return {str(attribute(row, "name")): row for row in steps} if isinstance(steps, Iterable) else {}


def _row(name: str, row: Any, *, over: bool, now: dt.datetime) -> Row:
    bare = row is None or isinstance(row, str)
    state = key(row if bare else attribute(row, "state", "phase", default=""))
    if over and state in drawing.UNTOUCHED - {"skipped"}:
        state = "notrun"
    started = None if bare else moment_of(attribute(row, "started_at"))
    finished = None if bare else moment_of(attribute(row, "finished_at"))
    runs = started is not None and finished is None and state in drawing.LIVE
    end = finished or (now if runs else None)
    return Row(
        name=name,
        state=state,
        look=step_look(state, name),
        # A step that was left out has a beginning and an end, at the same moment: that is no time it took.
        took=duration(end - started) if started and end and state not in drawing.UNTOUCHED else "",
        since=iso(started) if started and runs else "",
        tries=0 if bare else int(attribute(row, "attempts", "tries", default=0)),
        started_at=started,
        finished_at=finished,
    )


def _shortened(name: str) -> str:
    return name if len(name) <= NAME_FITS else name[: NAME_FITS - 1] + "…"


def _placed(box: drawing.Box, row: Row, selected: str, url: str) -> dict[str, object]:
    return {
        "box": box,
        "row": row,
        "short": _shortened(box.name),
        "fills": len(box.name) >= NAME_FILLS,
        "href": f"{url}{quote(box.name)}",
        "current": box.name == selected,
        "icon_x": box.x + 9,
        "icon_y": box.y + 18,
        "text_x": box.x + 31,
        "name_y": box.y + 22,
        "note_y": box.y + 39,
    }


def graph_context(
    plan: Sequence[drawing.Step], rows: Mapping[str, Row], *, selected: str, url: str, target: str
) -> dict[str, object]:
    """The context of `components/graph.html`."""
    drawn = drawing.graph(plan, {name: row.state for name, row in rows.items()})
    nodes = [_placed(box, rows[box.name], selected, url) for box in drawn.boxes]
    return {"drawn": drawn, "nodes": nodes, "target": target, "says": summary(plan, rows)}


def gantt_context(
    plan: Sequence[drawing.Step],
    rows: Mapping[str, Row],
    *,
    selected: str,
    url: str,
    target: str,
    now: dt.datetime,
) -> dict[str, object]:
    """The context of `components/gantt.html`."""
    shown = [row for name, row in rows.items() if _in_plan(plan, name) or row.state not in drawing.UNTOUCHED]
    live = any(row.state in drawing.LIVE for row in shown)
    timed = [drawing.Timed(row.name, row.state, row.started_at, row.finished_at) for row in shown]
    line = drawing.timeline(timed, now, live=live)
    lanes = [
        {"row": row, "span": span, "href": f"{url}{quote(row.name)}", "current": row.name == selected}
        for row, span in zip(shown, line.spans, strict=True)
    ]
    return {"line": line, "lanes": lanes, "target": target, "begun": any(row.started_at for row in shown)}


def _in_plan(plan: Sequence[drawing.Step], name: str) -> bool:
    return any(step.name == name for step in plan)


def progress_context(plan: Sequence[drawing.Step], rows: Mapping[str, Row]) -> dict[str, object]:
    """The context of `components/progress.html`: one piece per planned step, in the order in which they end."""
    order = {"ok": 0, "bad": 1, "warn": 2, "info": 3}
    looks = sorted((rows[step.name].look for step in plan), key=lambda look: order.get(look.tone, 4))
    return {"tones": [look.tone if look.tone in order else "" for look in looks], "says": summary(plan, rows)}


def summary(plan: Sequence[drawing.Step], rows: Mapping[str, Row]) -> str:
    """`4 of 7 steps done, 2 running, 1 failed`."""
    states = [rows[step.name].state for step in plan]
    done = sum(state in drawing.DONE for state in states)
    running = sum(state in drawing.LIVE for state in states)
    broken = sum(state in drawing.BROKEN for state in states)
    parts = [f"{done} of {len(states)} steps done"]
    parts += [f"{running} running"] if running else []
    parts += [f"{broken} failed"] if broken else []
    return ", ".join(parts)
