"""Filters in the address, validated by django-filter, and what their links keep."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django_filters import CharFilter, ChoiceFilter, DateFilter, FilterSet

from provisioning.models import Team, User
from provisioning.pages.lists.keyset import Order
from provisioning.pages.lists.stream import Cursor, plain

F = TypeVar("F", bound="ListFilters")
LONGEST_TEXT = 200
# A search is for people: who would match more than this is better named.
MOST_PEOPLE = 200
DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PlainChoice(ChoiceFilter):  # type: ignore[misc]
    """A choice that is looked at row by row (`stream.plain`)."""

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(plain(self.field_name, value)) if value else rows


class ListFilters(FilterSet):  # type: ignore[misc]
    """A list's filters. `chosen` holds those that are set, as the address has them."""

    @property
    def chosen(self) -> dict[str, str]:
        given = {name: self.data.get(name, "").strip() for name in self.filters}
        return {name: text for name, text in given.items() if text}

    @property
    def value(self) -> dict[str, Any]:
        """Validated; only after `is_valid()`."""
        return dict(self.form.cleaned_data)

    def set_besides(self, *names: str) -> bool:
        return bool(self.chosen.keys() - set(names))


def filters_of(kind: type[F], request: HttpRequest, rows: QuerySet[Any]) -> F:
    """Bound to the address, so that `is_valid()` tells. A NUL becomes a mark: PostgreSQL refuses it in any text."""
    data = {name: request.GET.get(name, "").replace("\0", "\N{REPLACEMENT CHARACTER}") for name in request.GET}
    found: F = kind(data, queryset=rows, request=request)
    return found


def cursor_of(query: QueryDict, order: Order) -> Cursor | None:
    """A key that was not given out here begins at the beginning."""
    for name, back in (("after", False), ("before", True)):
        if (key := order.read(query.get(name, ""))) is not None:
            return Cursor(key, back)
    return None


def address(path: str, chosen: dict[str, str], **more: str) -> str:
    """The path with the filters that are set."""
    query = urlencode({**chosen, **{name: text for name, text in more.items() if text}})
    return f"{path}?{query}" if query else path


def text_filter(label: str, method: str, placeholder: str = "", **attrs: str) -> CharFilter:
    widget = forms.TextInput(attrs={"placeholder": placeholder, "autocomplete": "off", **attrs})
    return CharFilter(label=label, method=method, max_length=LONGEST_TEXT, widget=widget)


def search_filter(method: str, placeholder: str) -> CharFilter:
    widget = forms.TextInput(attrs={"type": "search", "class": "input", "placeholder": placeholder})
    return CharFilter(label="Text", method=method, max_length=LONGEST_TEXT, widget=widget)


def date_filter(label: str, method: str) -> DateFilter:
    return DateFilter(label=label, method=method, widget=DATE, input_formats=["%Y-%m-%d"])


def begin_of(day: dt.date) -> dt.datetime:
    """Its first moment, in the portal's time zone. Raises OverflowError at the ends of the calendar."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


def days(column: str, since: dt.date | None, until: dt.date | None) -> Q:
    """From the first day's beginning to the last day's end; a day at the calendar's end bounds nothing."""
    found = Q()
    if since and since > dt.date.min + dt.timedelta(days=1):
        found &= Q(**{f"{column}__gte": begin_of(since)})
    if until and until < dt.date.max - dt.timedelta(days=2):
        found &= Q(**{f"{column}__lt": begin_of(until + dt.timedelta(days=1))})
    return found


def teams_of(user: User) -> QuerySet[Team]:
    """The teams of which one may see something."""
    if user.sees_everything:
        return Team.objects.all()
    return Team.objects.filter(Q(memberships__user=user) | Q(pk__in=user.requests.values("team"))).distinct()


def people_named(text: str) -> list[int]:
    """Keys of the people whose account or name holds the text. One query."""
    parts = Q(username__icontains=text) | Q(first_name__icontains=text) | Q(last_name__icontains=text)
    words = text.split()
    if len(words) > 1:
        parts |= Q(first_name__icontains=words[0], last_name__icontains=words[-1])
    return list(User.objects.filter(parts).order_by("pk").values_list("pk", flat=True)[:MOST_PEOPLE])
