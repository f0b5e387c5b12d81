"""Changing a namespace: the form filled with what is, and what it comes to while it is filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from provisioning import headroom, lifecycle
from provisioning.config import the_catalog
from provisioning.forms.changing import ChangeForm
from provisioning.models import Namespace, Phase, Request
from provisioning.pages import compare
from provisioning.pages.ask import answers
from provisioning.pages.life import told
from provisioning.pages.life.guard import Standing, replaced, standing, steered
from provisioning.pages.room import Room, rooms
from provisioning.pages.web import see_other

PAGE = "provisioning/change.html"


@dataclass(frozen=True, slots=True)
class Preview:
    """`missing`: label and sentence of what keeps it from being sent; then there is no `draft`."""

    draft: lifecycle.ChangeDraft | None
    difference: told.Difference | None
    rooms: list[Room]
    missing: list[tuple[str, str]]


def preview(form: ChangeForm) -> Preview:
    """Answers for what is in the form; nothing is written."""
    form = form.as_sent()
    if not form.is_valid():
        return Preview(None, None, _rooms(form), list(answers.missing(form)))
    try:
        draft = form.draft()
    except lifecycle.Invalid as error:
        form.take(error)
        return Preview(None, None, _rooms(form), list(answers.missing(form)))
    return Preview(draft, told.of_draft(draft), _rooms(form), [])


def _rooms(form: ChangeForm) -> list[Room]:
    tiers = form.catalog.tiers
    held = headroom.of_team(form.namespace.team, without=form.request)
    return rooms(held, tiers.get(form.spec.tier), tiers.get(form.namespace.tier)) if form.spec.tier else rooms(held)


@require_http_methods(["GET", "HEAD", "POST"])
def namespace_change(request: HttpRequest, name: str) -> HttpResponse:
    user, row = steered(request, name)
    if request.method != "POST":
        return _page(request, ChangeForm(user=user, namespace=row), standing(row))
    form = ChangeForm(request.POST, user=user, namespace=row)
    valid, about = form.is_valid(), standing(row)
    if "check" in request.POST:
        return _page(request, form, about)
    if request.POST.get("revision", "") not in {"", str(row.revision)}:
        return _page(request, form, about, status=409, clash="Another change came into force while this page was open.")
    if not valid:
        return _page(request, form, about, status=422)
    return _send(request, form, about)


@require_POST
def namespace_change_preview(request: HttpRequest, name: str) -> HttpResponse:
    """The form's answers alone: `#preview`, and `#headroom` beside it."""
    user, row = steered(request, name)
    form = ChangeForm(request.POST, user=user, namespace=row)
    context = {"form": form, "preview": preview(form), "fragment": True}
    return render(request, "provisioning/change_preview.html", context)


def _send(request: HttpRequest, form: ChangeForm, about: Standing) -> HttpResponse:
    try:
        made = form.carry_out(instead_of=replaced(request, about))
    except lifecycle.Invalid as error:
        form.take(error)
        return _page(request, form, about, status=422)
    except lifecycle.Conflict as error:
        return _page(request, form, standing(form.namespace), status=409, clash=str(error))
    except lifecycle.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    messages.success(request, said(made))
    return see_other(made)


def said(made: Request) -> str:
    """Who acts next."""
    if made.phase == Phase.APPROVED:
        return f"The change of {made.name} is approved by policy. It is made now, step by step."
    return f"The change of {made.name} is requested. A platform admin decides next."


def form_context(form: ChangeForm) -> dict[str, Any]:
    """What the template of the form needs, for a new change and for one that is edited."""
    return {
        "form": form,
        "preview": preview(form),
        "tiers": _tier_choices(form.namespace),
        "tier": form["tier"].value(),
        "features": answers.feature_rows(form),
        "leases": answers.lease_choices(form),
        "namespace": form.namespace,
    }


def _tier_choices(row: Namespace) -> list[dict[str, Any]]:
    """The one in force is marked."""
    choices = answers.tier_choices(the_catalog())
    for choice in choices:
        if choice["value"] == row.tier:
            choice["says"] = {"tone": "mute", "icon": "check", "text": "in force now"}
    return choices


def _page(
    request: HttpRequest, form: ChangeForm, about: Standing, *, clash: str = "", status: int = 200
) -> HttpResponse:
    row = form.namespace
    context = {
        **form_context(form),
        "standing": about,
        "clash": clash,
        # What came into force meanwhile, against what was typed.
        "rows": compare.changes(row.spec, form.spec, the_catalog()) if clash and form.spec.tier else [],
        "preview_url": reverse("namespace_change_preview", args=[row.name]),
    }
    return render(request, PAGE, context, status=status)
