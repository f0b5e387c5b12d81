"""The words of an expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .errors import ExpressionError

Kind = Literal["number", "string", "name", "operator", "end"]

PATTERN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<name>[A-Za-z_]\w*)
      | (?P<operator>\*\*|&&|\|\||==|!=|<=|>=|=~|!~|\?\?|[-+*/%()\[\],.<>!?:])
    )""",
    re.VERBOSE,
)
ESCAPE = re.compile(r"\\(.)")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str


def tokenize(expression: str) -> list[Token]:
    """Raises ExpressionError for characters that no expression has."""
    tokens: list[Token] = []
    position = 0
    while expression[position:].strip():
        found = PATTERN.match(expression, position)
        if found is None:
            raise ExpressionError(f"unexpected token {expression[position:].strip()[0]!r} in {expression!r}")
        position = found.end()
        tokens.append(_token(found))
    return [*tokens, Token("end", "")]


def _token(found: re.Match[str]) -> Token:
    text = found[found.lastgroup or 0]
    match found.lastgroup:
        case "string":
            return Token("string", ESCAPE.sub(lambda escape: ESCAPES.get(escape[1], escape[1]), text[1:-1]))
        case "number":
            return Token("number", text)
        case "name":
            return Token("name", text)
    return Token("operator", text)
