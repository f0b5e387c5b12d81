from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from provisioning.models import Decision, Request, User
from provisioning.pages.history.charts import charts_of
from provisioning.pages.history.filters import HistoryFilters
from provisioning.pages.lists.answers import answer, refused, wants_results
from provisioning.pages.lists.files import attachment, csv_lines
from provisioning.pages.lists.filtering import filters_of
from provisioning.pages.lists.listing import Listing
from provisioning.pages.web import person

COLUMNS = (
    *("id", "kind", "name", "team", "tier", "features", "phase", "requester", "purpose", "lease_days", "revision"),
    *("attempt", "asked_at", "decided_at", "decided_by", "finished_at", "message", "digest"),
)
# Large, and on no list.
HEAVY = ("rendered", "verdict", "options")


def rows_for(user: User) -> QuerySet[Request]:
    return Request.objects.visible_to(user).select_related("team", "requester").defer(*HEAVY)


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """The page, or its results for htmx. 422, and no rows, while a filter is wrong."""
    user = person(request)
    filters = filters_of(HistoryFilters, request, rows_for(user))
    listing = Listing(filters, filters.stream(user), request, "request") if filters.is_valid() else None
    context: dict[str, Any] = {"filters": filters, "listing": listing, "csv": reverse("history_csv")}
    # Whoever looks for something sees what was found first.
    if not wants_results(request) and not filters.chosen:
        context["charts"] = charts_of(user)
    return answer(request, "provisioning/history.html", context, filters)


@require_safe
def history_csv(request: HttpRequest) -> HttpResponseBase:
    """All rows of the filtered list, streamed. 422 while a filter is wrong."""
    user = person(request)
    rows = rows_for(user).prefetch_related(Prefetch("decisions", Decision.objects.select_related("by")))
    filters = filters_of(HistoryFilters, request, rows)
    if not filters.is_valid():
        return refused(filters)
    lines = csv_lines(COLUMNS, _cells(filters.stream(user).batches()))
    return attachment(lines, "requests.csv", "text/csv")


def _cells(batches: Iterator[list[Request]]) -> Iterator[list[tuple[object, ...]]]:
    for rows in batches:
        yield [_row(row) for row in rows]


def _row(row: Request) -> tuple[object, ...]:
    spec = row.spec
    return (
        *(row.pk, row.kind, row.name, row.team.name, row.tier, " ".join(spec.features), row.phase),
        *(row.requester.username, spec.purpose, spec.lease_days, row.revision, row.attempt),
        *(_moment(row.created_at), _moment(row.decided_at), _decider(row), _moment(row.finished_at)),
        *(row.message, row.digest),
    )


def _decider(row: Request) -> str:
    last = next(reversed(list(row.decisions.all())), None)
    if last is None:
        return ""
    return last.by.username if last.by else f"rule {last.rule}"


def _moment(at: dt.datetime | None) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
