"""Replacing `{{…}}` as Argo does: in the JSON text, so that a value can break no structure, only say something else."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from .errors import ExpressionError, Invalid, UnknownName
from .expressions import evaluate, nested, to_text

Values = Mapping[str, str]
PRINTABLE = frozenset("LMNPS")
QUOTED = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
          "\v": "\\v"}  # fmt: skip


def replace(text: str, values: Values, *, strict: bool = False) -> str:
    """Replace the tags of a JSON text. Unknown tags stay, or, when `strict`, raise Invalid as validation does."""
    pieces: list[str] = []
    rest = text
    while True:
        before, start, after = rest.partition("{{")
        tag, end, following = after.partition("}}")
        if not start or not end:
            return "".join(pieces) + rest
        pieces += [before, _tag(tag, values, strict=strict)]
        rest = following


def replace_in(value: Any, values: Values, *, strict: bool = False) -> Any:
    """The same for a JSON value. Raises Invalid, also when a value spoils the text (as U+007F does)."""
    text = json.dumps(value, ensure_ascii=False)
    if "{{" not in text:
        return value
    try:
        return json.loads(replace(text, values, strict=strict))
    except json.JSONDecodeError as error:
        raise Invalid("cannot finish template replacement because the result was invalid JSON") from error


def quote(value: str) -> str:
    """Go's strconv.Quote without the quotes: what Argo pastes (and where it is no JSON, so be it)."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return value
    return "".join(map(_quote_character, value))


def _quote_character(character: str) -> str:
    if character in QUOTED:
        return QUOTED[character]
    if character == " " or unicodedata.category(character)[0] in PRINTABLE:
        return character
    number = ord(character)
    if number < 0x20 or number == 0x7F:  # noqa: PLR2004
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"  # noqa: PLR2004


def _tag(tag: str, values: Values, *, strict: bool) -> str:
    if tag.startswith("="):
        return _expression(tag[1:], values, strict=strict)
    value = values.get(tag.strip())
    if value is not None:
        return quote(value)
    outer, start, inner = tag.rpartition("{{")
    if start and inner in values:  # a tag inside a tag: the inner one first, the next pass sees the outer
        return "{{" + outer + quote(values[inner])
    if strict:
        raise Invalid(f"failed to resolve {{{{{tag}}}}}")
    return "{{" + tag + "}}"


def _expression(source: str, values: Values, *, strict: bool) -> str:
    try:
        expression = json.loads(f'"{source}"')
        return quote(to_text(evaluate(expression, nested(values))))
    except (UnknownName, json.JSONDecodeError):
        return "{{=" + source + "}}"
    except ExpressionError as error:
        if strict and error.message.startswith("trial: "):
            raise
        raise Invalid(f"failed to evaluate expression: {error.message}") from error
