"""Compares what the cluster said and holds with a recording, placeholders being any value, equal ones equal."""

from __future__ import annotations

import json
import re
from typing import Any

PLACEHOLDER = re.compile(r"<(uid|rv|time|server|random|ca|work)(-\d+)?>")
FREE = ("<time>", "<server>", "<random>", "<ca>")
FORMS = {
    "uid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "rv": r"[0-9]+",
    "time": r"(?:[0-9T:.\- ]+Z?|[0-9]{4} [0-9:.]+ +[0-9]+)",
    "server": r"[0-9.:]+",
    "random": r"(?:[a-z0-9]+|<random>)",
    "ca": r"(?:[^<]*|<ca>)",
    "work": r"/[^\s\"]*?",
}


class Bindings:
    """Which value of ours stands for which placeholder of the recording; one to one."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._back: dict[str, str] = {}

    def bind(self, placeholder: str, value: str) -> bool:
        if placeholder in FREE:
            return True
        known = self.values.setdefault(placeholder, value)
        return known == value and self._back.setdefault(value, placeholder) == placeholder

    def fill(self, text: str) -> str:
        """A text of the recording with our values in it."""
        return PLACEHOLDER.sub(lambda match: self.values.get(match[0], match[0]), text)

    def text_matches(self, expected: str, actual: str) -> bool:
        parts, names, last = [], [], 0
        for match in PLACEHOLDER.finditer(expected):
            parts.append(re.escape(expected[last : match.start()]))
            parts.append(f"({FORMS[match[1]]})")
            names.append(match[0])
            last = match.end()
        found = re.fullmatch("".join(parts) + re.escape(expected[last:]), actual, re.DOTALL)
        return found is not None and all(map(self.bind, names, found.groups()))


def differences(expected: Any, actual: Any, bindings: Bindings, path: str = "") -> list[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = [f"{path}.{name} is missing" for name in expected if name not in actual]
        found += [f"{path}.{name} is too much: {json.dumps(actual[name])}" for name in actual if name not in expected]
        for name in expected.keys() & actual.keys():
            found += differences(expected[name], actual[name], bindings, f"{path}.{name}")
        return found
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [f"{path} has {len(actual)} items, not {len(expected)}: {actual} for {expected}"]
        return [
            text
            for index, (left, right) in enumerate(zip(expected, actual, strict=True))
            for text in differences(left, right, bindings, f"{path}[{index}]")
        ]
    if isinstance(expected, str) and isinstance(actual, str) and PLACEHOLDER.search(expected):
        return [] if bindings.text_matches(expected, actual) else [f"{path} is {actual!r}, not {expected!r}"]
    return [] if expected == actual and type(expected) is type(actual) else [f"{path} is {actual!r}, not {expected!r}"]
