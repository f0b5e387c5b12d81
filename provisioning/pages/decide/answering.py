from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from provisioning import lifecycle
from provisioning.forms import DecisionForm
from provisioning.lifecycle.transition import sentence
from provisioning.models import Phase, Request, User
from provisioning.pages.decide.queue import RESULTS, chosen_rows, draw_row
from provisioning.pages.decide.reading import (
    Row,
    approver,
    decidable_by,
    news_of,
    why_not_decide,
    with_people,
)
from provisioning.pages.decide.review import draw_review
from provisioning.pages.web import see_other

STALE = "The request changed after you opened it."


@require_POST
def request_decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One of the four answers. 409 when somebody was quicker or the objects are no longer those that were shown."""
    user = approver(request)
    row = get_object_or_404(with_people(), pk=pk)
    if row.phase == Phase.PENDING and (why := why_not_decide(user, row)):
        raise PermissionDenied(why)
    form = DecisionForm(request.POST, request=row, ids=_ids(request, row))
    try:
        _check_shown(row, request.POST.get("digest", ""))
        if not form.is_valid() or not _is_shown(form):
            return _again(request, row, form)
        form.carry_out(by=user)
    except lifecycle.Conflict as error:
        return _too_late(request, error)
    except lifecycle.Invalid as error:
        form.take(error)
        return _again(request, row, form)
    except lifecycle.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    return _done(request, user, row, form.cleaned_data["decision"])


@require_POST
def approvals_bulk(request: HttpRequest) -> HttpResponse:
    """Approve what was selected, each bound to the digest it was shown with; each has a result of its own."""
    user = approver(request)
    chosen = chosen_rows(request.POST.getlist("selected"), user)
    request.session[RESULTS] = [_result(row, digest, user) for row, digest in chosen]
    if not chosen:
        messages.warning(request, "Nothing was selected.")
    return see_other("approvals")


def _result(row: Row, digest: str, user: User) -> dict[str, str]:
    item = row.request
    shown = {"name": item.name, "url": item.get_absolute_url()}
    if item.phase == Phase.PENDING and row.alone:
        return {**shown, "tone": "warn", "text": f"Not approved. {row.alone}"}
    try:
        _check_shown(item, digest)
        lifecycle.approve(item, by=user, digest=digest)
    except lifecycle.LifecycleError as error:
        return {**shown, "tone": "bad", "text": f"Not approved. {error}"}
    return {**shown, "tone": "ok", "text": "Approved."}


def _check_shown(row: Request, digest: str) -> None:
    """Said before any other complaint: who corrects a comment should not learn only then that it was in vain."""
    if row.phase != Phase.PENDING:
        raise lifecycle.Conflict(sentence(row), row)
    if digest != row.digest:
        raise lifecycle.Conflict(STALE, row)


def _is_shown(form: DecisionForm) -> bool:
    """An approval with changes is taken only after its objects were on the page, under their digest."""
    rendered = form.rendered()
    return rendered is None or form.cleaned_data["granted_digest"] == rendered.digest


def _ids(request: HttpRequest, row: Request) -> str:
    return f"d-{row.short_id}" if _in_row(request) else "id"


def _in_row(request: HttpRequest) -> bool:
    """Was it sent from a line of the queue?"""
    return bool(request.htmx)  # type: ignore[attr-defined]


def _again(request: HttpRequest, row: Request, form: DecisionForm) -> HttpResponse:
    if not _in_row(request):
        return draw_review(request, row, form=form, status=422)
    return draw_row(request, approver(request), row, opened=True, form=form, status=422)


def _too_late(request: HttpRequest, error: lifecycle.Conflict) -> HttpResponse:
    row = get_object_or_404(with_people(), pk=error.request.pk)
    stale = row.phase == Phase.PENDING and request.POST.get("digest") != row.digest
    news = news_of(row, "" if stale else str(error))
    if _in_row(request):
        text = f"{news.sentence} Your decision was not taken."
        return draw_row(request, approver(request), row, sentence=text, status=409)
    fresh = DecisionForm(request=row)
    fresh.initial["comment"] = request.POST.get("comment", "")  # what was written may still be meant
    return draw_review(request, row, form=fresh, news=news, status=409)


def _done(request: HttpRequest, user: User, row: Request, decision: str) -> HttpResponse:
    text = _said(row, decision)
    if _in_row(request):
        fresh = get_object_or_404(with_people(), pk=row.pk)
        return draw_row(request, user, fresh, sentence=text)
    messages.success(request, text)
    if "queue" not in request.POST:
        return see_other(row)
    following = decidable_by(user).first()
    return see_other(f"{reverse('request_review', args=[following.pk])}?queue=1" if following else "approvals")


def _said(row: Request, decision: str) -> str:
    """What was done, and who acts next."""
    who = row.requester.display_name
    if row.phase == Phase.PENDING:
        return f"Your approval of {row.name} is recorded. One more platform admin has to approve it."
    texts = {
        "deny": f"{row.name} is denied. {who} reads why.",
        "request_changes": f"{who} is asked to change {row.name} and send it again.",
        "approve_with_changes": f"{row.name} is approved with changes. It is made now.",
    }
    return texts.get(decision, f"{row.name} is approved. It is made now.")
