from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from provisioning import access, lifecycle
from provisioning.forms import RequestForm
from provisioning.forms.asking import data_of
from provisioning.models import Membership, Request, Team, User
from provisioning.pages.ask import answers
from provisioning.pages.web import person, see_other

PAGE = "provisioning/request_new.html"


@require_http_methods(["GET", "HEAD", "POST"])
def request_new(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if not access.teams_led_by(user):
        return render(request, "provisioning/request_new_nobody.html", {"teams": _teams_of(user)}, status=403)
    if request.method != "POST":
        return _page(request, RequestForm(user=user, initial=_begin_with(request, user)))
    form = RequestForm(request.POST, user=user)
    if "check" in request.POST:
        form.is_valid()
        return _page(request, form)
    return _send(request, form, user) if form.is_valid() else _page(request, form, status=422)


@require_POST
def request_preview(request: HttpRequest) -> HttpResponse:
    """The form's answers alone: `#preview`, and `#headroom` beside it."""
    form = RequestForm(request.POST, user=_asker(request))
    context = {"form": form, "preview": answers.preview(form), "fragment": True}
    return render(request, "provisioning/request_new_preview.html", context)


@require_GET
def request_name_check(request: HttpRequest) -> HttpResponse:
    name, team = request.GET.get("name", "").strip(), request.GET.get("team", "")
    answer = answers.about_name(name[:300], team, _asker(request))
    return render(request, "provisioning/request_new_name.html", {"answer": answer})


def _send(request: HttpRequest, form: RequestForm, user: User) -> HttpResponse:
    try:
        row = lifecycle.open_request(form.spec, by=user)
    except lifecycle.Invalid as error:
        form.take(error)
        return _page(request, form, status=422)
    messages.success(request, answers.said(row))
    return see_other(row)


def _page(request: HttpRequest, form: RequestForm, status: int = 200) -> HttpResponse:
    form.fields["name"].widget.attrs |= {
        "hx-get": reverse("request_name_check"),
        "hx-trigger": "input delay:300ms",
        "hx-target": "#name-says",
        "hx-swap": "innerHTML",
        "hx-sync": "this:queue last",
        "hx-include": "#id_team",
    }
    context = answers.form_context(form, person(request))
    return render(request, PAGE, {**context, "preview_url": reverse("request_preview")}, status=status)


def _asker(request: HttpRequest) -> User:
    """Answers are for those who may ask: they tell which names are taken."""
    user = person(request)
    if not access.teams_led_by(user):
        raise Http404
    return user


def _begin_with(request: HttpRequest, user: User) -> dict[str, Any]:
    """`?from=<request id>`: what that request asked for. One that isn't there, or not theirs to see, is a 404."""
    source = request.GET.get("from", "")
    if not source:
        return {}
    try:
        pk = UUID(source)
    except ValueError as error:
        raise Http404 from error
    row = get_object_or_404(Request.objects.visible_to(user), pk=pk)
    return data_of(row.asked_spec, without=row.requester)


def _teams_of(user: User) -> list[Team]:
    """The teams that somebody is a member of, each with those who lead it: whom to talk to."""
    teams = Team.objects.filter(memberships__user=user).prefetch_related("memberships__user")
    for team in teams:
        leads = [item.user for item in team.memberships.all() if item.role == Membership.Role.LEAD]
        team.leads = leads  # type: ignore[attr-defined]
    return list(teams)
