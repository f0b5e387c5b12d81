from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from django.template import Context, Template
from heroicons import IconDoesNotExist

from provisioning.models import Kind, Phase, StepPhase
from provisioning.spec import Subject
from provisioning.templatetags.portal_ui import icons, looks, stages, values
from tests.look.gallery import FAILED, LONG, OBJECT, PLAN, RUNNING, row


def drawn(source: str, **context: Any) -> str:
    return Template("{% load portal_ui %}" + source).render(Context(context))


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


@pytest.mark.parametrize("phase", Phase.values)
@pytest.mark.parametrize("kind", Kind.values)
def test_every_phase_has_an_icon_and_a_word(phase: str, kind: str) -> None:
    look = looks.phase_look(phase, kind)
    assert look is not looks.UNKNOWN
    assert icons.icon(look.icon).startswith("<svg")
    expected = {"create": "Ready", "change": "Changed", "delete": "Deleted", "adopt": "Adopted"}[kind]
    assert look.word == (expected if phase == Phase.SUCCEEDED else Phase(phase).label)


@pytest.mark.parametrize("phase", StepPhase.values)
def test_every_phase_of_a_step_has_an_icon_and_a_word(phase: str) -> None:
    look = looks.step_look(phase)
    assert look.word == StepPhase(phase).label
    assert icons.icon(look.icon).startswith("<svg")


def test_a_rollback_that_worked_is_nothing_to_be_glad_of() -> None:
    assert looks.step_look("Succeeded", "rollback") == looks.Look("warn", "undo", "Rolled back")


def test_every_icon_we_name_exists() -> None:
    for name in (*icons.HEROICONS, *icons.OWN):
        assert "<path" in icons.icon(name) or "<circle" in icons.icon(name)


def test_an_icon_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(IconDoesNotExist):
        icons.icon("no-such-icon")


def test_an_icon_is_silent_unless_it_has_a_label() -> None:
    assert 'aria-hidden="true"' in icons.icon("check")
    assert 'role="img"' in icons.icon("check", label='a "b" <c>')
    assert "<c>" not in icons.icon("check", label='a "b" <c>')
    assert "<c>" not in icons.icon("todo", label='a "b" <c>')


def test_a_badge_is_an_icon_and_a_word() -> None:
    request = SimpleNamespace(phase=Phase.SUCCEEDED, kind=Kind.DELETE)
    html = drawn('{% phase_badge request size="lg" %}', request=request)
    assert html.startswith('<span class="badge lg tone-ok"><svg')
    assert words(html) == "Deleted"


LIVES = [
    ("Pending", 0, ["done", "now", "todo", "todo"], ["Requested", "Waiting for a decision", "Provisioning", "Ready"]),
    (
        "ChangesRequested",
        0,
        ["done", "now", "todo", "todo"],
        ["Requested", "Changes requested", "Provisioning", "Ready"],
    ),
    ("Approved", 1, ["done", "now", "todo", "todo"], ["Requested", "Approved", "Provisioning", "Ready"]),
    ("Provisioning", 1, ["done", "done", "now", "todo"], ["Requested", "Approved", "Provisioning", "Ready"]),
    ("Succeeded", 1, ["done", "done", "done", "now"], ["Requested", "Approved", "Provisioned", "Ready"]),
    ("Failed", 1, ["done", "done", "now", "todo"], ["Requested", "Approved", "Failed", "Ready"]),
    ("Denied", 0, ["done", "now", "todo", "todo"], ["Requested", "Denied", "Provisioning", "Ready"]),
    ("Cancelled", 0, ["done", "now", "todo", "todo"], ["Requested", "Cancelled", "Provisioning", "Ready"]),
    ("Cancelled", 1, ["done", "done", "now", "todo"], ["Requested", "Approved", "Cancelled", "Ready"]),
    ("Expired", 0, ["done", "now", "todo", "todo"], ["Requested", "Expired", "Provisioning", "Ready"]),
]


@pytest.mark.parametrize(("phase", "attempt", "places", "titles"), LIVES)
def test_the_stepper_tells_the_life_of_a_request(
    phase: str, attempt: int, places: list[str], titles: list[str]
) -> None:
    life = stages.life(phase, "create", {"requested": "Alice, 13:58"}, decided=bool(attempt))
    assert [stage.place for stage in life] == places
    assert [stage.title for stage in life] == titles
    assert life[0].note == "Alice, 13:58"


def test_the_stepper_marks_the_present_for_assistive_technology() -> None:
    html = drawn("{% stepper request %}", request={"phase": "Provisioning", "kind": "create", "attempt": 1})
    assert html.count('aria-current="step"') == 1


def nodes(html: str) -> dict[str, str]:
    return {name: words(body) for name, body in re.findall(r'<a id="node-([^"]+)"(.*?</text>)\s*</a>', html, re.DOTALL)}


def test_the_graph_shows_all_planned_steps_before_anything_ran() -> None:
    html = drawn("{% graph plan steps %}", plan=PLAN, steps=[])
    assert set(nodes(html)) == {step.name for step in PLAN}
    assert html.count("Waiting. Show its log") == 7
    assert 'aria-label="Steps of the run: 0 of 7 steps done"' in html


def test_the_graph_paints_states_durations_and_tries() -> None:
    html = drawn(
        "{% graph plan steps selected %}", plan=PLAN, steps=[row(*step) for step in RUNNING], selected="apply-rbac"
    )
    assert 'aria-label="validate-request: Done, 4s. Show its log"' in html
    assert re.search(r'aria-label="apply-network-policies: Running, 1[23]s, 2 tries. Show its log"', html)
    assert re.search(r'id="node-apply-rbac"[^>]*aria-current="true"', html)
    assert html.count('aria-current="true"') == 2, "once in the drawing, once in the list"
    assert 'href="?step=apply-rbac"' in html
    assert html.count("data-since=") == 4, "two running steps, in the drawing and in the list"
    assert "hx-get" not in html


def test_the_graph_of_a_run_that_failed_tells_what_never_ran_and_the_rollback() -> None:
    html = drawn("{% graph plan steps over=True %}", plan=PLAN, steps=[row(*step) for step in FAILED])
    assert "finalize-setup: Not run. Show its log" in html
    assert "apply-network-policies: Failed, 6s, 3 tries. Show its log" in html
    assert "rollback: Rolled back, 4s. Show its log" in html
    assert 'class="edge is-exit tone-bad"' in html


def test_a_step_opens_without_a_new_page_where_a_target_is_given() -> None:
    html = drawn('{% graph plan steps url="/r/1/?step=" target="#step-log" %}', plan=PLAN, steps={})
    assert html.count('hx-get="/r/1/?step=finalize-setup" hx-target="#step-log" hx-push-url="true"') == 2


def test_names_of_steps_cannot_break_out_of_the_drawing() -> None:
    plan = (SimpleNamespace(name='"><script>', title="", depends=()),)
    html = drawn("{% graph plan steps %}{% gantt plan steps %}", plan=plan, steps={'"><script>': "Running"})
    assert "<script>" not in html


def test_the_timeline_has_a_lane_for_each_step() -> None:
    html = drawn("{% gantt plan steps %}", plan=PLAN, steps=[row(*step) for step in FAILED])
    assert html.count('<svg class="lane"') == 9, "the scale, seven steps and the rollback"
    assert html.count('class="span"') == 6
    assert 'class="now' not in html


def test_the_timeline_says_when_nothing_has_begun() -> None:
    assert words(drawn("{% gantt plan steps %}", plan=PLAN, steps={})) == "No step has begun."


def test_progress_counts_planned_steps_only() -> None:
    html = drawn("{% progress plan steps %}", plan=PLAN, steps=[row(*step) for step in FAILED])
    assert 'aria-label="4 of 7 steps done, 1 failed"' in html
    assert html.count("<span") == 7


@pytest.mark.parametrize(
    ("call", "tone", "text"),
    [
        ('{% usage "CPU" 1.7 2 %}', "warn", "CPU 1.7 of 2 85%"),
        ('{% usage "CPU" 1 2 %}', "info", "CPU 1 of 2 50%"),
        ('{% usage "Pods" 12 10 %}', "bad", "Pods 12 of 10 100%"),
        ('{% usage "CPU" 12 32 8 %}', "mute", "CPU 12 + 8 of 32"),
        ('{% usage "Memory" 3006477107 8589934592 unit="memory" %}', "info", "Memory 2.8 Gi of 8 Gi 35%"),
    ],
)
def test_a_bar_repeats_its_numbers_in_text(call: str, tone: str, text: str) -> None:
    html = drawn(call)
    assert words(html) == text
    assert f"tone-{tone}" in re.search(r'class="bar[^"]*"', html)[0]  # type: ignore[index]
    assert "style=" not in html


def test_yaml_is_coloured_without_changing_it() -> None:
    html = values.coloured_yaml(OBJECT)
    assert "<script>" not in html
    text = re.sub(r"</?span[^>]*>", "", html)
    for mark, char in (("&lt;", "<"), ("&gt;", ">"), ("&#x27;", "'"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(mark, char)
    assert yaml.safe_load(text) == OBJECT
    assert '<span class="key">apiVersion</span>: v1' in html


def test_lines_carry_their_number_and_are_escaped() -> None:
    html = drawn(
        "{% log_lines lines %}",
        lines=[(7, "<b>x</b>"), {"number": 8, "text": "Error from server", "at": "2026-11-24T14:06:09Z"}],
    )
    assert '<li data-n="7" class=""><span>&lt;b&gt;x&lt;/b&gt;</span></li>' in html
    assert re.search(
        r'<li data-n="8" class="tone-bad"><time [^>]*>14:06:09</time><span>Error from server</span></li>', html
    )


@pytest.mark.parametrize(
    ("line", "tone"),
    [
        ("Error from server (Forbidden): x", "bad"), ("\x1b[31merror: no", "bad"), ("Warning: look", "warn"),
        ("admission webhook denied the request", "bad"), ("No errors", ""), ("errorless", ""), ("namespace created", ""),
    ],
)  # fmt: skip
def test_the_tone_of_a_line_is_guessed_from_its_first_words(line: str, tone: str) -> None:
    assert values.line_tone(line) == tone


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Alice Moreau", "AM"), ("payments-devs", "PD"), ("alice@example.com", "A"), ("", "?"), ("a b c", "AC")],
)
def test_initials(name: str, letters: str) -> None:
    assert values.initials(name) == letters


def test_subjects_are_named_with_their_kind() -> None:
    people = [Subject("User", "alice@example.com"), Subject("Group", LONG)]
    assert words(drawn("{% subjects people %}", people=people)) == f"alice@example.com group {LONG}"
    assert words(drawn("{% subjects people %}", people=[])) == "nobody"


def test_a_verdict_gives_its_reasons() -> None:
    html = drawn("{% verdict value %}", value={"result": "approve", "reasons": ["large tier"], "sentence": "s"})
    assert words(html) == "Needs a platform admin large tier"
    assert 'data-announce="Needs a platform admin; large tier"' in html
