"""Files to take away: CSV that a spreadsheet cannot be tricked by, and JSON lines. Rows go out as they are read."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

# What a spreadsheet takes for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    """A file for csv.writer, which gives each line back."""

    def write(self, line: str) -> str:
        return line


def guarded(value: object) -> str:
    """The text of a cell; one that would be a formula is marked as text by a leading apostrophe."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_lines(head: Sequence[str], batches: Iterable[Iterable[Sequence[object]]]) -> Iterator[str]:
    """A batch of rows at a time. Every cell is quoted: no separator of any locale can start a new one."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(head)
    for rows in batches:
        yield "".join(writer.writerow([guarded(cell) for cell in row]) for row in rows)


def json_lines(batches: Iterable[Iterable[dict[str, Any]]]) -> Iterator[str]:
    for rows in batches:
        yield "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def attachment(lines: Iterator[str], name: str, content_type: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=f"{content_type}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
