"""How a namespace stands in the cluster against what was granted: looking, and asking for what puts it right."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from provisioning import access, lifecycle
from provisioning.models import Phase
from provisioning.pages.life.guard import NOT_YOURS, replaced, seen, standing, steered
from provisioning.pages.life.view import life_of
from provisioning.pages.web import see_other


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def namespace_check(request: HttpRequest, name: str) -> HttpResponse:
    """POST: look now. GET: the part of the namespace's page that tells, 204 while it is as the page has it (`v`)."""
    user, row = seen(request, name)
    life = life_of(row, user)
    if request.method != "POST":
        if request.GET.get("v") == life.look.version:
            return HttpResponse(status=204)
        return render(request, "provisioning/drift.html", {"namespace": row, "life": life})
    if not access.may_check(user, row):
        raise PermissionDenied(NOT_YOURS)
    if life.why_not_check:
        messages.info(request, life.why_not_check)
    else:
        lifecycle.ask_check(row.name, by=user)
    return see_other(f"{row.get_absolute_url()}#drift")


@require_POST
def namespace_repair(request: HttpRequest, name: str) -> HttpResponse:
    """Ask for what is in force once more; in place of a failed request, when that is what the form says."""
    user, row = steered(request, name)
    try:
        made = lifecycle.open_change(row, by=user, repair=True, instead_of=replaced(request, standing(row)))
    except lifecycle.Invalid as error:
        return _conflict(request, name, str(error), status=422)
    except lifecycle.Conflict as error:
        return _conflict(request, name, str(error), status=409)
    messages.success(request, said(made.name, approved=made.phase == Phase.APPROVED))
    return see_other(made)


def said(name: str, *, approved: bool) -> str:
    if approved:
        return f"The repair of {name} is approved by policy. It is made now, step by step."
    return f"The repair of {name} is requested. A platform admin decides next."


def _conflict(request: HttpRequest, name: str, sentence: str, *, status: int) -> HttpResponse:
    _, row = seen(request, name)
    context = {"namespace": row, "sentence": sentence, "standing": standing(row)}
    return render(request, "provisioning/change_conflict.html", context, status=status)
