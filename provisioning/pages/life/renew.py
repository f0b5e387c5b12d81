"""Renewing a lease: at once where a rule allows it, else by a request."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from provisioning import lifecycle
from provisioning.forms.leasing import RenewForm
from provisioning.models import Namespace, Phase, Request, User
from provisioning.pages.life.guard import steered
from provisioning.pages.life.view import life_of
from provisioning.pages.web import see_other

PAGE = "provisioning/renew.html"


@require_http_methods(["GET", "HEAD", "POST"])
def namespace_renew(request: HttpRequest, name: str) -> HttpResponse:
    """The choices, each with its end and what the policy says; a POST takes one of them."""
    user, row = steered(request, name)
    if request.method != "POST":
        return _page(request, user, row, RenewForm(user=user, namespace=row))
    form = RenewForm(request.POST, user=user, namespace=row)
    if not form.is_valid():
        return _page(request, user, row, form, status=422)
    try:
        made = form.carry_out()
    except lifecycle.Invalid as error:
        form.take(error)
        return _page(request, user, row, form, status=422)
    except lifecycle.Conflict as error:
        return _page(request, user, row, form, conflict=error, status=409)
    except lifecycle.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    messages.success(request, said(row, made))
    return see_other(made or row)


def said(row: Namespace, made: Request | None) -> str:
    """What was done, and who acts next."""
    if made is None:
        end = row.lease_ends_at
        return f"The lease of {row.name} is renewed: it ends on {end.day} {end:%b %Y}."
    if made.phase == Phase.APPROVED:
        return f"The renewal of {row.name} is approved by policy. The new end is written into the cluster now."
    return f"The renewal of {row.name} is requested. A platform admin decides next."


def _page(
    request: HttpRequest,
    user: User,
    row: Namespace,
    form: RenewForm,
    *,
    conflict: lifecycle.Conflict | None = None,
    status: int = 200,
) -> HttpResponse:
    chosen = form["lease_days"].value()
    context = {
        "namespace": row,
        "life": life_of(row, user),
        "form": form,
        "chosen": str(chosen if chosen is not None else ""),
        "conflict": conflict,
    }
    return render(request, PAGE, context, status=status)
