from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from provisioning.models import Namespace, User
from provisioning.pages.life.view import life_of
from provisioning.pages.lists.answers import answer
from provisioning.pages.lists.filtering import filters_of
from provisioning.pages.lists.listing import Listing
from provisioning.pages.namespaces.filters import NamespaceFilters
from provisioning.pages.namespaces.view import NamespaceView, line_of
from provisioning.pages.web import person


def rows_for(user: User) -> QuerySet[Namespace]:
    return Namespace.objects.visible_to(user).select_related("team")


@require_safe
def namespaces(request: HttpRequest) -> HttpResponse:
    """The page, or its results for htmx. 422, and no rows, while a filter is wrong."""
    user = person(request)
    filters = filters_of(NamespaceFilters, request, rows_for(user).defer("spec_json"))
    listing = Listing(filters, filters.stream(user), request, "namespace") if filters.is_valid() else None
    context: dict[str, Any] = {
        "filters": filters,
        "listing": listing,
        "lines": [line_of(row) for row in listing.rows] if listing else [],
    }
    return answer(request, "provisioning/namespaces.html", context, filters)


@require_safe
def namespace(request: HttpRequest, name: str) -> HttpResponse:
    """The one that exists by this name, else the last that did, of those one may see."""
    user = person(request)
    if not name.isprintable():
        raise Http404
    row = rows_for(user).filter(name=name).order_by(F("deleted_at").desc(nulls_first=True), "-id").first()
    if row is None:
        raise Http404
    view = NamespaceView(row, user)
    context = {"view": view, "namespace": row, "life": life_of(row, user) if view.exists else None}
    return render(request, "provisioning/namespace.html", context)
