"""A log on its way from Argo into rows: cleaned, masked, capped, cut into chunks. Pure.

However long the log is, no more of it is in memory than is stored, plus one line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from provisioning.reconcile.masking import Masker

CHUNK_BYTES = 16 * 1024
LONGEST_LINE = 10_000
# A secret that begins before the cut is seen whole, and so masked whole.
_MARGIN = 2_000
# The executor writes a handful of lines; this is for when it does not.
EXECUTOR_BYTES = 32 * 1024
_CLOSING = 'msg="sub-process exited"'


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive lines of one kind. `first_line` counts from 1 within the kind."""

    executor: bool
    first_line: int
    line_count: int
    text: str


class HeadAndTail:
    """The first and the last lines of something that may be too long, and how much in the middle was left out."""

    def __init__(self, cap_bytes: int) -> None:
        self._half = cap_bytes // 2
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._head_bytes = self._tail_bytes = 0
        self._head_is_full = False
        self.count = self.omitted_lines = self.omitted_bytes = 0

    def add(self, line: str) -> None:
        size = _size(line)
        self.count += 1
        self._head_is_full = self._head_is_full or self._head_bytes + size > self._half
        if not self._head_is_full:
            self._head.append(line)
            self._head_bytes += size
            return
        self._tail.append(line)
        self._tail_bytes += size
        while self._tail_bytes > self._half:
            self._leave_out(self._tail.popleft())

    def _leave_out(self, line: str) -> None:
        self._tail_bytes -= _size(line)
        self.omitted_lines += 1
        self.omitted_bytes += _size(line)

    @property
    def stored_bytes(self) -> int:
        return self._head_bytes + self._tail_bytes

    def pieces(self, *, executor: bool) -> Iterator[Piece]:
        yield from _pieces(self._head, 1, executor=executor)
        yield from _pieces(self._tail, len(self._head) + self.omitted_lines + 1, executor=executor)


class LogText:
    """What is known of a log after reading it from its beginning: its own lines, and the executor's apart."""

    def __init__(self, cap_bytes: int) -> None:
        self.own = HeadAndTail(cap_bytes)
        self.executor = HeadAndTail(min(EXECUTOR_BYTES, cap_bytes))
        # A line may fill a sixteenth of the cap, in whatever script it is written.
        self._longest = min(LONGEST_LINE, cap_bytes // 64)
        self._masker = Masker()
        self.closed = False

    def add(self, content: str, *, executor: bool) -> None:
        """The next line, as Argo gave it. `closed` tells whether the executor saw the step's process end."""
        self.closed = self.closed or (executor and _CLOSING in content)
        kind = self.executor if executor else self.own
        kind.add(self._shown(content))

    def _shown(self, content: str) -> str:
        line = clean(content)
        cut_off = len(line) - self._longest
        masked = self._masker.line(line[: self._longest + _MARGIN])
        if cut_off <= 0:
            return masked
        return f"{masked[: self._longest]}… ({cut_off} characters cut)"

    @property
    def source_lines(self) -> int:
        return self.own.count + self.executor.count

    def pieces(self) -> list[Piece]:
        return [*self.own.pieces(executor=False), *self.executor.pieces(executor=True)]


def clean(content: str) -> str:
    """One line as a terminal would leave it: of what a progress bar wrote over itself, the last state.

    PostgreSQL's text has no place for NUL, nor UTF-8 for half a surrogate pair.
    """
    last = content.rstrip("\r").rpartition("\r")[2]
    return last.replace("\n", " ").replace("\x00", "").encode("utf-8", "replace").decode()


def _size(line: str) -> int:
    """Bytes in UTF-8, its end included."""
    return len(line.encode()) + 1


def _pieces(lines: list[str] | deque[str], first_line: int, *, executor: bool) -> Iterator[Piece]:
    """Cut after the line that fills a chunk, so that a log that grew has the same chunks but for the last."""
    chunk: list[str] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += _size(line)
        if size >= CHUNK_BYTES:
            yield Piece(executor, first_line, len(chunk), "\n".join(chunk))
            first_line += len(chunk)
            chunk, size = [], 0
    if chunk:
        yield Piece(executor, first_line, len(chunk), "\n".join(chunk))
