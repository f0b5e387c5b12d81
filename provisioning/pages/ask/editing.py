from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from provisioning import access, lifecycle
from provisioning.config import the_catalog
from provisioning.forms.specifying import SpecForm
from provisioning.models import Kind, Request, User
from provisioning.pages import compare
from provisioning.pages.ask import answers
from provisioning.pages.life.editors import Editor, editor_of
from provisioning.pages.web import person, see_other

PAGE = "provisioning/request_edit.html"
NOT_YOURS = "Only the requester and the team's leads can change a request."


@dataclass(frozen=True, slots=True)
class Clash:
    """Somebody was quicker. `rows`: what the request asks now, and what was typed here. `closed`: it can't be sent."""

    sentence: str
    by: str
    rows: list[compare.Difference]
    closed: bool


@require_http_methods(["GET", "HEAD", "POST"])
def request_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    user, row = person(request), _editable(request, pk)
    if request.method != "POST" and not access.may_edit(user, row):
        messages.warning(request, f"{row.name} is {row.get_phase_display().lower()}: it can't be changed now.")
        return see_other(row)
    try:
        editor = editor_of(row, user)
    except lifecycle.Conflict as error:
        messages.warning(request, str(error))
        return see_other(row)
    if request.method != "POST":
        return _page(request, editor, editor.make(None), row)
    form = editor.make(request.POST)
    valid = form.is_valid()
    if "check" in request.POST:
        return _page(request, editor, form, row)
    if clash := _clash(request, user, row, form):
        return _page(request, editor, form, row, status=409, clash=clash)
    return _send(request, editor, form, row) if valid else _page(request, editor, form, row, status=422)


@require_POST
def request_edit_preview(request: HttpRequest, pk: UUID) -> HttpResponse:
    user, row = person(request), _editable(request, pk)
    try:
        editor = editor_of(row, user)
    except lifecycle.Conflict as error:
        raise Http404 from error
    form = editor.make(request.POST)
    context = {"form": form, "preview": editor.preview(form), "fragment": True}
    return render(request, editor.preview_template, context)


def _editable(request: HttpRequest, pk: UUID) -> Request:
    """404 for strangers; 403 with the reason for those who see the request but can't change it."""
    user = person(request)
    rows = Request.objects.visible_to(user).select_related("team", "requester")
    row = get_object_or_404(rows, pk=pk)
    if not access.is_party(user, row) or row.kind == Kind.DELETE or row.is_repair:
        raise PermissionDenied(NOT_YOURS)
    return row


def _revision(request: HttpRequest) -> int:
    """The revision that was edited; 0, which there never is, when it can't be read."""
    text = request.POST.get("revision", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 fits any column


def _send(request: HttpRequest, editor: Editor, form: SpecForm, row: Request) -> HttpResponse:
    user = person(request)
    try:
        lifecycle.resubmit(row, form.spec, by=user, revision=_revision(request))
    except lifecycle.Invalid as error:
        form.take(error)
        return _page(request, editor, form, row, status=422)
    except lifecycle.Conflict as error:
        return _page(request, editor, form, error.request, status=409, clash=_told(error.request, user, form))
    except lifecycle.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    messages.success(request, answers.said(row))
    return see_other(row)


def _clash(request: HttpRequest, user: User, row: Request, form: SpecForm) -> Clash | None:
    """Said before anything else: who corrects a field should not learn only then that it was in vain."""
    current = row.revision == _revision(request) and access.may_edit(user, row)
    return None if current else _told(row, user, form)


def _told(row: Request, user: User, form: SpecForm) -> Clash:
    last = row.events.select_related("actor").order_by("-id").first()
    by = last.actor.display_name if last and last.actor else last.actor_name if last else ""
    closed = not access.may_edit(user, row)
    now = row.get_phase_display().lower()
    what = f"It is {now} now and can't be changed." if closed else "Below is what it asks now, and what you typed."
    rows = compare.changes(row.asked_spec, form.spec, the_catalog())
    return Clash(f"{by} changed this request while you were editing it. {what}", by, rows, closed)


def _page(
    request: HttpRequest, editor: Editor, form: SpecForm, row: Request, *, status: int = 200, clash: Clash | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        **editor.context(form),
        "form_template": editor.template,
        "request_row": row,
        "clash": clash,
        "decision": row.decisions.select_related("by").last(),
        # What was typed is sent against the newest revision, once the person has seen what changed.
        "revision": row.revision,
        "preview_url": reverse("request_edit_preview", args=[row.pk]),
    }
    return render(request, PAGE, context, status=status)
