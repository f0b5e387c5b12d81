from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from provisioning.models import AuditEvent, User
from provisioning.pages import story
from provisioning.pages.lists.answers import answer, refused, wants_results
from provisioning.pages.lists.files import attachment, csv_lines, json_lines
from provisioning.pages.lists.filtering import filters_of
from provisioning.pages.lists.keyset import LATEST
from provisioning.pages.lists.listing import Listing
from provisioning.pages.trail.chain import check_newest
from provisioning.pages.trail.entry import Entry, as_json
from provisioning.pages.trail.filters import AuditFilters
from provisioning.pages.web import person

COLUMNS = (
    *("id", "at", "action", "actor", "actor_name", "actor_role", "request", "subject", "before", "after", "note"),
    *("previous_hash", "hash"),
)


def rows_for(user: User) -> QuerySet[AuditEvent]:
    rows = AuditEvent.objects.visible_to(user).select_related("actor", "request")
    return rows.defer("request__rendered", "request__asked", "request__granted", "request__verdict")


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The page, or its results and the event that was chosen among them. 422, and no rows, while a filter is wrong."""
    user = person(request)
    entry = _entry(request, user)
    filters = filters_of(AuditFilters, request, rows_for(user))
    listing = Listing(filters, filters.stream(user), request, "event") if filters.is_valid() else None
    context: dict[str, Any] = {"filters": filters, "listing": listing, "entry": entry, "actions": story.WORDS}
    context["lines"] = [(row, story.told(row)) for row in listing.rows] if listing else []
    context["partial"] = wants_results(request)
    if user.sees_everything and not context["partial"]:
        context["chain"] = check_newest()
    return answer(request, "provisioning/audit.html", context, filters)


def _entry(request: HttpRequest, user: User) -> Entry | None:
    """The event that the address names (`event`); None without. Raises Http404 for one that is not theirs to see."""
    text = request.GET.get("event", "")
    if not text:
        return None
    key = LATEST.read(text)
    row = rows_for(user).filter(pk=key[0]).first() if key else None
    if row is None:
        raise Http404
    return Entry(row)


@require_safe
def audit_csv(request: HttpRequest) -> HttpResponseBase:
    return _file(request, "csv")


@require_safe
def audit_jsonl(request: HttpRequest) -> HttpResponseBase:
    """All columns of every event of the filtered list, a JSON object a line, so that hashes can be computed again."""
    return _file(request, "jsonl")


def _file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """For auditors and platform admins. 422 while a filter is wrong."""
    user = person(request)
    if not user.sees_everything:
        raise Http404
    filters = filters_of(AuditFilters, request, AuditEvent.objects.all())
    if not filters.is_valid():
        return refused(filters)
    found = _as_json(filters.stream(user).batches())
    if kind == "csv":
        return attachment(csv_lines(COLUMNS, _cells(found)), "audit.csv", "text/csv")
    return attachment(json_lines(found), "audit.jsonl", "application/x-ndjson")


def _as_json(batches: Iterator[list[AuditEvent]]) -> Iterator[list[dict[str, Any]]]:
    for rows in batches:
        yield [as_json(row) for row in rows]


def _cells(batches: Iterator[list[dict[str, Any]]]) -> Iterator[list[list[object]]]:
    for rows in batches:
        yield [[_cell(row[name]) for name in COLUMNS] for row in rows]


def _cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
