"""Small things that views share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from provisioning.models import User


def person(request: HttpRequest) -> User:
    """Who asks. Views that anybody may call without signing in are marked so; all others have a person."""
    if not isinstance(request.user, User):
        raise TypeError("this page is for people who have signed in")
    return request.user


def see_other(to: Any, *args: Any) -> HttpResponse:
    """303: what was sent is done, and is shown elsewhere. `to`: a row, the name of a URL, or an address."""
    return HttpResponse(status=303, headers={"Location": resolve_url(to, *args)})
