"""Puts the API together, and makes every view of it answer in JSON."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from provisioning.api import about, founding, life, logs, requests
from provisioning.api.about import VERSION
from provisioning.api.answers import NOTHING_HERE, problem
from provisioning.api.docs import Docs
from provisioning.api.errors import add_handlers
from provisioning.api.parsing import StrictParser

View = Callable[..., HttpResponseBase]
ABOUT = """
The portal as JSON: the same rules, forms and lifecycle as its pages.

Send a token of yours: `Authorization: Bearer npt_…`. Make one on the page “API tokens”; it has scopes (`read`,
`request`, `decide`) and an end. On this page, the browser's session does as well.

Every answer has the same envelope: `success`, `message` (a sentence for people) and `data`, or `errors`, which names
the fields as they were sent. What is not there and what is not yours to see are both answered with 404. Moments are
RFC 3339 in UTC, ids are UUIDs. Lists are paged by `cursor`.
"""

api = NinjaAPI(
    title="Namespace portal",
    version=VERSION,
    description=ABOUT.strip(),
    urls_namespace="api",
    docs=Docs(),
    parser=StrictParser(),
    openapi_extra={
        "tags": [
            {"name": "Ask for a namespace", "description": "Ask, follow, call off."},
            {"name": "Requests", "description": "What was asked, what was decided, what ran."},
            {"name": "Namespaces", "description": "What exists."},
            {"name": "About", "description": "What is offered, and by what."},
        ]
    },
)
add_handlers(api)
for _router in (founding.router, requests.router, logs.router, life.router, about.router):
    api.add_router("", _router)


@login_not_required
@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Whatever else is asked for under /api/."""
    return problem(404, NOTHING_HERE)


def _as_json(view: View) -> View:
    """Who calls is the API's own affair: no redirect to the sign-in page, and no cookie that alone is enough."""

    @login_not_required
    @csrf_exempt
    @functools.wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 405:  # noqa: PLR2004
            allowed = response.headers["Allow"]
            response = problem(405, f"Not {request.method}, but {allowed}.")
            response.headers["Allow"] = allowed
        add_never_cache_headers(response)
        return response

    return cast("View", answered)


def _finished(patterns: Iterable[URLPattern]) -> list[URLPattern]:
    found = list(patterns)
    for pattern in found:
        pattern.callback = _as_json(pattern.callback)
    return found


_patterns, _application, _namespace = api.urls
urls = (_finished(cast("list[URLPattern]", _patterns)), _application, _namespace)
