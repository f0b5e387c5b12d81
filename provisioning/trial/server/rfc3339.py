"""Times as Go reads them."""

from __future__ import annotations

import datetime as dt
import re

LAYOUT = "2006-01-02T15:04:05Z07:00"
PARTS = (("2006", 4), ("-", 1), ("01", 2), ("-", 1), ("02", 2), ("T", 1), ("15", 2), (":", 1), ("04", 2), (":", 1),
         ("05", 2))  # fmt: skip


class TimeFault(ValueError):
    """A text that is no RFC 3339 time; its words are Go's."""


def parse_time(text: str) -> dt.datetime:
    """Raises TimeFault."""
    try:
        return dt.datetime.fromisoformat(_checked(text))
    except ValueError:
        raise TimeFault(_fault(text)) from None


def _checked(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)", text):
        raise ValueError
    return re.sub(r"[.,](\d{1,6})\d*", lambda match: "." + match[1].ljust(6, "0"), text)


def _fault(text: str) -> str:
    left = text
    for part, length in PARTS:
        piece = left[:length]
        if (piece != part) if not part.isdigit() else not (piece.isdigit() and len(piece) == length):
            return f'parsing time "{text}" as "{LAYOUT}": cannot parse "{left}" as "{part}"'
        left = left[length:]
    return f'parsing time "{text}" as "{LAYOUT}": cannot parse "{left}" as "Z07:00"'
