"""Small things made of one value: initials, quantities, YAML, lines of a log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from provisioning.ansi import ansi_to_html, plain
from provisioning.templatetags.portal_ui.icons import icon
from provisioning.templatetags.portal_ui.times import clock

GIB = 2**30
_UNITS = ((2**40, "Ti"), (GIB, "Gi"), (2**20, "Mi"), (2**10, "Ki"))
_KEY = re.compile(r"^([ -]*)([^\s:#'\"\[{&|>-][^:]*?)(:)(?=\s|$)", re.MULTILINE)
_BAD_LINE = re.compile(r"(error\b|fatal\b|panic\b|failed\b)|.*\b(forbidden|denied the request)\b", re.IGNORECASE)
_WARN_LINE = re.compile(r"warn(ing)?\b", re.IGNORECASE)


def attribute(thing: Any, *names: str, default: Any = None) -> Any:
    """The first of these names that a mapping or an object has, and that is not None."""
    for name in names:
        value = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
        if value is not None:
            return value
    return default


def initials(name: object) -> str:
    """`AM` of Alice Moreau, `PD` of payments-devs, `A` of alice@example.com."""
    words = re.findall(r"\w+", str(name).split("@")[0].replace("_", " "))
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def avatar(person: object, size: str = "") -> SafeString:
    """A round mark of a person by name or account, of a group (`Subject`), or of the portal itself (None)."""
    css = f"avatar {size}".strip()
    if person is None or attribute(person, "kind") == "Group":
        drawn = icon("robot" if person is None else "group")
        return format_html('<span class="{} robot" aria-hidden="true">{}</span>', css, drawn)
    name = attribute(person, "display_name", "name", default=person)
    return format_html('<span class="{}" aria-hidden="true">{}</span>', css, initials(name))


def amount(value: object) -> str:
    """A number without needless zeros: `2`, `1.7`, `0.25`."""
    return f"{float(value):.2f}".rstrip("0").rstrip(".") if isinstance(value, int | float) else str(value)


def memory(value: object) -> str:
    """Bytes in Kubernetes' units: `8 Gi`, `2.9 Gi`, `384 Mi`."""
    size = float(value) if isinstance(value, int | float) else 0.0
    unit, name = next(((unit, name) for unit, name in _UNITS if size >= unit), (1, "B"))
    return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"


def to_yaml(value: object) -> str:
    """Text as it is; anything else as YAML in its own order."""
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def coloured_yaml(value: object) -> SafeString:
    """YAML with its keys marked. The text stays as it was, so copying it copies YAML."""
    text = str(escape(to_yaml(value).rstrip("\n")))
    return mark_safe(_KEY.sub(r'\1<span class="key">\2</span>\3', text))  # noqa: S308 escaped above


def line_tone(text: str) -> str:
    """A guess from the words of a log line: `bad`, `warn` or nothing. It only colours, it never decides."""
    start = plain(text[:300]).lstrip()
    if _BAD_LINE.match(start):
        return "bad"
    return "warn" if _WARN_LINE.match(start) else ""


def log_lines(lines: Iterable[Any]) -> SafeString:
    """List items for lines with `number` (or `n`), `text` (or `content`), and optionally `at` and `tone`.

    A plain pair `(number, text)` will do.
    """
    return mark_safe("".join(_log_items(lines)))  # noqa: S308 made by format_html


def _log_items(lines: Iterable[Any]) -> Iterator[str]:
    for line in lines:
        number, text, at, tone = _parts(line)
        css = f"tone-{tone}" if tone else ""
        stamp = clock(at) if at else ""
        yield format_html('<li data-n="{}" class="{}">{}<span>{}</span></li>\n', number, css, stamp, ansi_to_html(text))


def _parts(line: Any) -> tuple[object, str, object, str]:
    if isinstance(line, tuple | list):
        number, text = line[0], str(line[1])
        return number, text, None, line_tone(text)
    text = str(attribute(line, "text", "content", default=""))
    tone = str(attribute(line, "tone", default=line_tone(text)))
    return attribute(line, "number", "n", default=""), text, attribute(line, "at", "time"), tone
