"""JSON as Go's encoding/json reads and writes it: its escapes, and its words for broken input."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

# encoding/json escapes these in every string, so that JSON is safe inside HTML and JavaScript.
# U+FFFD is what invalid bytes have become: Go still sees them and writes the escape.
ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
    "\ufffd": "\\ufffd",
}
SURROGATES = re.compile("[\ud800-\udfff]")
TABLE = str.maketrans(ESCAPES)
OBJECT_KEY = "Expecting property name enclosed in double quotes"
REASONS = {
    "Expecting value": "looking for beginning of value",
    OBJECT_KEY: "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Invalid control character at": "in string literal",
}


class SyntaxFault(ValueError):
    """Text that is no JSON; its words are Go's."""


def dumps(value: Any) -> bytes:
    """Compact, keys in the order they stand in, `<>&` escaped; lone surrogates become U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(TABLE)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return SURROGATES.sub(r"\\ufffd", text).encode()


def loads(raw: bytes) -> Any:
    """The first JSON value of `raw`; what follows it is ignored, as json.Decoder does. Nothing at all is None.

    Raises SyntaxFault.
    """
    text = raw.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        return None
    decoder = json.JSONDecoder(parse_constant=_constant)
    try:
        value = decoder.raw_decode(text)[0]
    except json.JSONDecodeError as error:
        raise SyntaxFault(_reason(error, text)) from None
    except RecursionError:
        raise SyntaxFault("exceeded max depth") from None
    return _without_surrogates(value) if "\\ud" in text.lower() else value


def _without_surrogates(value: Any) -> Any:
    """Half a surrogate pair is no character: Go reads U+FFFD."""
    if isinstance(value, str):
        return SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def _constant(name: str) -> NoReturn:
    raise SyntaxFault(f"invalid character {name[0]!r} looking for beginning of value")


def _reason(error: json.JSONDecodeError, text: str) -> str:
    at = error.pos
    if error.msg.startswith("Invalid \\") and at + 1 < len(text):
        return f"invalid character {_quote(text[at + 1])} in string escape code"
    while at < len(text) and text[at] in " \t\r\n" and "control character" not in error.msg:
        at += 1
    if at >= len(text) or error.msg.startswith("Unterminated string"):
        return "unexpected EOF"
    where = REASONS.get(error.msg) or _delimiter(text[:at])
    return f"invalid character {_quote(text[at])} {where}"


def _delimiter(before: str) -> str:
    """What Go says where a comma is missing, by the bracket that is open."""
    open_brackets: list[str] = []
    in_string = escaped = False
    for char in before:
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "{[":
            open_brackets.append(char)
        elif char in "}]" and open_brackets:
            open_brackets.pop()
    return "after object key:value pair" if open_brackets and open_brackets[-1] == "{" else "after array element"


def _quote(char: str) -> str:
    """Go's %q of one character, as encoding/json writes it."""
    special = {"'": "'\\''", '"': "'\"'", "\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'", "\\": "'\\\\'"}
    return special.get(char) or (f"'{char}'" if char.isprintable() else f"'\\x{ord(char):02x}'")
