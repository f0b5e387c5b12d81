"""Error answers: pages for people, JSON under /api/."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

# These two may come before, or because of, whatever a page's frame needs: they stand alone.
ALONE = frozenset({400, 500})


def _answer(request: HttpRequest, status: int, message: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"success": False, "message": message, "errors": {}}, status=status)
    page = render_to_string(f"{status}.html", {"message": message}, request=None if status in ALONE else request)
    return HttpResponse(page, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return _answer(request, 400, "The request could not be read.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 403, str(exception) or "This is not yours to do.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    # Absent and forbidden look alike, so the text says neither.
    return _answer(request, 404, "There is nothing here, or it is not yours to see.")


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500, "Something broke on our side. It was logged; nothing was lost.")


def csrf_failure(request: HttpRequest, reason: str = "", **_: Any) -> HttpResponse:  # noqa: ARG001
    return _answer(request, 403, "This page was open for too long, or was sent from elsewhere. Load it again.")
