"""The three calls that the platform's scripts make: ask for a namespace, follow it, call it off."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Router, Status

from provisioning import access, lifecycle
from provisioning.api import idempotency
from provisioning.api.answers import Envelope, operation
from provisioning.api.auth import person
from provisioning.api.errors import RefusedError, renamed
from provisioning.api.rows import request_of
from provisioning.api.shapes import requests as shapes
from provisioning.api.shapes.asking import NamespaceBody
from provisioning.api.shapes.requests import Receipt, RequestStatus
from provisioning.config import the_catalog
from provisioning.forms import RequestForm, option_field
from provisioning.models import SETTLED, UNDECIDED, Phase, Request, Scope, User
from provisioning.spec import LEVELS

router = Router(tags=["Ask for a namespace"])
NOT_YOURS = "Only the requester, the team's leads and platform admins can cancel a request."
STRAY = "None of the chosen features asks for this."
LOCATION = {"Location": {"description": "Where to follow it.", "schema": {"type": "string"}}}
KEY_PARAMETER = {
    "in": "header",
    "name": idempotency.HEADER,
    "required": False,
    "description": "The same key with the same body opens one request, however often it is sent.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


@router.post(
    "/namespaces/request",
    summary="Ask for a namespace",
    operation_id="requestNamespace",
    openapi_extra={"responses": {202: {"headers": LOCATION}}, "parameters": [KEY_PARAMETER]},
    **operation(
        Scope.REQUEST,
        Receipt,
        ok=(202,),
        description="Opens a request; policy may approve it at once. Nothing exists until its status is `Succeeded`.",
    ),
)
def ask(request: HttpRequest, response: HttpResponse, asked: NamespaceBody) -> Status[Envelope[Receipt]]:
    user, key = person(request), idempotency.key_of(request)
    if key:
        digest = idempotency.digest_of(asked.model_dump(mode="json"))
        row, again = idempotency.once(user, key, digest, lambda: _open(user, asked))
    else:
        row, again = _open(user, asked), False
    response.headers["Location"] = reverse("api:request_status", args=[row.pk])
    if again:
        response.headers["Idempotency-Replayed"] = "true"
    return Status(202, Envelope(message=_opened(row), data=shapes.receipt(row)))


@router.get(
    "/namespaces/request/{request_id}/status",
    summary="Follow a request",
    operation_id="requestStatus",
    url_name="request_status",
    **operation(Scope.READ, RequestStatus, 404),
)
def status(request: HttpRequest, request_id: uuid.UUID) -> Envelope[RequestStatus]:
    row = request_of(person(request), request_id)
    return Envelope(message=f"{row.name}: {row.get_phase_display().lower()}.", data=shapes.status(row))


@router.delete(
    "/namespaces/request/{request_id}",
    summary="Call a request off",
    operation_id="cancelRequest",
    **operation(
        Scope.REQUEST,
        Receipt,
        404,
        409,
        ok=(200, 202),
        description="200: it is cancelled. 202: it runs, and is asked to stop; its status tells when it has. "
        "409: it is over.",
    ),
)
def cancel(request: HttpRequest, request_id: uuid.UUID) -> Status[Envelope[Receipt]]:
    user = person(request)
    row = request_of(user, request_id)
    if not (user.is_platform_admin or access.is_party(user, row)):
        raise lifecycle.Forbidden(NOT_YOURS)
    if row.phase in SETTLED:
        raise lifecycle.Conflict(f"There is nothing to cancel: it is {row.get_phase_display().lower()}.", row)
    if row.phase in UNDECIDED:
        lifecycle.withdraw(row, by=user)
    elif row.cancel_requested_at is None:
        lifecycle.cancel(row, by=user)
    if row.phase == Phase.CANCELLED:
        return Status(200, Envelope(message="Request cancelled.", data=shapes.receipt(row)))
    return Status(202, Envelope(message=row.message or "It is being stopped.", data=shapes.receipt(row)))


def _opened(row: Request) -> str:
    if row.phase == Phase.PENDING:
        return f"Namespace requested: it {row.verdict['sentence']}."
    return f"Namespace requested. It is {row.get_phase_display().lower()}."


def _open(user: User, asked: NamespaceBody) -> Request:
    """Raises RefusedError with every field that is not as it should be."""
    form = RequestForm(_form_data(asked), user=user)
    errors = renamed(form.errors) | _stray_options(asked)
    if errors:
        raise RefusedError(errors)
    return lifecycle.open_request(form.spec, by=user)


def _form_data(asked: NamespaceBody) -> dict[str, Any]:
    return {
        "team": asked.team,
        "name": asked.namespace_name,
        "tier": asked.resource_tier,
        "features": asked.features,
        **{level: asked.rbac.subjects(level) for level in LEVELS},
        "purpose": asked.purpose,
        "lease_days": asked.lease_days,
        **{option_field(key): str(value) for key, value in asked.options.items()},
    }


def _stray_options(asked: NamespaceBody) -> dict[str, list[str]]:
    """The form leaves out what no chosen feature asks for, as people may have typed it before; here it is a mistake."""
    known = the_catalog().features
    wanted = {item.key for key in asked.features if key in known for item in known[key].fields}
    return {
        f"options.{key}": ["None of the chosen features asks for this."] for key in asked.options if key not in wanted
    }
