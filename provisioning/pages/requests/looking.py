"""The page, its fragments and the logs. None of these asks Argo."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from provisioning import logbook
from provisioning.models import Request, User
from provisioning.pages.requests.log_view import LogView
from provisioning.pages.requests.view import RequestView
from provisioning.pages.web import person


def _visible(user: User, pk: uuid.UUID) -> Request:
    rows = Request.objects.visible_to(user).select_related("team", "requester", "namespace")
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
@vary_on_headers("HX-Request")
def page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    user = person(request)
    return shown(request, _visible(user, pk), user)


def shown(request: HttpRequest, row: Request, user: User, *, conflict: str = "", status: int = 200) -> HttpResponse:
    """The page of `row`; only the run's part of it when a step's link asked by htmx."""
    view = RequestView(row, user, request.GET)
    if view.run is not None:
        logbook.looked_at(view.run)
    target = request.headers.get("HX-Target", "")
    template = "provisioning/request.html#run" if target == "run" else "provisioning/request.html"
    context = {"view": view, "item": row, "conflict": conflict, "focus": target == "run"}
    return render(request, template, context, status=status)


@never_cache
@require_GET
def status(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """204 while the row is as the page has it (`v`), else what changed, out of band, and the next poll."""
    user = person(request)
    row = _visible(user, pk)
    view = RequestView(row, user, request.GET)
    if request.GET.get("v") == str(row.version) and not request.GET.get("over"):
        return HttpResponse(status=204)
    shown_step = request.GET.get("shown", "")
    # A page that was opened before anything ran has no log yet: `shown` is empty.
    follows = not view.chosen_by_hand or not shown_step
    moved_on = follows and view.selected is not None and view.selected.name != shown_step
    return render(request, "provisioning/request_status.html", {"view": view, "item": row, "moved_on": moved_on})


@never_cache
@require_GET
def log(request: HttpRequest, pk: uuid.UUID, step: str) -> HttpResponse:
    """Lines after `after` as list items; 204 when there are none yet; without its trigger when it is complete."""
    user = person(request)
    view = _log_view(_visible(user, pk), user, step, request.GET)
    if view is None:
        raise Http404
    logbook.looked_at(view.run)
    if not view.lines and view.live:
        return HttpResponse(status=204)
    return render(request, "provisioning/request_log_more.html", {"log": view})


@require_GET
def download(request: HttpRequest, pk: uuid.UUID, step: str) -> StreamingHttpResponse:
    """All that is kept of one try's log, as a text file."""
    user = person(request)
    row = _visible(user, pk)
    view = _log_view(row, user, step, request.GET)
    if view is None or view.log is None:
        raise Http404
    response = StreamingHttpResponse(logbook.text(view.log), content_type="text/plain; charset=utf-8")
    name = f"{view.run.workflow_name}.{step}-{view.attempt}.log"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _log_view(row: Request, user: User, step: str, query: QueryDict) -> LogView | None:
    view = RequestView(row, user, query)
    selected = view.progress.get(step)
    return LogView(row, view.run, selected, query) if view.run and selected else None
