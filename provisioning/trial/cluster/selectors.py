"""Label selectors of `-l`: `key=value`, `key==value`, `key!=value`, `key`, `!key`, separated by commas."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_REQUIREMENT = re.compile(r"\s*(!?)\s*([^\s=!,]+)\s*(?:(==|=|!=)\s*([^\s=!,]*))?\s*")


@dataclass(frozen=True, slots=True)
class BadSelector(Exception):
    message: str


Test = Callable[[dict[str, str]], bool]


def parse(text: str) -> Test:
    """Raises BadSelector in the words of the API server."""
    tests = []
    position = 0
    while position < len(text):
        match = _REQUIREMENT.match(text, position)
        if match is None:
            wanted = "expected: !, identifier, or 'end of string'"
            raise BadSelector(f"unable to parse requirement: found '{text[position]}', {wanted}")
        position = match.end()
        if position < len(text) and text[position] != ",":
            word = re.split(r"[\s,]", text[position:], maxsplit=1)[0]
            raise BadSelector(f"found '{word}', expected: ',' or 'end of string'")
        position += 1
        tests.append(_test(*match.groups()))
    return lambda labels: all(test(labels) for test in tests)


def _test(negated: str, key: str, operator: str | None, value: str | None) -> Test:
    if operator is None:
        return lambda labels: (key in labels) != bool(negated)
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value
