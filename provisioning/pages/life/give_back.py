"""Giving a namespace back: first what is in it, then a typed name, then a decision by somebody else."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from provisioning import lifecycle
from provisioning.forms.giving_back import GiveBackForm
from provisioning.lifecycle.returning import FRESH
from provisioning.models import Namespace, User
from provisioning.pages.life import looks
from provisioning.pages.life.guard import Standing, replaced, standing, steered
from provisioning.pages.web import see_other

PAGE = "provisioning/give_back.html"
LIVE = "provisioning/give_back_live.html"
LOOKED_AGAIN = "Somebody looked again while this page was open: this is what is in it now. Nothing was sent."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def namespace_delete(request: HttpRequest, name: str) -> HttpResponse:
    """The page, or for htmx its live part: 204 while the look is as the page has it (`v`)."""
    user, row = steered(request, name)
    if request.method == "POST":
        return _send(request, user, row)
    look = looks.look_of(row, user)
    if not request.htmx:  # type: ignore[attr-defined]
        response = _page(request, _form(user, row, look), look)
    elif request.GET.get("v") == look.version:
        response = HttpResponse(status=204)
    else:
        response = render(request, LIVE, _context(_form(user, row, look), look, standing(row)))
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
def namespace_look(request: HttpRequest, name: str) -> HttpResponse:
    """Ask for a look at what is in it; one that is under way, or has just ended, will do."""
    user, row = steered(request, name)
    look = looks.look_of(row, user)
    if not look.why_not:
        lifecycle.ask_check(row.name, by=user, why="delete")
    return see_other("namespace_delete", row.name)


@require_POST
def namespace_protect(request: HttpRequest, name: str) -> HttpResponse:
    """`protected=yes` or `no`."""
    user, row = steered(request, name)
    wanted = request.POST.get("protected") == "yes"
    try:
        lifecycle.protect(row, wanted, by=user)
    except lifecycle.Conflict as error:
        messages.error(request, str(error))
        return see_other(row)
    text = "is protected: nobody can ask for its deletion." if wanted else "is no longer protected."
    messages.success(request, f"{row.name} {text}")
    return see_other(row) if wanted else see_other("namespace_delete", row.name)


def _form(user: User, row: Namespace, look: looks.LookView, data: Any = None) -> GiveBackForm:
    return GiveBackForm(data, user=user, namespace=row, check=look.last)


def _send(request: HttpRequest, user: User, row: Namespace) -> HttpResponse:
    look, about = looks.look_of(row, user), standing(row)
    form = _form(user, row, look, request.POST)
    if form.is_outdated:
        return _page(request, _form(user, row, look), look, clash=LOOKED_AGAIN, status=409)
    if not form.is_valid():
        return _page(request, form, look, status=422)
    try:
        made = form.carry_out(instead_of=replaced(request, about))
    except lifecycle.Invalid as error:
        form.take(error)
        return _page(request, form, look, status=422)
    except lifecycle.Conflict as error:
        return _page(request, form, look, clash=str(error), status=409)
    except lifecycle.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    messages.success(request, f"The deletion of {row.name} is requested. Somebody else decides; until then it stays.")
    return see_other(made)


def _page(
    request: HttpRequest, form: GiveBackForm, look: looks.LookView, *, clash: str = "", status: int = 200
) -> HttpResponse:
    context = {**_context(form, look, standing(form.namespace)), "clash": clash}
    return render(request, PAGE, context, status=status)


def _context(form: GiveBackForm, look: looks.LookView, about: Standing) -> dict[str, Any]:
    inventory = form.inventory
    return {
        "namespace": form.namespace,
        "form": form,
        "look": look,
        "standing": about,
        "inventory": inventory,
        "kinds": looks.kinds_of(inventory) if inventory else [],
        "fresh": _is_fresh(form),
        "backed_up": "backup" in form.namespace.spec.features,
    }


def _is_fresh(form: GiveBackForm) -> bool:
    """Whether what is known of the inside is of just before, as a request needs it."""
    at = parse_datetime(form.inventory.taken_at) if form.inventory else None
    return at is not None and at > timezone.now() - FRESH
