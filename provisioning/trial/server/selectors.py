"""Label selectors with Kubernetes' grammar and its words for what is wrong with one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN = re.compile(r"\s*(==|!=|=|!|,|\(|\)|>|<|[^\s=!,()<>]+)")
SPECIAL = {"=", "==", "!=", "!", ",", "(", ")", ">", "<"}
COMPARISONS = {"=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt", "in": "in", "notin": "notin"}


class SelectorFault(ValueError):
    """A selector that does not parse; its words are Kubernetes'."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """`operator` is one of exists, absent, in, notin, gt, lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "absent":
                return value is None
            case "in":
                return value in self.values
            case "notin":
                return value not in self.values
        return value is not None and _compare(value, self.operator, next(iter(self.values)))


def _compare(value: str, operator: str, limit: str) -> bool:
    if not re.fullmatch(r"[+-]?\d+", value):
        return False
    return int(value) > int(limit) if operator == "gt" else int(value) < int(limit)


def parse(text: str) -> Callable[[Mapping[str, str]], bool]:
    """A test for labels. Raises SelectorFault."""
    requirements = requirements_of(text)
    return lambda labels: all(requirement.matches(labels) for requirement in requirements)


def requirements_of(text: str) -> tuple[Requirement, ...]:
    tokens = TOKEN.findall(text)
    if not tokens:
        return ()
    parser = _Parser(tokens)
    return parser.selector()


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _next(self) -> str:
        return self._tokens.pop(0) if self._tokens else ""

    def selector(self) -> tuple[Requirement, ...]:
        found = []
        while True:
            word = self._peek()
            if word in SPECIAL - {"!"}:
                raise SelectorFault(f"found '{word}', expected: !, identifier, or 'end of string'")
            found.append(self._requirement())
            word = self._next()
            if not word:
                return tuple(found)
            if word != ",":
                raise SelectorFault(f"found '{word}', expected: ',' or 'end of string'")
            if self._peek() in SPECIAL - {"!"} or not self._peek():
                raise SelectorFault(f"found '{self._peek()}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        absent = self._peek() == "!"
        if absent:
            self._next()
        key = self._next()
        if not key or key in SPECIAL:
            raise SelectorFault(f"unable to parse requirement: found '{key}', expected: identifier")
        _check_key(key)
        if absent or self._peek() in {"", ","}:
            return Requirement(key, "absent" if absent else "exists")
        word = self._next()
        operator = COMPARISONS.get(word)
        if operator is None:
            wanted = "in, notin, =, ==, !=, gt, lt"
            raise SelectorFault(f"unable to parse requirement: found '{word}', expected: {wanted}")
        values = self._values() if word in {"in", "notin"} else frozenset({self._value()})
        return _checked(Requirement(key, operator, values))

    def _value(self) -> str:
        if self._peek() in {"", ","}:
            return ""
        word = self._next()
        if word in SPECIAL:
            raise SelectorFault(f"unable to parse requirement: found '{word}', expected: identifier")
        return word

    def _values(self) -> frozenset[str]:
        word = self._next()
        if word != "(":
            raise SelectorFault(f"unable to parse requirement: found '{word}' expected: '('")
        values = set()
        while (word := self._next()) != ")":
            if not word:
                raise SelectorFault("unable to parse requirement: found '', expected: ',', ')' or identifier")
            if word != ",":
                values.add(word)
        return frozenset(values or {""})


def _check_key(key: str) -> None:
    prefix, _, name = key.rpartition("/")
    good = re.fullmatch(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", name) and len(name) <= 63  # noqa: PLR2004
    if not good or (prefix and not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", prefix)):
        raise SelectorFault(
            f'unable to parse requirement: <nil>: Invalid value: "{key}": name part must consist of alphanumeric'
            " characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        )


def _checked(requirement: Requirement) -> Requirement:
    if requirement.operator in {"gt", "lt"}:
        value = next(iter(requirement.values))
        if not re.fullmatch(r"[+-]?\d+", value):
            raise SelectorFault(
                f'unable to parse requirement: values[0][{requirement.key}]: Invalid value: "{value}": '
                "for 'Gt', 'Lt' operators, the value must be an integer"
            )
    return requirement
