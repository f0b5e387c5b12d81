"""A request id in every log line, and an expired session that redirects the page rather than a fragment of it."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

Handler = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger("portal.http")
GIVEN_ID = re.compile(r"\A[A-Za-z0-9._-]{1,64}\Z")
# What is polled or probed every few seconds is not worth a line each.
QUIET = re.compile(r"\A/(healthz|readyz|metrics|static/)")


class RequestLogMiddleware:
    """One line per request, with an id that the answer carries too (X-Request-ID). Queries and bodies stay out."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GIVEN_ID.match(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(http_request=request_id)
        started = time.monotonic()
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        if not (QUIET.match(request.path) or response.status_code == 204):  # noqa: PLR2004
            user = getattr(request, "user", None)
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round((time.monotonic() - started) * 1000),
                user=user.get_username() if user is not None else "",
            )
        return response


class FragmentLoginMiddleware:
    """A redirect to the sign-in page, as an answer to htmx, would be followed and swapped into the page's middle.

    It becomes a redirect of the whole page, back to where the person was.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not getattr(request, "htmx", None) or not isinstance(response, HttpResponseRedirect):
            return response
        login = resolve_url(settings.LOGIN_URL)
        if not response.url.startswith(login):
            return response
        page = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(f"{login}?next={page}")
