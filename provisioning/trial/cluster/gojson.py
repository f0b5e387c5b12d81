"""JSON as Go reads and writes it: where a syntax error is and what it says, and how values are printed."""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = b" \t\r\n"
_DIGITS = b"0123456789"
_LITERALS = {b"t"[0]: b"true", b"f"[0]: b"false", b"n"[0]: b"null"}
_SURROGATE = re.compile("[\ud800-\udfff]")


class Malformed(Exception):
    """`offset`: bytes read up to and with the offending one."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


class UnexpectedEnd(Exception):
    """The text ends inside a value."""


class Scanner:
    """Goes through one JSON value as encoding/json does and finds its end, or its first error."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def skip_space(self) -> None:
        while self.position < len(self._data) and self._data[self.position] in _SPACE:
            self.position += 1

    def at_end(self) -> bool:
        self.skip_space()
        return self.position >= len(self._data)

    def _peek(self) -> int:
        if self.position >= len(self._data):
            raise UnexpectedEnd
        return self._data[self.position]

    def _next(self, allowed: bytes, context: str) -> int:
        found = self._peek()
        if found not in allowed:
            raise self._error(context)
        self.position += 1
        return found

    def _error(self, context: str) -> Malformed:
        shown = chr(self._data[self.position])
        quoted = {"'": "'\\''", '"': "'\"'"}.get(shown) or "'" + json.dumps(shown)[1:-1] + "'"
        return Malformed(self.position + 1, f"invalid character {quoted} {context}")

    def value(self) -> None:
        self.skip_space()
        found = self._peek()
        if found == b"{"[0]:
            self._object()
        elif found == b"["[0]:
            self._array()
        elif found == b'"'[0]:
            self._string()
        elif found in _LITERALS:
            self._literal(_LITERALS[found])
        elif found in b"-0123456789":
            self._number()
        else:
            raise self._error("looking for beginning of value")

    def _object(self) -> None:
        self.position += 1
        self.skip_space()
        if self._peek() == b"}"[0]:
            self.position += 1
            return
        while True:
            self.skip_space()
            if self._peek() != b'"'[0]:
                raise self._error("looking for beginning of object key string")
            self._string()
            self.skip_space()
            self._next(b":", "after object key")
            self.value()
            self.skip_space()
            if self._next(b",}", "after object key:value pair") == b"}"[0]:
                return

    def _array(self) -> None:
        self.position += 1
        self.skip_space()
        if self._peek() == b"]"[0]:
            self.position += 1
            return
        while True:
            self.value()
            self.skip_space()
            if self._next(b",]", "after array element") == b"]"[0]:
                return

    def _string(self) -> None:
        self.position += 1
        while True:
            found = self._peek()
            if found < b" "[0]:
                raise self._error("in string literal")
            self.position += 1
            if found == b'"'[0]:
                return
            if found == b"\\"[0]:
                self._escape()

    def _escape(self) -> None:
        if self._next(b'bfnrt\\/"u', "in string escape code") == b"u"[0]:
            for _ in range(4):
                self._next(b"0123456789abcdefABCDEF", "in \\u hexadecimal character escape")

    def _literal(self, word: bytes) -> None:
        self.position += 1
        for expected in word[1:]:
            self._next(bytes([expected]), f"in literal {word.decode()} (expecting '{chr(expected)}')")

    def _number(self) -> None:
        if self._peek() == b"-"[0]:
            self.position += 1
            if self._peek() not in _DIGITS:
                raise self._error("in numeric literal")
        self._digits()
        if self._here(b"."):
            self._next(_DIGITS, "after decimal point in numeric literal")
            self._digits()
        if self._here(b"eE"):
            self._here(b"+-")
            self._next(_DIGITS, "in exponent of numeric literal")
            self._digits()

    def _digits(self) -> None:
        while self._here(_DIGITS):
            pass

    def _here(self, allowed: bytes) -> bool:
        found = self.position < len(self._data) and self._data[self.position] in allowed
        self.position += found
        return found


def check(text: str) -> str | None:
    """What json.Unmarshal says about `text`; None when it is one JSON value."""
    scanner = Scanner(text.encode())
    try:
        scanner.value()
    except UnexpectedEnd:
        return "unexpected end of JSON input"
    except Malformed as error:
        return error.message
    if scanner.at_end():
        return None
    return scanner._error("after top-level value").message  # noqa: SLF001 - same module


def loads(text: str) -> Any:
    """Parses valid JSON; of a key twice the last counts, lone surrogates become U+FFFD as in Go."""
    value = json.loads(text)
    return _clean(value) if "\\u" in text else value


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value


def dumps(value: Any, *, indent: int | None = None, sort_keys: bool = True) -> str:
    """As json.Marshal writes: keys sorted, `<`, `>`, `&` and U+2028/2029 escaped, other text as it is."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=False, sort_keys=sort_keys, separators=separators, indent=indent)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def syntax(value: Any) -> str:
    """As `%#v` prints unstructured data."""
    if isinstance(value, dict):
        inside = ", ".join(f"{syntax(name)}:{syntax(value[name])}" for name in sorted(value))
        return "map[string]interface {}{" + inside + "}"
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(syntax(item) for item in value) + "}"
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
