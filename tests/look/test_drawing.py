from __future__ import annotations

import datetime as dt
import graphlib

import pytest

from provisioning import drawing
from provisioning.drawing import Timed
from tests.look.gallery import PLAN, Planned

T0 = dt.datetime(2026, 11, 24, 14, 0, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    return T0 + dt.timedelta(seconds=seconds)


def test_the_plan_is_drawn_from_second_zero() -> None:
    graph = drawing.graph(PLAN, {})
    assert (graph.width, graph.height, graph.view_box) == (794, 244, "-2 -2 798 248")
    assert {box.name: (box.x, box.y) for box in graph.boxes} == {
        "validate-request": (0, 96),
        "create-namespace": (206, 96),
        "apply-rbac": (412, 0),
        "set-resource-quotas": (412, 64),
        "apply-network-policies": (412, 128),
        "enable-monitoring": (412, 192),
        "finalize-setup": (618, 96),
    }
    assert [box.name for box in graph.boxes if box.parallel] == [step.name for step in PLAN[2:6]]


def test_lines_run_straight_or_bend_in_the_gap() -> None:
    paths = {(edge.source, edge.target): edge.path for edge in drawing.graph(PLAN, {}).edges}
    assert len(paths) == 9
    assert paths["validate-request", "create-namespace"] == "M176 122H206"
    assert paths["create-namespace", "apply-rbac"] == "M382 122C397 122 397 26 412 26"
    assert paths["enable-monitoring", "finalize-setup"] == "M588 218C603 218 603 122 618 122"


def test_lines_tell_what_is_done_and_what_flows() -> None:
    states = {"validate-request": "succeeded", "create-namespace": "succeeded", "apply-rbac": "running"}
    kinds = {(edge.source, edge.target): edge.kind for edge in drawing.graph(PLAN, states).edges}
    assert kinds["validate-request", "create-namespace"] == "done"
    assert kinds["create-namespace", "apply-rbac"] == "active"
    assert kinds["create-namespace", "enable-monitoring"] == "todo"
    assert kinds["apply-rbac", "finalize-setup"] == "todo"


def test_a_dependency_that_follows_from_others_is_not_drawn() -> None:
    plan = (Planned("a", "a"), Planned("b", "b", ("a",)), Planned("c", "c", ("a", "b")))
    assert [(edge.source, edge.target) for edge in drawing.graph(plan, {}).edges] == [("a", "b"), ("b", "c")]


def test_a_line_over_a_column_bends_in_the_last_gap_only() -> None:
    plan = (Planned("a", "a"), Planned("b", "b"), Planned("c", "c", ("b",)), Planned("d", "d", ("a", "c")))
    edge = next(edge for edge in drawing.graph(plan, {}).edges if edge.source == "a")
    assert edge.path == "M176 26H382C397 26 397 58 412 58"


def test_an_exit_step_is_drawn_only_when_it_ran_and_below_the_last_column() -> None:
    states = {"apply-network-policies": "failed", "rollback": ""}
    assert "rollback" not in {box.name for box in drawing.graph(PLAN, states).boxes}
    graph = drawing.graph(PLAN, states | {"rollback": "succeeded"})
    rollback = graph.boxes[-1]
    assert (rollback.name, rollback.x, rollback.y, rollback.extra) == ("rollback", 618, 192, True)
    exits = [edge for edge in graph.edges if edge.kind == "exit"]
    assert [(edge.source, edge.path) for edge in exits] == [
        ("apply-network-policies", "M588 162C603 162 603 218 618 218")
    ]


def test_an_exit_step_makes_room_where_there_is_none() -> None:
    graph = drawing.graph((Planned("only", "only"),), {"only": "failed", "rollback": "running"})
    assert [(box.name, box.y) for box in graph.boxes] == [("only", 0), ("rollback", 64)]
    assert graph.height == 116
    assert graph.edges[-1].path == "M14 52V64"


def test_a_dependency_outside_the_plan_is_left_out() -> None:
    assert drawing.graph((Planned("a", "a", ("gone",)),), {}).edges == ()


def test_no_plan_is_an_empty_drawing() -> None:
    assert drawing.graph((), {}) == drawing.Graph(0, 0, (), ())


def test_a_circle_is_an_error() -> None:
    with pytest.raises(graphlib.CycleError):
        drawing.graph((Planned("a", "a", ("b",)), Planned("b", "b", ("a",))), {})


def test_the_timeline_has_one_scale_for_all() -> None:
    steps = [Timed("a", "succeeded", at(0), at(4)), Timed("b", "running", at(5)), Timed("c", "")]
    line = drawing.timeline(steps, at(15), live=True)
    assert line.ticks == ((0.0, 0), (100 * 5 / 15, 5), (100 * 10 / 15, 10), (100.0, 15))
    assert line.now == 100.0
    assert [(span.start, span.seconds) for span in line.spans] == [(0.0, 4.0), (100 * 5 / 15, 10.0), (None, None)]
    assert line.spans[1].width == pytest.approx(100 * 10 / 15)


def test_a_run_that_ended_has_no_present() -> None:
    line = drawing.timeline([Timed("a", "succeeded", at(0), at(61))], at(9000), live=False)
    assert (line.seconds, line.now, line.ticks[-1]) == (61.0, None, (100.0, 75))


def test_a_step_that_was_cut_off_without_an_end_has_no_bar() -> None:
    line = drawing.timeline([Timed("a", "failed", at(0), at(5)), Timed("b", "omitted", at(2))], at(99), live=False)
    assert line.spans[1].width is None


def test_a_run_of_days_still_has_few_ticks() -> None:
    line = drawing.timeline([Timed("a", "running", at(0))], at(5 * 86400), live=True)
    assert len(line.ticks) <= 8


def test_nothing_begun_is_a_line_of_a_second() -> None:
    assert drawing.timeline([], T0, live=False).ticks == ((0.0, 0), (100.0, 1))


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(1, 2, 50.0), (3, 2, 100.0), (0, 0, 0.0), (1, 0, 100.0), (-1, 2, 0.0)]
)
def test_percent_stays_between_nothing_and_all(part: float, whole: float, share: float) -> None:
    assert drawing.percent(part, whole) == share
