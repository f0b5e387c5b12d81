"""On what a DAG task waits: `dependencies`, or the logic of `depends`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import Invalid

TOKEN = re.compile(
    r"\s*(&&|\|\||!|\(|\)|[A-Za-z0-9][-\w]*(?:\.(?:Succeeded|Failed|Errored|Skipped|Omitted|Daemoned))?)"
)
PHASES = {"Succeeded": "Succeeded", "Failed": "Failed", "Errored": "Error", "Skipped": "Skipped", "Omitted": "Omitted"}

PhaseOf = Callable[[str], str]


def tasks_of(task: Mapping[str, Any]) -> list[str]:
    """The tasks that must have ended before `task` is considered, in the order in which they are named."""
    if task.get("depends"):
        words = [word for word in _words(task["depends"]) if word not in {"&&", "||", "!", "(", ")"}]
        return list(dict.fromkeys(word.partition(".")[0] for word in words))
    return list(task.get("dependencies") or [])


def met(task: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]], phase_of: PhaseOf) -> bool:
    """Whether the ended dependencies let `task` run. Raises Invalid for a `depends` that is no logic."""
    if not task.get("depends"):
        return all(_good(tasks[name], phase_of(name)) for name in tasks_of(task))
    words = _words(task["depends"])
    value = _either(words, lambda word: _term(word, tasks, phase_of))
    if words:
        raise Invalid(f"invalid depends expression '{task['depends']}'")
    return value


def _good(dependency: Mapping[str, Any], phase: str) -> bool:
    """A plain dependency: succeeded or skipped, or failed where it is declared that this is no matter."""
    tolerated = dependency.get("continueOn") or {}
    return (
        phase in {"Succeeded", "Skipped"}
        or (phase == "Failed" and bool(tolerated.get("failed")))
        or (phase == "Error" and bool(tolerated.get("error")))
    )


def _term(word: str, tasks: Mapping[str, Mapping[str, Any]], phase_of: PhaseOf) -> bool:
    name, dot, state = word.partition(".")
    return phase_of(name) == PHASES.get(state) if dot else _good(tasks[name], phase_of(name))


def _words(text: str) -> list[str]:
    words: list[str] = []
    position = 0
    while text[position:].strip():
        found = TOKEN.match(text, position)
        if found is None:
            raise Invalid(f"invalid depends expression '{text}'")
        words.append(found[1])
        position = found.end()
    return words


def _either(words: list[str], term: Callable[[str], bool]) -> bool:
    value = _both(words, term)
    while words and words[0] == "||":
        words.pop(0)
        value = _both(words, term) or value
    return value


def _both(words: list[str], term: Callable[[str], bool]) -> bool:
    value = _one(words, term)
    while words and words[0] == "&&":
        words.pop(0)
        value = _one(words, term) and value
    return value


def _one(words: list[str], term: Callable[[str], bool]) -> bool:
    if not words or words[0] in {"&&", "||", ")"}:
        raise Invalid("invalid depends expression")
    word = words.pop(0)
    if word == "!":
        return not _one(words, term)
    if word != "(":
        return term(word)
    value = _either(words, term)
    if not words or words.pop(0) != ")":
        raise Invalid("invalid depends expression")
    return value
