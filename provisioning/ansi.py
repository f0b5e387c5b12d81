"""Log lines as terminals show them, made safe for a page.

A log is text from outside. Colours (SGR sequences of ECMA-48) become classes; every other control sequence is
dropped; what could hide or reorder text on a page (control characters, bidirectional overrides) is shown as what
it is. Nothing of the text ever becomes markup.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

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

# What a code sets: a part of the style, and its value (None takes it back).
_CODES: dict[int, tuple[str, str | None]] = {
    1: ("weight", "bold"),
    2: ("weight", "dim"),
    3: ("slant", "italic"),
    4: ("line", "underline"),
    22: ("weight", None),
    23: ("slant", None),
    24: ("line", None),
    39: ("fg", None),
    49: ("bg", None),
} | {
    first + number: (part, prefix + colour)
    for first, part, prefix in ((30, "fg", ""), (90, "fg", ""), (40, "bg", "bg-"), (100, "bg", "bg-"))
    for number, colour in enumerate(COLOURS)
}
_RESET = 0
# `38;5;N` and `38;2;R;G;B`: colours by number or by their parts. Only the first sixteen numbers have a name.
_EXTENDED = {38: ("fg", 30), 48: ("bg", 40)}
_BY_NUMBER, _BY_PARTS = 5, 2
_HAVE_NAMES = 2 * len(COLOURS)


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
        if code == _RESET:
            style.clear()
        elif code in _EXTENDED:
            _set(style, *_extended(code, codes))
        elif code in _CODES:
            _set(style, *_CODES[code])
    return style


def _set(style: dict[str, str], part: str, value: str | None) -> None:
    style.pop(part, None)
    if value is not None:
        style[part] = value


def _extended(code: int, codes: list[int]) -> tuple[str, str | None]:
    """Eats the arguments of a colour by number or by parts."""
    part, first = _EXTENDED[code]
    kind = codes.pop(0) if codes else None
    if kind == _BY_PARTS:
        del codes[:3]
    number = codes.pop(0) if kind == _BY_NUMBER and codes else _HAVE_NAMES
    return _CODES[first + number % len(COLOURS)] if number < _HAVE_NAMES else (part, None)
