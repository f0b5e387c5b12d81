"""What texts Kubernetes takes: as label values, and as free text in annotations."""

from __future__ import annotations

import re
import unicodedata

_LABEL_VALUE = re.compile(r"\A[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")
_LABEL_PREFIX = re.compile(r"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z")
_MAX_PREFIX = 253
LINE_BREAKS = "\t\n\r"


def is_label_value(text: str) -> bool:
    """1 to 63 of letters, digits, dash, underscore, dot; a letter or digit at both ends."""
    return _LABEL_VALUE.match(text) is not None


def is_label_key(text: str) -> bool:
    """A name like a label value's, with an optional DNS prefix before a slash."""
    prefix, slash, name = text.rpartition("/")
    return is_label_value(name) and (not slash or (len(prefix) <= _MAX_PREFIX and bool(_LABEL_PREFIX.match(prefix))))


def text_fault(text: str, *, limit: int, lines: bool) -> str:
    """What the API server, or the database, would refuse in `text`; "" when nothing.

    The API server answers 400 "control characters are not allowed" for U+007F to U+009F and U+FFFE, U+FFFF;
    a lone surrogate would arrive as U+FFFD.
    """
    if len(text) > limit:
        return f"{limit} characters at most, this has {len(text)}"
    allowed = LINE_BREAKS if lines else ""
    for character in text:
        category = unicodedata.category(character)
        if (category == "Cc" and character not in allowed) or category == "Cs" or character in "\ufffe\uffff":
            return f"holds the character U+{ord(character):04X}, which Kubernetes does not take"
    return ""
