"""From exceptions to answers: always JSON, always the same three keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from provisioning.api.answers import NOTHING_HERE, problem
from provisioning.api.auth import SEND_ONE, person
from provisioning.api.parsing import UnreadableError
from provisioning.lifecycle import Conflict, Forbidden, Invalid
from provisioning.models import Request

SOME_FIELDS = "Some fields are not as they should be."
NO_OBJECT = "Send a JSON object."
SENTENCES = {"missing": "This is needed.", "extra_forbidden": "There is no such field."}
# How the forms and the lifecycle name what the API calls otherwise.
NAMES = {
    "name": "namespaceName",
    "tier": "resourceTier",
    "lease_days": "leaseDays",
    "admins": "rbac.admins",
    "editors": "rbac.editors",
    "viewers": "rbac.viewers",
}
Errors = Mapping[str, Iterable[Any]]


class RefusedError(Exception):
    """422. `errors`: field, as the API names it, -> sentences."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(SOME_FIELDS)
        self.errors = errors


def renamed(errors: Errors, names: Mapping[str, str] = NAMES) -> dict[str, list[str]]:
    """Errors of a form by the API's names; what features ask for is `option_x` there and `options.x` here."""
    return {
        names.get(field) or (f"options.{field[7:]}" if field.startswith("option_") else field): [str(t) for t in texts]
        for field, texts in errors.items()
    }


def refused(errors: Errors) -> HttpResponse:
    """When nothing but the whole is to blame, its sentences are the message."""
    whole = " ".join(errors.get("__all__", []))
    return problem(422, whole if set(errors) == {"__all__"} else SOME_FIELDS, errors)


def add_handlers(api: NinjaAPI) -> None:
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)


def _http(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    cause = error.__cause__
    return problem(error.status_code, str(cause) if isinstance(cause, UnreadableError) else error.message)


def _who_are_you(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    sent = "Authorization" in request.headers
    response = problem(401, error.message if sent else SEND_ONE)
    response.headers["WWW-Authenticate"] = 'Bearer realm="portal"' + (', error="invalid_token"' if sent else "")
    return response


def _slow_down(request: HttpRequest, error: Throttled) -> HttpResponse:  # noqa: ARG001
    response = problem(429, f"Too many calls. Go on in {error.wait} s.")
    response.headers["Retry-After"] = str(error.wait)
    return response


def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:  # noqa: ARG001
    return problem(404, NOTHING_HERE)


def _invalid_input(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    # An address that can't be one of ours leads nowhere, like every other that leads nowhere.
    if any(item["loc"][0] == "path" for item in error.errors):
        return problem(404, NOTHING_HERE)
    found: dict[str, list[str]] = {}
    for item in error.errors:
        field = _field(item["loc"])
        found.setdefault(field, []).append(NO_OBJECT if field == "__all__" else _sentence(item))
    return refused(found)


def _field(loc: tuple[Any, ...]) -> str:
    """("body", "asked", "rbac", "admins", 0, "kind") is what the sender knows as rbac.admins.0.kind."""
    # The second part is our function's name for the body, and for a query's values where one of a list is meant.
    inner = loc[0] == "body" or loc[1:2] == ("query",)
    parts = loc[2:] if inner else loc[1:]
    return ".".join(str(part) for part in parts) or "__all__"


def _sentence(item: Mapping[str, Any]) -> str:
    text = SENTENCES.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _refused(request: HttpRequest, error: RefusedError) -> HttpResponse:  # noqa: ARG001
    return refused(error.errors)


def _invalid(request: HttpRequest, error: Invalid) -> HttpResponse:  # noqa: ARG001
    return refused(renamed(error.errors))


def _forbidden(request: HttpRequest, error: Forbidden) -> HttpResponse:  # noqa: ARG001
    return problem(403, str(error))


def _conflict(request: HttpRequest, error: Conflict) -> HttpResponse:
    """What stands in the way may be the request of another team, which says so and no more."""
    row = error.request
    now = {"requestId": str(row.pk), "status": row.phase, "revision": row.revision}
    seen = Request.objects.visible_to(person(request)).filter(pk=row.pk).exists()
    return problem(409, str(error), data=now if seen else None)


def _suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:  # noqa: ARG001
    large = isinstance(error, RequestDataTooBig)
    return problem(400, "The body is too large." if large else "The request could not be read.")


HANDLERS: dict[type[Exception], Any] = {
    HttpError: _http,
    AuthenticationError: _who_are_you,
    Throttled: _slow_down,
    Http404: _not_found,
    ValidationError: _invalid_input,
    RefusedError: _refused,
    Invalid: _invalid,
    Forbidden: _forbidden,
    Conflict: _conflict,
    SuspiciousOperation: _suspicious,
}
