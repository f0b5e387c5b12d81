from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_safe

from provisioning.forms import DecisionForm
from provisioning.models import Kind, Phase, Request, User
from provisioning.models.request import RequestQuerySet
from provisioning.pages.decide.reading import Row, approver, row_of, waiting, with_people

PAGE_SIZE = 25
RESULTS = "approvals_results"  # in the session, from the answers to what was approved together


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    user = approver(request)
    page = list(_after(waiting(), request.GET.get("after", ""))[: PAGE_SIZE + 1])
    rows = [row_of(item, user) for item in page[:PAGE_SIZE]]
    context = {
        "rows": rows,
        "together": any(not row.alone for row in rows),
        "total": Request.objects.filter(phase=Phase.PENDING).count(),
        "since": timezone.now().isoformat(),
        "first": "after" in request.GET,
        "next": _cursor(page[PAGE_SIZE - 1]) if len(page) > PAGE_SIZE else "",
        "results": request.session.pop(RESULTS, []),
    }
    return render(request, "provisioning/approvals.html", context)


@require_GET
def approvals_news(request: HttpRequest) -> HttpResponse:
    """How many more wait since the page was drawn. 204 when that is what the page says already (`n`)."""
    approver(request)
    since = _moment(request.GET.get("since", ""))
    if since is None:
        return HttpResponseBadRequest("since: a time, please")
    count = Request.objects.filter(phase=Phase.PENDING, waiting_since__gt=since).count()
    if str(count) == request.GET.get("n", "0"):
        return HttpResponse(status=204)
    return render(request, "provisioning/approvals_news.html", {"count": count, "since": since.isoformat()})


@require_GET
def approvals_selection(request: HttpRequest) -> HttpResponse:
    """What approving the selected ones together comes to."""
    chosen = chosen_rows(request.GET.getlist("selected"), approver(request))
    return render(request, "provisioning/approvals_selection.html", sum_of([row for row, _ in chosen]))


@require_GET
def request_row(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One line of the queue as it is now, with the decision opened by `?open=1`."""
    user = approver(request)
    item = get_object_or_404(with_people(), pk=pk)
    return draw_row(request, user, item, opened="open" in request.GET)


def draw_row(
    request: HttpRequest,
    user: User,
    item: Request,
    *,
    opened: bool = False,
    form: DecisionForm | None = None,
    sentence: str = "",
    status: int = 200,
) -> HttpResponse:
    """`sentence`: what was done, or why it wasn't."""
    row = row_of(item, user)
    context: dict[str, Any] = {"row": row, "sentence": sentence, "opened": opened and _decidable(row)}
    if context["opened"]:
        context["form"] = form or DecisionForm(request=item, ids=f"d-{item.short_id}")
    return render(request, "provisioning/approvals_row.html", context, status=status)


def _decidable(row: Row) -> bool:
    """Here in the queue. What a deletion takes along is seen on its own page only."""
    return row.waits and not row.why_not and row.request.kind != Kind.DELETE


def chosen_rows(selected: list[str], user: User) -> list[tuple[Row, str]]:
    """Rows with the digest that each was shown with, from `<id>:<digest>`; what can't be read is left out."""
    digests: dict[UUID, str] = {}
    for text in selected[: 4 * PAGE_SIZE]:
        key, _, digest = text.partition(":")
        try:
            digests[UUID(key)] = digest
        except ValueError:
            continue
    found = with_people().filter(pk__in=digests).order_by("waiting_since", "id")
    return [(row_of(item, user), digests[item.pk]) for item in found]


def sum_of(rows: list[Row]) -> dict[str, Any]:
    tiers = [row.tier for row in rows if row.tier]
    return {
        "chosen": rows,
        "cpu": float(sum(tier.cpu for tier in tiers)),
        "memory": sum(tier.memory_bytes for tier in tiers),
    }


def _after(rows: RequestQuerySet, cursor: str) -> RequestQuerySet:
    """What comes after the row of this cursor; all from the first on when it can't be read."""
    text, _, key = cursor.partition("~")
    at = _moment(text)
    try:
        pk = UUID(key)
    except ValueError:
        return rows
    return rows.filter(Q(waiting_since__gt=at) | Q(waiting_since=at, pk__gt=pk)) if at else rows


def _cursor(item: Request) -> str:
    return urlencode({"after": f"{item.waiting_since.isoformat()}~{item.pk}"})


def _moment(text: str) -> datetime | None:
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at if at and timezone.is_aware(at) else None
