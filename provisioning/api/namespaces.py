"""Namespaces that exist."""

from __future__ import annotations

from typing import Annotated

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from provisioning.api.answers import Answer, Envelope, Page, operation
from provisioning.api.auth import person
from provisioning.api.paging import USUAL, Cursor, Limit, cut, decode, encode
from provisioning.api.shapes import namespaces as shapes
from provisioning.api.shapes.namespaces import NamespaceDetail, NamespaceSummary
from provisioning.api.text import Text
from provisioning.models import Namespace, Scope

router = Router(tags=["Namespaces"])


class Filters(Answer):
    team: Annotated[Text, Field(description="A team's name.")] = ""
    q: Annotated[Text, Field(max_length=200, description="In the namespace's name.")] = ""
    cursor: Cursor = ""
    limit: Limit = USUAL


@router.get(
    "/namespaces",
    summary="List namespaces by name",
    operation_id="listNamespaces",
    **operation(Scope.READ, Page[NamespaceSummary]),
)
def namespaces(request: HttpRequest, query: Query[Filters]) -> Envelope[Page[NamespaceSummary]]:
    # Of those that exist, no two have the same name: it is key enough.
    rows = Namespace.objects.existing().visible_to(person(request)).select_related("team").order_by("name")
    if query.team:
        rows = rows.filter(team__name=query.team)
    if query.q:
        rows = rows.filter(name__icontains=query.q.strip())
    if query.cursor:
        rows = rows.filter(name__gt=decode(query.cursor, 1)[0])
    page, last = cut(rows[: query.limit + 1], query.limit)
    found: Page[NamespaceSummary] = Page(
        items=[shapes.summary(row) for row in page], next_cursor=encode(last.name) if last else None
    )
    return Envelope(message=f"{len(page)} namespace{'' if len(page) == 1 else 's'}.", data=found)


@router.get(
    "/namespaces/{name}",
    summary="Read a namespace",
    operation_id="readNamespace",
    **operation(Scope.READ, NamespaceDetail, 404),
)
def read(request: HttpRequest, name: str) -> Envelope[NamespaceDetail]:
    if not name.isprintable():
        raise Http404
    rows = Namespace.objects.existing().visible_to(person(request)).select_related("team")
    row = get_object_or_404(rows, name=name)
    return Envelope(message=f"{row.name}: {row.get_status_display().lower()}.", data=shapes.detail(row))
