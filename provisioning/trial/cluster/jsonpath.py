"""kubectl's JSONPath templates, as far as scripts use them: fields, indexes, `[*]`, filters, range, text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from provisioning.trial.cluster import gojson
from provisioning.trial.cluster.errors import KubectlError

Step = Callable[[list[Any]], list[Any]]
_FIELD = re.compile(r"((?:\\.|[^\s.,\[\]{}$@\\])+)")
_QUOTED = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)')\s*""")
_FILTER = re.compile(r"""\?\(\s*@((?:\\.|[^=!<>)\s])*)\s*(?:(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([^)\s]+))\s*)?\)""")
_INDEX = re.compile(r"\s*(-?[0-9]+)\s*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class OutOfRange(Exception):
    def __init__(self, index: int, length: int) -> None:
        super().__init__(f"array index out of bounds: index {index}, length {length}")


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Range:
    query: Query
    body: tuple[Part, ...]


Part = Text | Query | Range


class Template:
    """Raises KubectlError for a template that cannot be read."""

    def __init__(self, template: str) -> None:
        self._template = template
        actions = iter(_actions(template))
        self._parts = tuple(_parts(template, actions, inside=False))

    def render(self, obj: Any) -> str:
        """The text for one object (or List); raises KubectlError when an index is out of range."""
        try:
            return "".join(_render(self._parts, obj))
        except OutOfRange as error:
            raise KubectlError.plain(
                f'error executing jsonpath "{self._template}": Error executing template: {error}. Printing more'
                " information for debugging the template:\n\ttemplate was:\n\t\t"
                f"{self._template}\n\tobject given to jsonpath engine was:\n\t\t{gojson.syntax(obj)}\n\n"
            ) from error


def _actions(template: str) -> Iterator[tuple[bool, str]]:
    """Literal text (False) and the insides of braces (True)."""
    position = 0
    while position < len(template):
        start = template.find("{", position)
        if start < 0:
            yield False, template[position:]
            return
        if start > position:
            yield False, template[position:start]
        end = _closing(template, start + 1)
        yield True, template[start + 1 : end]
        position = end + 1


def _closing(template: str, position: int) -> int:
    quote = ""
    while position < len(template):
        character = template[position]
        if character == "\\":
            position += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "}":
            return position
        position += 1
    raise KubectlError.plain(f"error parsing jsonpath {template}, unclosed action")


def _parts(template: str, actions: Iterator[tuple[bool, str]], *, inside: bool) -> Iterator[Part]:
    for is_action, raw in actions:
        text = raw.strip() if is_action else raw
        if not is_action:
            yield Text(raw)
        elif text == "end":
            if inside:
                return
            raise KubectlError.plain(f"error parsing jsonpath {template}, not in range, nothing to end")
        elif text.startswith("range "):
            query = _query(template, text.removeprefix("range ").strip())
            yield Range(query, tuple(_parts(template, actions, inside=True)))
        elif quoted := _QUOTED.fullmatch(text):
            yield Text(_unquote(quoted[1] if quoted[1] is not None else quoted[2]))
        else:
            yield _query(template, text)
    if inside:
        raise KubectlError.plain(f"error parsing jsonpath {template}, unclosed range action")


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)


def _query(template: str, text: str) -> Query:
    steps: list[Step] = []
    position = 1 if text[:1] in ("$", "@") else 0
    while position < len(text):
        if text[position] == "." and (match := _FIELD.match(text, position + 1)):
            steps.append(_field(re.sub(r"\\(.)", r"\1", match[1])))
            position = match.end()
        elif text == ".":
            position += 1
        elif text[position] == "[":
            end = _bracket_end(template, text, position)
            steps.append(_bracket(template, text[position + 1 : end]))
            position = end + 1
        else:
            raise KubectlError.plain(
                f"error parsing jsonpath {template}, unrecognized character in action: {text[position:]}"
            )
    return Query(tuple(steps))


def _bracket_end(template: str, text: str, start: int) -> int:
    quote, position = "", start + 1
    while position < len(text):
        if quote:
            quote = "" if text[position] == quote else quote
        elif text[position] in "\"'":
            quote = text[position]
        elif text[position] == "]":
            return position
        position += 1
    raise KubectlError.plain(f"error parsing jsonpath {template}, unterminated array")


def _bracket(template: str, inside: str) -> Step:
    if inside.strip() == "*":
        return _all
    if match := _INDEX.fullmatch(inside):
        return _index(int(match[1]))
    if match := _QUOTED.fullmatch(inside):
        return _field(re.sub(r"\\(.)", r"\1", match[1] if match[1] is not None else match[2]))
    if match := _FILTER.fullmatch(inside.strip()):
        path = _query(template, match[1] or ".")
        wanted = next((value for value in match.groups()[2:] if value is not None), None)
        return _filter(path, match[2], wanted)
    raise KubectlError.plain(f"error parsing jsonpath {template}, invalid array index {inside}")


def _field(name: str) -> Step:
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value]


def _all(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, list):
            found += value
        elif isinstance(value, dict):
            found += [value[name] for name in sorted(value)]
    return found


def _index(index: int) -> Step:
    def step(values: list[Any]) -> list[Any]:
        found = []
        for value in values:
            if not isinstance(value, list):
                continue
            if not -len(value) <= index < len(value):
                raise OutOfRange(index, len(value))
            found.append(value[index])
        return found

    return step


def _filter(path: Query, operator: str | None, wanted: str | None) -> Step:
    def matches(item: Any) -> bool:
        found = _evaluate(path, item)
        if operator is None:
            return bool(found)
        equal = bool(found) and _text(found[0]) == wanted
        return equal == (operator == "==")

    return lambda values: [item for item in _all(values) if matches(item)]


def _evaluate(query: Query, obj: Any) -> list[Any]:
    values = [obj]
    for step in query.steps:
        values = step(values)
    return values


def _render(parts: tuple[Part, ...], obj: Any) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Text):
            yield part.text
        elif isinstance(part, Query):
            yield " ".join(_text(value) for value in _evaluate(part, obj))
        else:
            for item in _evaluate(part.query, obj):
                yield from _render(part.body, item)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else gojson.dumps(value)
