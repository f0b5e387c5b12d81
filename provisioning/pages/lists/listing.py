"""A page of a list, with its links and its count, as templates take it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model
from django.http import HttpRequest

from provisioning.pages.lists.filtering import ListFilters, address, cursor_of
from provisioning.pages.lists.keyset import Key
from provisioning.pages.lists.stream import Count, Page, Stream

M = TypeVar("M", bound=Model)


@dataclass
class Listing(Generic[M]):
    """`noun`: what one row is, in the singular."""

    filters: ListFilters
    stream: Stream[M]
    request: HttpRequest
    noun: str

    @functools.cached_property
    def page(self) -> Page[M]:
        return self.stream.page(cursor_of(self.request.GET, self.stream.order))

    @functools.cached_property
    def count(self) -> Count:
        return self.stream.count()

    @property
    def rows(self) -> list[M]:
        return self.page.rows

    @property
    def words(self) -> str:
        return self.count.words(self.noun)

    @property
    def before(self) -> str:
        """The address of the page before this one; "" when this is the first."""
        return self._at("before", self.page.before)

    @property
    def after(self) -> str:
        return self._at("after", self.page.after)

    @property
    def first(self) -> str:
        """The list's beginning, for a page that is not it."""
        deeper = cursor_of(self.request.GET, self.stream.order) is not None and self.page.before is not None
        return address(self.request.path, self.filters.chosen) if deeper or not self.rows else ""

    @property
    def here(self) -> str:
        """This page's address, ready for one parameter more."""
        places = {name: self.request.GET[name] for name in ("after", "before") if name in self.request.GET}
        found = address(self.request.path, self.filters.chosen, **places)
        return f"{found}{'&' if '?' in found else '?'}"

    @property
    def looked_to(self) -> Any:
        """Up to where rows were looked at (the first column of the order), when that was not the end."""
        return self.page.edge[0] if self.page.edge else None

    @property
    def query(self) -> str:
        """The filters as a query, for another address: of the file."""
        return address("", self.filters.chosen)

    def _at(self, name: str, key: Key | None) -> str:
        if key is None:
            return ""
        return address(self.request.path, self.filters.chosen, **{name: self.stream.order.write(key)})
