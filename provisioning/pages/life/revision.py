"""One revision of a namespace: what was in force, who granted it, how it differs, and going back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from provisioning import access, lifecycle, manifests
from provisioning.config import the_catalog
from provisioning.models import Namespace, NamespaceRevision, User
from provisioning.pages import compare
from provisioning.pages.life import told
from provisioning.pages.life.change import said
from provisioning.pages.life.guard import replaced, seen, standing, steered
from provisioning.pages.web import see_other
from provisioning.spec import NamespaceSpec

PAGE = "provisioning/revision.html"
MOST = 2**31 - 1  # fits the column


@require_safe
def namespace_revision(request: HttpRequest, name: str, number: int) -> HttpResponse:
    user, row = seen(request, name)
    return _page(request, user, row, _revision(row, number))


@require_POST
def namespace_restore(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Ask for what that revision granted, the lease left out."""
    user, row = steered(request, name)
    revision = _revision(row, number)
    try:
        made = lifecycle.open_change(
            row, by=user, to_revision=revision.number, instead_of=replaced(request, standing(row))
        )
    except lifecycle.Invalid as error:
        return _page(request, user, row, revision, refusal=str(error), status=422)
    except lifecycle.Conflict as error:
        return _page(request, user, row, revision, refusal=str(error), status=409)
    messages.success(request, said(made))
    return see_other(made)


def _revision(row: Namespace, number: int) -> NamespaceRevision:
    if number > MOST:
        raise Http404
    rows = row.revisions.select_related("granted_by", "request__requester")
    return get_object_or_404(rows, number=number)


@dataclass(frozen=True, slots=True)
class GoingBack:
    """What going back to a revision would come to; `refusal` when that is impossible."""

    draft: lifecycle.ChangeDraft | None
    difference: told.Difference | None
    refusal: str


def _going_back(user: User, row: Namespace, revision: NamespaceRevision) -> GoingBack | None:
    """None for those who may not ask for it, and for the revision that is in force."""
    if revision.number == row.revision or not access.may_steer(user, row):
        return None
    try:
        draft = lifecycle.draft_change(row, by=user, to_revision=revision.number)
    except lifecycle.Invalid as error:
        return GoingBack(None, None, str(error))
    refusal = "It grants what is in force: nothing would change." if draft.is_same else ""
    return GoingBack(draft, told.of_draft(draft), refusal)


def _page(
    request: HttpRequest,
    user: User,
    row: Namespace,
    revision: NamespaceRevision,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    before = row.revisions.filter(number=revision.number - 1).first()
    context: dict[str, Any] = {
        "namespace": row,
        "revision": revision,
        "facts": compare.differences(None, NamespaceSpec.from_json(revision.spec_json), the_catalog()),
        "objects": manifests.objects_of(revision.rendered),
        "before": before,
        "after": revision.number + 1 if revision.number < row.revision else None,
        "difference": told.between(before, revision) if before else None,
        "back": _going_back(user, row, revision),
        "standing": standing(row),
        "refusal": refusal,
    }
    return render(request, PAGE, context, status=status)
