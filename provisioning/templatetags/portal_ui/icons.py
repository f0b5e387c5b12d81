"""Icons, drawn into the page itself.

An inline drawing needs no sprite at the end of the page, so a fragment may bring any icon; it takes its colour
from the text around it, and no rule of the content security policy applies to it.
"""

from __future__ import annotations

from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from heroicons.templatetags.heroicons import heroicon_outline

# Our words for what an icon means; any other name is a name of heroicons itself.
HEROICONS = {
    "calendar": "calendar-days",
    "chart": "chart-bar",
    "copy": "square-2-stack",
    "doc": "document-text",
    "down": "chevron-down",
    "download": "arrow-down-tray",
    "drift": "arrows-right-left",
    "external": "arrow-top-right-on-square",
    "filter": "funnel",
    "group": "user-group",
    "info": "information-circle",
    "left": "chevron-left",
    "list": "list-bullet",
    "lock": "lock-closed",
    "mail": "envelope",
    "menu": "bars-3",
    "policy": "scale",
    "print": "printer",
    "pulse": "signal",
    "question": "question-mark-circle",
    "retry": "arrow-path",
    "right": "chevron-right",
    "robot": "cog-6-tooth",
    "screen": "computer-desktop",
    "search": "magnifying-glass",
    "shield": "shield-check",
    "signout": "arrow-right-start-on-rectangle",
    "stop": "stop-circle",
    "terminal": "command-line",
    "undo": "arrow-uturn-left",
    "up": "chevron-up",
    "warning": "exclamation-triangle",
    "x": "x-mark",
}

# What heroicons lacks: the states of a step.
OWN = {
    "hourglass": '<path d="M7 3h10M7 21h10M8 3c0 5 4 6 4 9s-4 4-4 9M16 3c0 5-4 6-4 9s4 4 4 9"/>',
    "in-flight": '<path d="M21 12a9 9 0 1 1-9-9"/>',
    "running": '<g class="spin"><path d="M21 12a9 9 0 1 1-9-9"/></g>',
    "todo": '<circle cx="12" cy="12" r="9" stroke-dasharray="3.5 3.6"/>',
}


def icon(name: str, css: str = "", *, label: str = "", x: int | None = None, y: int | None = None) -> SafeString:
    """An icon by its meaning. `label` names it where it stands alone; `x` and `y` place it in a drawing.

    Raises `heroicons.IconDoesNotExist` for a name that nobody knows.
    """
    return _drawn(str(name), str(css), str(label), x, y)


@lru_cache(maxsize=512)
def _drawn(name: str, css: str, label: str, x: int | None, y: int | None) -> SafeString:
    attrs: dict[str, object] = {"class": f"icon {css}".strip()}
    attrs |= {"role": "img", "aria-label": label, "aria-hidden": "false"} if label else {"aria-hidden": "true"}
    if x is not None and y is not None:
        attrs |= {"x": x, "y": y, "width": 16, "height": 16}
    if name in OWN:
        pairs = [format_html(' {}="{}"', key, value) for key, value in attrs.items()]
        return mark_safe(f'<svg viewBox="0 0 24 24"{"".join(pairs)}>{OWN[name]}</svg>')  # noqa: S308 escaped above
    svg = heroicon_outline(HEROICONS.get(name, name), size=None, **attrs)
    return SafeString("".join(line.strip() for line in svg.splitlines()))
