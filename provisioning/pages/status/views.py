from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from provisioning.pages.life.cluster import disagreement
from provisioning.pages.status.reading import read
from provisioning.pages.web import person


@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """The page, or for htmx its live part: 204 while that is as the page has it (`v`)."""
    user = person(request)
    if not user.sees_everything:
        raise Http404
    view = read()
    if not request.htmx:  # type: ignore[attr-defined]
        response = render(request, "provisioning/status.html", {"view": view, **disagreement()})
    elif request.GET.get("v") == view.version:
        response = HttpResponse(status=204)
    else:
        response = render(request, "provisioning/status_live.html", {"view": view})
    patch_vary_headers(response, ["HX-Request"])
    return response
