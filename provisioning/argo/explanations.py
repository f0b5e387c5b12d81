"""What an explanation is, and what it quotes of a step and its log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from provisioning.argo.errors import cut
from provisioning.argo.logs import is_executor_line
from provisioning.argo.steps import StepObservation

MARK = "❌"
LONGEST = 400
_TAIL = 3
_EXIT_LINE = re.compile(r"\AError: exit status \d+\Z")

Audience = Literal["person", "admin"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`audience` says who can act on it: the one who asked, or a platform admin. An empty sentence: nothing to say."""

    sentence: str
    audience: Audience = "person"
    remedy: str = ""


Explainer = Callable[[StepObservation, list[str]], Explanation]


def own_lines(log_tail: Iterable[str]) -> list[str]:
    """The step's own lines, without empty ones and those of Argo's executor."""
    lines = [line.strip() for line in log_tail if not is_executor_line(line)]
    return [line for line in lines if line and not _EXIT_LINE.match(line)]


def last_message(step: StepObservation) -> str:
    """What Argo says about the last attempt, else about the step."""
    return cut((step.attempts[-1].message if step.attempts else "") or step.message, LONGEST)


def last_code(step: StepObservation) -> int | None:
    return step.attempts[-1].exit_code if step.attempts else step.exit_code


def marked(lines: list[str]) -> str:
    """The last line with ❌, without it."""
    found = [line for line in lines if line.startswith(MARK)]
    return cut(found[-1].removeprefix(MARK).strip(), LONGEST) if found else ""


def quoted(lines: list[str]) -> str:
    return cut(" / ".join(lines[-_TAIL:]), LONGEST)


def after_colon(lines: list[str]) -> str:
    return f": {cut(lines[-1], LONGEST)}" if lines else ""
