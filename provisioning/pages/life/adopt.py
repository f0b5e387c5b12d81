"""Taking over a namespace that the portal did not make: a name, a look at it, a form, and what becomes different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from provisioning import access, headroom, lifecycle
from provisioning.cluster_view import cluster_view
from provisioning.forms.adopting import AdoptForm
from provisioning.models import Namespace, Request, User
from provisioning.pages.ask import answers
from provisioning.pages.life import looks
from provisioning.pages.room import Room, rooms
from provisioning.pages.web import person, see_other

PAGE, LIVE = "provisioning/adopt_namespace.html", "provisioning/adopt_live.html"
LONGEST_NAME = 63
NOT_COMPLETE = "Nothing was sent."
LOOKED_AGAIN = "Somebody looked again while this page was open: this is how it is now. Nothing was sent."


@dataclass(frozen=True, slots=True)
class Preview:
    """`missing`: label and sentence of what keeps it from being sent; then there is no `draft`."""

    draft: lifecycle.AdoptionDraft | None
    findings: list[looks.ObjectFound]
    rooms: list[Room]
    missing: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a namespace can't be taken over, and what stands against it, if that can be shown."""

    sentence: str
    request: Request | None = None
    namespace: Namespace | None = None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def adopt(request: HttpRequest) -> HttpResponse:
    """Which namespace: those that the cluster has and the portal does not know, or any by its name."""
    user = _admin(request)
    if request.method != "POST":
        return _start(request)
    name = request.POST.get("name", "").strip()
    try:
        _look(user, name)
    except lifecycle.Invalid as error:
        return _start(request, name=name, errors=error.errors["name"], status=422)
    return see_other("adopt_namespace", name)


@require_POST
def adopt_orphan(request: HttpRequest, name: str) -> HttpResponse:
    """Look at it, and go on with what was found."""
    try:
        _look(_admin(request), name)
    except lifecycle.Invalid as error:
        raise Http404 from error
    return see_other("adopt_namespace", name)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def adopt_namespace(request: HttpRequest, name: str) -> HttpResponse:
    """What was found, and the form. For htmx the live part: 204 while the look is as the page has it (`v`)."""
    user = _admin(request)
    look = looks.look_at(_known(name))
    if look.newest is None:
        raise Http404
    if request.method == "POST":
        return _send(request, user, name, look)
    if not request.htmx:  # type: ignore[attr-defined]
        response = render(request, PAGE, _context(name, look, *_form(user, look)))
    elif request.GET.get("v") == look.version:
        response = HttpResponse(status=204)
    else:
        response = render(request, LIVE, _context(name, look, *_form(user, look)))
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
def adopt_preview(request: HttpRequest, name: str) -> HttpResponse:
    """The form's answers alone: `#preview`, and `#headroom` beside it."""
    user = _admin(request)
    form, refusal = _form(user, looks.look_at(_known(name)), request.POST)
    if form is None or refusal is not None:
        raise Http404
    context = {"form": form, "preview": preview(form), "fragment": True}
    return render(request, "provisioning/adopt_preview.html", context)


def preview(form: AdoptForm) -> Preview:
    """Answers for what is in the form; nothing is written."""
    form = form.as_sent()
    if form.is_valid():
        try:
            draft = form.draft()
        except lifecycle.Invalid as error:
            form.take(error)
        else:
            return Preview(draft, looks.by_object(draft.findings), _rooms(form), [])
    return Preview(None, [], _rooms(form), list(answers.missing(form)))


def _rooms(form: AdoptForm) -> list[Room]:
    team = form.teams.get(form.spec.team)
    if team is None:
        return []
    return rooms(headroom.of_team(team, without=form.request), form.catalog.tiers.get(form.spec.tier))


def _admin(request: HttpRequest) -> User:
    """For everybody else these pages don't exist: what they show belongs to no team."""
    user = person(request)
    if not access.may_adopt(user):
        raise Http404
    return user


def _known(name: str) -> str:
    if not name.isprintable() or len(name) > LONGEST_NAME:
        raise Http404
    return name


def _look(user: User, name: str) -> None:
    """Raises Invalid for what is no name."""
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise lifecycle.Invalid({"name": ["This is no name of a namespace."]})
    if not looks.look_at(name).why_not:
        lifecycle.ask_check(name, by=user, why="adopt")


def _form(user: User, look: looks.LookView, data: Any = None) -> tuple[AdoptForm, None] | tuple[None, Refusal | None]:
    """The form, or why there is none; neither while nothing was found out yet."""
    if look.is_looking or look.last is None:
        return None, None
    try:
        return AdoptForm(data, user=user, check=look.last), None
    except lifecycle.Invalid as error:
        known = Namespace.objects.existing().filter(name=look.last.name).first()
        return None, Refusal(str(error), namespace=known)
    except lifecycle.Conflict as error:
        return None, Refusal(str(error), request=error.request)


def _send(request: HttpRequest, user: User, name: str, look: looks.LookView) -> HttpResponse:
    form, refusal = _form(user, look, request.POST)
    if form is None:
        return render(request, PAGE, _context(name, look, None, refusal, clash=NOT_COMPLETE), status=409)
    if request.POST.get("seen", "") not in {"", str(form.check_row.pk)}:
        return render(request, PAGE, _context(name, look, form, None, clash=LOOKED_AGAIN), status=409)
    valid = form.is_valid()
    if "check" in request.POST or not valid:
        status = 200 if "check" in request.POST else 422
        return render(request, PAGE, _context(name, look, form, None), status=status)
    return _ask(request, look, form)


def _ask(request: HttpRequest, look: looks.LookView, form: AdoptForm) -> HttpResponse:
    name = form.check_row.name
    try:
        made = form.carry_out()
    except lifecycle.Invalid as error:
        form.take(error)
        return render(request, PAGE, _context(name, look, form, None), status=422)
    except lifecycle.Conflict as error:
        told = Refusal(str(error), request=error.request)
        return render(request, PAGE, _context(name, look, None, told, clash=NOT_COMPLETE), status=409)
    except lifecycle.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    messages.success(request, f"Taking over {made.name} is requested. Another platform admin decides.")
    return see_other(made)


def _context(
    name: str, look: looks.LookView, form: AdoptForm | None, refusal: Refusal | None, *, clash: str = ""
) -> dict[str, Any]:
    shown: dict[str, Any] = {"place": name, "look": look, "form": form, "refusal": refusal, "clash": clash}
    return shown | (form_context(form) if form else {})


def form_context(form: AdoptForm) -> dict[str, Any]:
    """What the template of the form needs, for a new adoption and for one that is edited."""
    return {
        "form": form,
        "preview": preview(form),
        "tiers": answers.tier_choices(form.catalog),
        "tier": form["tier"].value(),
        "features": answers.feature_rows(form),
        "leases": answers.lease_choices(form),
        "preview_url": reverse("adopt_preview", args=[form.check_row.name]),
    }


def _start(request: HttpRequest, *, name: str = "", errors: list[str] | None = None, status: int = 200) -> HttpResponse:
    context = {"cluster": cluster_view(), "name": name, "errors": errors or []}
    return render(request, "provisioning/adopt.html", context, status=status)
