"""Log lines as terminals show them, made safe for a page.

A log is text from outside. Colours (SGR sequences of ECMA-48) become classes; every other control sequence is
dropped; what could hide or reorder text on a page (control characters, bidirectional overrides) is shown as what
it is. Nothing of the text ever becomes markup.
"""

from __future__ import annotations

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")

# A colour; any other CSI sequence; OSC, DCS, SOS, PM and APC with their text; two-byte escapes. A sequence that
# was cut off runs to the end of its line at most, so that it cannot swallow the lines that follow.
_SEQUENCE = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]*)m"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|$)"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]?",
    re.MULTILINE,
)
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")

_STYLES = {1: ("weight", "bold"), 2: ("weight", "dim"), 3: ("slant", "italic"), 4: ("line", "underline")}
_RESETS = {22: "weight", 23: "slant", 24: "line", 39: "fg", 49: "bg"}


def plain(text: str) -> str:
    """The text without its control sequences, for searching and for downloads that people read."""
    return _SEQUENCE.sub("", _overwritten(text))


def ansi_to_html(text: str) -> SafeString:
    """One line or more of a log as HTML: `<span class="ansi-red ansi-bold">…</span>`, everything else escaped."""
    return mark_safe("".join(_rendered(_overwritten(text))))  # noqa: S308 each piece is escaped where it is made


def _overwritten(text: str) -> str:
    """A carriage return starts its line again, as progress bars do: what stood before it is gone."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _rendered(text: str) -> Iterator[str]:
    style: dict[str, str] = {}
    end = 0
    for match in _SEQUENCE.finditer(text):
        yield _piece(text[end : match.start()], style)
        end = match.end()
        if match["sgr"] is not None:
            style = _styled(style, match["sgr"])
    yield _piece(text[end:], style)


def _piece(text: str, style: dict[str, str]) -> str:
    if not text:
        return ""
    shown = _HIDDEN.sub(_named, escape(text))
    classes = " ".join(f"ansi-{style[part]}" for part in sorted(style))
    return f'<span class="{classes}">{shown}</span>' if classes else shown


def _named(match: re.Match[str]) -> str:
    """`⟨U+202E⟩` for what a reader could not see."""
    return f'<span class="ansi-hidden">⟨U+{ord(match[0]):04X}⟩</span>'


def _styled(style: dict[str, str], sgr: str) -> dict[str, str]:
    codes = [int(code) if code else 0 for code in re.split("[;:]", sgr[:200])]
    style = dict(style)
    while codes:
        code = codes.pop(0)
        if code in (38, 48):
            _extended("fg" if code == 38 else "bg", codes, style)
        else:
            _apply(code, style)
    return style


def _apply(code: int, style: dict[str, str]) -> None:
    if code == 0:
        style.clear()
    elif code in _STYLES:
        part, name = _STYLES[code]
        style[part] = name
    elif code in _RESETS:
        style.pop(_RESETS[code], None)
    elif code // 10 in (3, 9) and code % 10 < 8:
        style["fg"] = COLOURS[code % 10]
    elif code // 10 in (4, 10) and code % 10 < 8:
        style["bg"] = "bg-" + COLOURS[code % 10]


def _extended(part: str, codes: list[int], style: dict[str, str]) -> None:
    """Colours by number: the first sixteen have a name; of the others only the arguments are eaten."""
    kind = codes.pop(0) if codes else 0
    if kind == 2:
        del codes[:3]
        style.pop(part, None)
    elif kind == 5:
        number = codes.pop(0) if codes else 0
        style.pop(part, None)
        if number < 16:
            style[part] = ("bg-" if part == "bg" else "") + COLOURS[number % 8]
