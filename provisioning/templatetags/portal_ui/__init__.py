"""The portal's template tags: `{% load portal_ui %}`. What each takes stands at its head here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone
from django.utils.html import format_html

from provisioning import ansi, drawing
from provisioning.templatetags.portal_ui import runs, times, values
from provisioning.templatetags.portal_ui.icons import icon
from provisioning.templatetags.portal_ui.looks import Look, kind_look, phase_look, step_look, verdict_look
from provisioning.templatetags.portal_ui.stages import life

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.utils.safestring import SafeString

THEMES = ("light", "dark")
# Percent of a limit from which on a bar warns.
NEARLY_FULL = 80

register = template.Library()

register.simple_tag(icon)
register.simple_tag(values.avatar)
register.simple_tag(values.log_lines)
register.filter("duration", times.duration)
register.filter("ago", times.ago)
register.filter("clock", times.clock)
register.filter("day", times.day)
register.filter("when", times.when)
register.filter("amount", values.amount)
register.filter("memory", values.memory)
register.filter("yaml", values.to_yaml)
register.filter("ansi", ansi.ansi_to_html)
register.filter("initials", values.initials)


def badge(look: Look, size: str = "") -> SafeString:
    css = f"badge {size} tone-{look.tone}".replace("  ", " ")
    return format_html('<span class="{}">{}{}</span>', css, icon(look.icon), look.word)


@register.simple_tag
def phase_badge(request: Any, kind: object = None, size: str = "") -> SafeString:
    """`{% phase_badge request %}`, `{% phase_badge request size="lg" %}`, or `{% phase_badge phase kind %}`."""
    phase = values.attribute(request, "phase", default=request)
    return badge(phase_look(phase, kind or values.attribute(request, "kind", default="create")), size)


@register.simple_tag
def step_badge(step: Any, name: object = "") -> SafeString:
    """`{% step_badge step %}` with `state` or `phase` and `name`, or `{% step_badge "Running" %}`."""
    state = values.attribute(step, "state", "phase", default=step)
    return badge(step_look(state, name or values.attribute(step, "name", default="")))


@register.simple_tag
def kind_badge(kind: Any) -> SafeString:
    """`{% kind_badge request %}` or `{% kind_badge "delete" %}`."""
    return badge(kind_look(values.attribute(kind, "kind", default=kind)))


@register.simple_tag
def phase_word(request: Any, kind: object = None) -> str:
    """The word alone, for titles and announcements."""
    phase = values.attribute(request, "phase", default=request)
    return phase_look(phase, kind or values.attribute(request, "kind", default="create")).word


@register.inclusion_tag("components/stepper.html")
def stepper(request: Any, notes: Mapping[str, str] | None = None) -> dict[str, object]:
    """`{% stepper request notes %}`: `notes` maps requested, decision, run and end to a line each (who, when)."""
    phase, kind = values.attribute(request, "phase"), values.attribute(request, "kind", default="create")
    decided = bool(values.attribute(request, "attempt", default=0))
    return {"stages": life(phase, kind, notes or {}, decided=decided)}


@register.inclusion_tag("components/graph.html")
def graph(
    plan: Sequence[drawing.Step],
    steps: object,
    selected: str = "",
    url: str = "?step=",
    target: str = "",
    *,
    over: bool = False,
) -> dict[str, object]:
    """The run as a graph of links, and as a list on small screens.

    `plan`: the planned steps. `steps`: rows with `name`, `state` or `phase`, `started_at`, `finished_at` and
    `attempts`, or a mapping from names to states. `url` is what the name of a step is appended to. `target`: selector
    of the element that a step's answer replaces without a new page. `over`: what waits now will never run.
    """
    rows = runs.rows_of(plan, steps, over=over, now=timezone.now())
    return runs.graph_context(plan, rows, selected=selected, url=url, target=target)


@register.inclusion_tag("components/gantt.html")
def gantt(
    plan: Sequence[drawing.Step],
    steps: object,
    selected: str = "",
    url: str = "?step=",
    target: str = "",
    *,
    over: bool = False,
) -> dict[str, object]:
    """The run on a line of time; takes what `graph` takes."""
    now = timezone.now()
    rows = runs.rows_of(plan, steps, over=over, now=now)
    return runs.gantt_context(plan, rows, selected=selected, url=url, target=target, now=now)


@register.inclusion_tag("components/progress.html")
def progress(plan: Sequence[drawing.Step], steps: object) -> dict[str, object]:
    """A piece for each planned step."""
    return runs.progress_context(plan, runs.rows_of(plan, steps, over=False, now=timezone.now()))


@register.inclusion_tag("components/usage.html")
def usage(
    label: str, used: float, limit: float, more: float = 0, *, unit: str = "", compact: bool = False
) -> dict[str, object]:
    """How much of a limit is used, and how much a request would add (`more`). `unit`: `memory` for bytes.

    Warns when it is nearly full; `compact` suits the cell of a table.
    """
    text = values.memory if unit == "memory" else values.amount
    share = drawing.percent(used + more, limit)
    tone = "bad" if used + more > limit else "warn" if share >= NEARLY_FULL else "info"
    return {
        "label": label,
        "used": text(used),
        "limit": text(limit),
        "more": text(more) if more else "",
        "share": f"{share:.0f}",
        "tone": tone,
        "compact": compact,
        "width": f"{drawing.percent(used, limit):.1f}%",
        "more_width": f"{share - drawing.percent(used, limit):.1f}%",
    }


@register.inclusion_tag("components/code.html")
def code(value: object, label: str = "", *, lang: str = "yaml", copy: bool = True) -> dict[str, object]:
    """A block of YAML (an object, or its text) or, with `lang="text"`, of anything, with a button that copies it."""
    shown = values.coloured_yaml(value) if lang == "yaml" else value
    return {"text": shown, "label": label, "copy": copy}


@register.inclusion_tag("components/subjects.html")
def subjects(people: Sequence[object], empty: str = "nobody") -> dict[str, object]:
    """People and groups (`Subject`s) as chips."""
    return {"subjects": people, "empty": empty}


@register.inclusion_tag("components/verdict.html")
def verdict(value: Any) -> dict[str, object]:
    """What policy says: a `Verdict` or its JSON."""
    look = verdict_look(values.attribute(value, "result"))
    reasons = values.attribute(value, "reasons", default=())
    return {"look": look, "reasons": reasons, "sentence": values.attribute(value, "sentence", default="")}


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """`light`, `dark`, or nothing for what the system says. From the cookie that `portal.theme` sets."""
    chosen = context["request"].COOKIES.get("theme", "") if "request" in context else ""
    return chosen if chosen in THEMES else ""
