"""A long list, read through indexes: a page of it costs the same among ten rows and among ten million.

What one may see is a union (the rows of each of my teams, and my own), which a database can only sort whole. So the
list is read in branches, each of which an index holds in the list's order; each gives as many rows as a page needs, and
the page is made of those. A filter that no index serves could run through all rows before it has found a page of them:
it looks at WINDOW rows of each branch at most, and the page says how far that was and offers to go on from there.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import BigIntegerField, ExpressionWrapper, F, Model, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Exact, In

from provisioning.pages.lists.keyset import Key, Order

M = TypeVar("M", bound=Model)
PAGE = 50
WINDOW = 20_000
# Above this, a number is no longer counted out.
COUNTED = 1_000
# Somebody in more teams than this is served by one branch of all of them, which sorts.
MOST_BRANCHES = 24
ALL = Q()
EVERYTHING = (ALL,)


def plain(column: str, value: str) -> Exact:
    """The column equals the value, by looking at rows and not by its index.

    An index on a column of few values would be taken for it and the result sorted: 800,000 rows for one page. (Also
    with a PostgreSQL that knows better it costs nothing.)
    """
    return Exact(Concat(F(column), Value("")), Value(value))


def one_of(column: str, keys: Iterable[int]) -> In:
    """As `plain`: a foreign key's column holds one of these."""
    bare: ExpressionWrapper[Any] = ExpressionWrapper(F(column) + Value(0), output_field=BigIntegerField())
    return In(bare, list(keys))


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins. `back`: it ends before the key, rather than beginning after it."""

    key: Key
    back: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """`before` and `after`: keys where the neighbouring pages begin, None where there is none.

    `edge`: the key up to which rows were looked at, when it was not the list's end.
    """

    rows: list[M]
    before: Key | None
    after: Key | None
    edge: Key | None


@dataclass(frozen=True, slots=True)
class Count:
    """`number` of rows; `more` when there are more than was counted, `among` when only so many were looked at."""

    number: int
    more: bool
    among: int | None

    def words(self, noun: str) -> str:
        """`1 request`, `1,000+ requests`, `3 requests among the first 20,000`."""
        text = f"{self.number:,}{'+' if self.more else ''} {noun}{'' if self.number == 1 else 's'}"
        return f"{text} among the first {self.among:,}" if self.among and not self.more else text


@dataclass(frozen=True, slots=True)
class _Part(Generic[M]):
    rows: list[M]
    more: bool
    edge: Key | None


@dataclass(frozen=True, slots=True)
class Stream(Generic[M]):
    """`shown`: the rows one may see, with all that a row needs. `rows`: the table. `sieve` applies the filters.

    `branches` only narrow where to look: `shown` and `sieve` decide. `span` is a range within the list's order (dates)
    and part of the sieve; `costly` says that the sieve has a filter which no index serves.
    """

    shown: QuerySet[M]
    rows: QuerySet[M]
    order: Order
    branches: tuple[Q, ...]
    sieve: Callable[[QuerySet[M]], QuerySet[M]]
    span: Q = ALL
    costly: bool = False
    window: int = WINDOW

    def page(self, cursor: Cursor | None = None, size: int = PAGE) -> Page[M]:
        """Four queries at most, however many rows there are; two without costly filters."""
        if cursor is not None and cursor.back:
            part = self._part(cursor.key, size, back=True)
            if part.more or part.edge:
                rows = part.rows[::-1]
                return Page(rows, self._first(rows, part), self._last(rows) or cursor.key, None)
            # Less than a page is left: it is the first one, and shown whole.
            cursor = None
        part = self._part(cursor.key if cursor else None, size)
        after = self._last(part.rows) if part.more else part.edge
        return Page(part.rows, self._start(part, cursor), after, part.edge if not part.more else None)

    def _start(self, part: _Part[M], cursor: Cursor | None) -> Key | None:
        """The page before this one ends here; the first page has none."""
        if cursor is None:
            return None
        return self.order.key_of(part.rows[0]) if part.rows else None

    def _first(self, rows: list[M], part: _Part[M]) -> Key | None:
        return self.order.key_of(rows[0]) if rows and part.more else part.edge

    def _last(self, rows: list[M]) -> Key | None:
        return self.order.key_of(rows[-1]) if rows else None

    def count(self) -> Count:
        """Of the list from its beginning; bounded as a page is."""
        edge = self._edge(Q(), back=False)
        number = self.shown.filter(self._among(self._within(Q(), edge), COUNTED + 1)).order_by().count()
        return Count(min(number, COUNTED), number > COUNTED, self.window if edge else None)

    def newest(self, most: int) -> QuerySet[M]:
        """The first rows, as a query to take values from."""
        return self.shown.filter(self._among(Q(), most)).order_by(*self.order.by())[:most]

    def batches(self, size: int = 500) -> Iterator[list[M]]:
        """All rows, in order. Nothing stays open between two batches, so a slow reader holds no lock."""
        key: Key | None = None
        while True:
            part = self._part(key, size)
            if part.rows:
                yield part.rows
            key = self._last(part.rows) if part.more else part.edge
            if key is None:
                return

    def _part(self, key: Key | None, size: int, *, back: bool = False) -> _Part[M]:
        near = self.order.beyond(key, back=back) if key is not None else Q()
        edge = self._edge(near, back=back)
        found = self.shown.filter(self._among(self._within(near, edge, back=back), size + 1, back=back))
        rows = list(found.order_by(*self.order.by(back=back))[: size + 1])
        return _Part(rows[:size], len(rows) > size, edge)

    def _within(self, near: Q, edge: Key | None, *, back: bool = False) -> Q:
        return near & self.order.up_to(edge, back=back) if edge is not None else near

    def _among(self, near: Q, most: int, *, back: bool = False) -> Q:
        """The first `most` of each branch, by their keys."""
        return self._union(self.sieve, near, slice(0, most), back=back)

    def _edge(self, near: Q, *, back: bool) -> Key | None:
        """The last row that costly filters may look at, in the branch where that is soonest; None for all."""
        if not self.costly:
            return None
        place = slice(self.window - 1, self.window)
        found = self.rows.filter(self._union(lambda rows: rows, near, place, back=back))
        keys: QuerySet[Any, Any] = found.order_by(*self.order.by(back=back)).values_list(*self.order.names)
        return keys.first()

    def _union(self, through: Callable[[QuerySet[M]], QuerySet[M]], near: Q, place: slice, *, back: bool) -> Q:
        by = self.order.by(back=back)
        parts = [
            Q(pk__in=through(self.rows.filter(branch, self.span, near)).order_by(*by).values("pk")[place])
            for branch in self.branches
        ]
        return functools.reduce(operator.or_, parts)
