"""A step's log: its own lines, and those that Argo's executor writes between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

# `time=2026-… level=INFO msg="sub-process exited" argo=true error=<nil>`; in 3.5 time and error stand in quotes
_EXECUTOR = re.compile(r"\Atime=\S+ level=\S+ .*\bargo=true\b", re.DOTALL)
_EXIT = re.compile(r"\AError: exit status \d+\Z")
_TIMESTAMP = re.compile(r"\A(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ")
# argoexec's last line stands at the end, or a few lines before it where the two outputs were mixed
_LINES_AFTER_EXIT = 3


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line without its end. `executor` marks a line of Argo's, not of the step; `at` is set when asked for."""

    content: str
    pod_name: str
    executor: bool = False
    at: str = ""


def is_executor_line(content: str) -> bool:
    """Is it a line of argoexec by its form? `Error: exit status N` needs its place as well: see `tell_apart`."""
    return bool(_EXECUTOR.match(content))


def line_of(result: dict[str, object], *, timestamps: bool = False) -> LogLine:
    """The payload of one message of `/log`; an empty line has no `content` at all."""
    content, pod = str(result.get("content", "")), str(result.get("podName", ""))
    at = ""
    if timestamps and (stamp := _TIMESTAMP.match(content)):
        at, content = stamp.group(1), content[stamp.end() :]
    return LogLine(content, pod, is_executor_line(content), at)


def tell_apart(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """The lines of one pod, with argoexec's closing `Error: exit status N` marked as the executor's too.

    A step may print such a line itself, so only the last one counts, and only when next to nothing of the
    step follows it. To know, that line and what follows are held back until it is decided; no more than
    that is ever kept in memory.
    """
    held: list[LogLine] = []
    for line in lines:
        if _EXIT.match(line.content) or (held and _followers(held) >= _LINES_AFTER_EXIT):
            yield from held
            held = []
        if held or _EXIT.match(line.content):
            held.append(line)
        else:
            yield line
    if held:
        yield from chain([replace(held[0], executor=True)], held[1:])


def _followers(held: list[LogLine]) -> int:
    return sum(not line.executor for line in held[1:])


_SECRETS = re.compile(
    r"""
    \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*                       # a JSON web token, as Kubernetes' own
    | \b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16})
    | (?<=-----BEGIN\ PRIVATE\ KEY-----)[\w+/=\s\\]+
    | (?<=[Bb]earer\ )[\w.~+/=-]{16,}
    | (?<=://)[^\s/:@]*:[^\s/@]+(?=@)                       # user:password@ in an address
    """,
    re.VERBOSE,
)
_NAMED = re.compile(
    # From the beginning of a word only: tried at every dash of a long one, the search would take squares of time.
    r"""(?i)(?<![\w-])((?:[\w-]*[_-])?(?:password|passwd|secret|token|api[_-]?key|private[_-]?key)["']?\s*[:=]\s*["']?)"""
    r"""(?!true\b|false\b|null\b|none\b)([^\s"',;&]{6,})"""
)
MASK = "•••"


def mask_secrets(text: str) -> str:
    """`text` with what looks like a token or password replaced. What it misses was never known as a secret."""
    return _NAMED.sub(rf"\1{MASK}", _SECRETS.sub(MASK, text))
