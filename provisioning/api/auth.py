"""Who calls: a person by a bearer token with scopes, or by the browser's session with Django's CSRF check."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, NoReturn

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import AuthenticationError, AuthorizationError, Throttled
from ninja.security import HttpBearer
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from provisioning.api.throttle import THROTTLE
from provisioning.models import ApiToken, Scope, User

# `last_used_at` is for people who tidy up: a write per call would be a high price for seconds.
USED_EVERY = timedelta(minutes=1)
SEND_ONE = "Sign in, or send a token: “Authorization: Bearer npt_…”."
BAD_TOKEN = "This token is not valid: it is unknown, has expired or was revoked."  # noqa: S105
BAD_CSRF = "Sent with the browser's session, but without its CSRF token (X-CSRFToken)."


class TooManyCalls(Throttled):
    """`wait` in seconds, a fraction rounded up."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait=max(1, round(wait + 0.5)))


def person(request: HttpRequest) -> User:
    """Who calls. Every operation has passed `needs` before."""
    if not isinstance(request.user, User):
        raise TypeError("an operation was called without authentication")
    return request.user


class BearerToken(HttpBearer):
    """A token from the page “API tokens” or from `manage.py api_token`."""

    openapi_bearerFormat: ClassVar[str] = "npt_<key>_<secret>"  # noqa: N815 - the key in the document
    openapi_description: ClassVar[str] = "A token of yours, made on the page “API tokens”. It has scopes and an end."

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> User | None:
        """None without the header, so that the session is asked. A bad token never falls back on the session."""
        header = request.headers.get("Authorization")
        if header is None:
            return None
        kind, _, text = header.partition(" ")
        return self.authenticate(request, text.strip() if kind.lower() == "bearer" else "")

    def authenticate(self, request: HttpRequest, token: str) -> User:
        found = ApiToken.find(token) if token.isascii() and token.isprintable() else None
        if found is None:
            raise AuthenticationError(message=BAD_TOKEN)
        _count(f"token:{found.key}")
        if self.scope not in found.scopes:
            missing = f"This token lacks the scope “{self.scope}”. It has: {', '.join(found.scopes) or 'none'}."
            raise AuthorizationError(message=missing)
        _used(found)
        request.user = found.user
        return found.user


class BrowserSession(AuthBase):
    """Whoever is signed in: for trying calls on the page of this documentation."""

    openapi_type: ClassVar[str] = "apiKey"
    openapi_in: ClassVar[str] = "cookie"
    openapi_name: ClassVar[str] = settings.SESSION_COOKIE_NAME
    openapi_description: ClassVar[str] = "The portal's own pages. Calls that change something need X-CSRFToken."

    def __call__(self, request: HttpRequest) -> User | None:
        if not isinstance(request.user, User):
            return None
        # Ninja's views are exempt from the middleware's check, which can't know how the caller will prove who it is.
        if check_csrf(request) is not None:
            raise AuthorizationError(message=BAD_CSRF)
        _count(f"user:{request.user.pk}")
        return request.user


def needs(scope: Scope) -> list[AuthBase]:
    """The guard of an operation. A session may do whatever its person may; a token needs the scope, too."""
    return [BearerToken(scope), BrowserSession()]


def _count(caller: str) -> None:
    if wait := THROTTLE.take(caller):
        _slow_down(wait)


def _slow_down(wait: float) -> NoReturn:
    raise TooManyCalls(wait)


def _used(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is not None and now - token.last_used_at < USED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
