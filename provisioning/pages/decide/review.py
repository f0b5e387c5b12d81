from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from provisioning import lifecycle, manifests
from provisioning.catalog import Tier
from provisioning.config import the_catalog
from provisioning.forms import DecisionForm
from provisioning.models import Kind, Request
from provisioning.pages import compare
from provisioning.pages.decide.reading import News, approver, decidable_by, news_of, review_of, with_people


@dataclass(frozen=True, slots=True)
class Granted:
    """What an approval with changes would create: its objects, their digest, and how both differ from what is asked."""

    rendered: manifests.Rendered
    rows: list[compare.Difference]
    changes: list[manifests.ObjectChange]


@require_safe
def request_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    approver(request)
    return draw_review(request, get_object_or_404(with_people(), pk=pk))


@require_GET
def request_review_news(request: HttpRequest, pk: UUID) -> HttpResponse:
    """204 as long as it is what the page shows: `digest` and `phase`. Then a banner, which asks no more."""
    approver(request)
    row = get_object_or_404(Request, pk=pk)
    if (row.digest, row.phase) == (request.GET.get("digest"), request.GET.get("phase")):
        return HttpResponse(status=204)
    return render(request, "provisioning/request_review_news.html", {"news": news_of(row), "request_row": row})


@require_POST
def request_granted(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The objects and the digest of an approval with the changes that are chosen now."""
    approver(request)
    row = get_object_or_404(with_people(), pk=pk)
    data = request.POST.copy()
    data["decision"] = "approve_with_changes"
    form = DecisionForm(data, request=row)
    form.is_valid()
    return render(request, "provisioning/request_review_granted.html", {"form": form, "granted": granted_of(form)})


def granted_of(form: DecisionForm) -> Granted | None:
    """None as long as nothing less than what is asked is chosen."""
    rendered = form.rendered()
    if rendered is None or form.granted is None:
        return None
    row = form.request
    rows = compare.changes(row.asked_spec, form.granted, the_catalog())
    return Granted(rendered, rows, manifests.diff(manifests.objects_of(row.rendered), rendered.objects))


def draw_review(
    request: HttpRequest,
    row: Request,
    *,
    form: DecisionForm | None = None,
    news: News | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page as it is now. `news`: why a decision was not taken."""
    user = approver(request)
    form = form or DecisionForm(request=row)
    catalog = the_catalog()
    asked, base = row.asked_spec, lifecycle.base_spec(row)
    held = [key for key in asked.features if base and key in base.features]
    queue = "queue" in request.GET or "queue" in request.POST
    context: dict[str, Any] = {
        "request_row": row,
        "review": review_of(row, user),
        "form": form,
        "granted": granted_of(form) if form.is_bound else None,
        "news": news,
        "queue": queue,
        "others": decidable_by(user).exclude(pk=row.pk).count() if queue else 0,
        "tiers": _up_to(asked.tier, base.tier if base else ""),
        "features": [catalog.features[key] for key in asked.features if key in catalog.features and key not in held],
        "held": held,
        "chosen": form["features"].value() or [],
        "allowed": form["allow"].value() or [],
        "leases": _leases(row),
        "lease": str(form["lease_days"].value()),
    }
    return render(request, "provisioning/request_review.html", context, status=status)


def _up_to(key: str, held: str) -> list[Tier]:
    """The tiers that an approval can grant: what is asked, and less; of a change not less than there is now."""
    tiers = the_catalog().tiers
    if key not in tiers:
        return []
    least = min(tiers[held].rank, tiers[key].rank) if held in tiers else 0
    return [tier for tier in tiers.values() if least <= tier.rank <= tiers[key].rank]


def _leases(row: Request) -> list[int]:
    """What is asked, and less; a change that is no renewal leaves the lease alone."""
    days = row.asked_spec.lease_days
    if row.kind == Kind.CHANGE and not row.is_renewal:
        return [days]
    return sorted({days, *(choice for choice in the_catalog().lease.choices if choice < days)})
