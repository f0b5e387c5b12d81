"""Pages by key: the address holds the key of the row where a page begins, so rows added meanwhile move nothing."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import Model, Q

Key = tuple[Any, ...]
# A key is short; anything longer was not given out here.
LONGEST = 200
BETWEEN = "~"
LONGEST_NAME = 63
# Fits a 64-bit integer.
MOST_DIGITS = 18


class Column(Protocol):
    """A column of the order, and how its value is written into an address and read again."""

    @property
    def name(self) -> str: ...
    def write(self, value: Any) -> str: ...
    def read(self, text: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Moment:
    name: str

    def write(self, value: dt.datetime) -> str:
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def read(self, text: str) -> dt.datetime:
        """Raises ValueError; also for a moment without a time zone."""
        at = dt.datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return at.astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class Identity:
    name: str = "id"

    def write(self, value: uuid.UUID) -> str:
        return value.hex

    def read(self, text: str) -> uuid.UUID:
        return uuid.UUID(text)


@dataclass(frozen=True, slots=True)
class Number:
    name: str = "id"

    def write(self, value: int) -> str:
        return str(value)

    def read(self, text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
            raise ValueError("no number")
        return int(text)


@dataclass(frozen=True, slots=True)
class Name:
    name: str = "name"

    def write(self, value: str) -> str:
        return value

    def read(self, text: str) -> str:
        if not text.isprintable() or len(text) > LONGEST_NAME:
            raise ValueError("no name")
        return text


@dataclass(frozen=True, slots=True)
class Order:
    """Columns of a list's order, the last of which tells any two rows apart. `falling`: the greatest comes first."""

    columns: tuple[Column, ...]
    falling: bool = True

    def by(self, *, back: bool = False) -> tuple[str, ...]:
        """For `order_by`; `back` reads the list from its end."""
        sign = "-" if self.falling != back else ""
        return tuple(f"{sign}{column.name}" for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def beyond(self, key: Key, *, back: bool = False) -> Q:
        """The rows that follow the key (or, `back`, come before it), as a range that an index can serve."""
        return _beyond(self.names, key, "lt" if self.falling != back else "gt")

    def up_to(self, key: Key, *, back: bool = False) -> Q:
        """The rows from the list's beginning to the key, which is among them."""
        return _beyond(self.names, key, "gt" if self.falling != back else "lt", inclusive=True)

    def key_of(self, row: Model) -> Key:
        return tuple(getattr(row, name) for name in self.names)

    def write(self, key: Key) -> str:
        return BETWEEN.join(column.write(value) for column, value in zip(self.columns, key, strict=True))

    def read(self, text: str) -> Key | None:
        """None for what `write` did not make."""
        parts = text.split(BETWEEN)
        if not text or len(text) > LONGEST or len(parts) != len(self.columns):
            return None
        try:
            return tuple(column.read(part) for column, part in zip(self.columns, parts, strict=True))
        except (ValueError, OverflowError):
            return None


def _beyond(names: tuple[str, ...], key: Key, sign: str, *, inclusive: bool = False) -> Q:
    """`a <= x AND (a < x OR …)`, not `a < x OR (a = x AND …)`: only the first is a range to SQLite and PostgreSQL."""
    name, value = names[0], key[0]
    if len(names) == 1:
        return Q(**{f"{name}__{sign}e" if inclusive else f"{name}__{sign}": value})
    rest = _beyond(names[1:], key[1:], sign, inclusive=inclusive)
    return Q(**{f"{name}__{sign}e": value}) & (Q(**{f"{name}__{sign}": value}) | rest)


NEWEST = Order((Moment("created_at"), Identity()))
LATEST = Order((Number(),))
BY_NAME = Order((Name(), Number()), falling=False)
