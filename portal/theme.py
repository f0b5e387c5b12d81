"""The colour theme: the system's, light or dark; a cookie of the browser, not of the account."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

THEMES = ("light", "dark")
A_YEAR = 365 * 24 * 3600


def _back(request: HttpRequest) -> str:
    """The page it was chosen on, if it is one of ours."""
    page = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if ours else "/"


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember `theme`; anything but light and dark forgets it. The whole page is drawn anew either way."""
    fragment = request.headers.get("HX-Request") == "true"
    response = HttpResponseClientRefresh() if fragment else HttpResponseRedirect(_back(request))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=A_YEAR, samesite="Lax", secure=request.is_secure(), httponly=True)
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
