"""The life of a namespace: change, renew, give back, look at it. By the same forms and rules as the pages."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Status
from pydantic import Field

from provisioning import access, lifecycle
from provisioning.api.answers import Answer, Envelope, operation
from provisioning.api.auth import person
from provisioning.api.errors import NAMES, RefusedError, renamed
from provisioning.api.founding import LOCATION, STRAY
from provisioning.api.namespaces import router  # one path, one router: GET and DELETE share theirs
from provisioning.api.shapes import requests as receipts
from provisioning.api.shapes.life import ChangeBody, CheckAnswer, LeaseAnswer, RenewBody, check_answer
from provisioning.api.shapes.requests import Receipt
from provisioning.api.text import Text
from provisioning.config import the_catalog
from provisioning.forms import option_field
from provisioning.forms.changing import ChangeForm
from provisioning.forms.giving_back import LOOK_FIRST, GiveBackForm
from provisioning.forms.leasing import RenewForm
from provisioning.models import Namespace, Phase, Request, Scope, User

__all__ = ["router"]
NOT_YOURS = "The leads of its team, and platform admins, change a namespace, renew it or give it back."
ALONE = "This is asked for alone, without any other change."
NEWER = "There is a newer look than that: read it, and send its id."
OTHER_NAMES = {**NAMES, "typed_name": "typedName", "inventory": "checkId", "seen": "checkId"}


def _seen(request: HttpRequest, name: str) -> tuple[User, Namespace]:
    user = person(request)
    if not name.isprintable():
        raise Http404
    rows = Namespace.objects.existing().visible_to(user).select_related("team")
    return user, get_object_or_404(rows, name=name)


def _steered(request: HttpRequest, name: str) -> tuple[User, Namespace]:
    user, row = _seen(request, name)
    if not access.may_steer(user, row):
        raise lifecycle.Forbidden(NOT_YOURS)
    return user, row


def _refused(errors: Any) -> RefusedError:
    return RefusedError(renamed(errors, OTHER_NAMES))


def _accepted(response: HttpResponse, row: Request, what: str) -> Status[Envelope[Receipt]]:
    response.headers["Location"] = reverse("api:request_status", args=[row.pk])
    approved = row.phase == Phase.APPROVED
    told = f"{what} requested{'' if approved else ': it ' + row.verdict['sentence']}."
    message = f"{told} It is approved by policy." if approved else told
    return Status(202, Envelope(message=message, data=receipts.receipt(row)))


@router.post(
    "/namespaces/{name}/change",
    summary="Ask for a change of a namespace",
    operation_id="changeNamespace",
    openapi_extra={"responses": {202: {"headers": LOCATION}}},
    **operation(
        Scope.REQUEST,
        Receipt,
        404,
        409,
        ok=(202,),
        description="Tier, features, access, purpose; the lease is renewed, not changed. 409: another request is open.",
    ),
)
def change(request: HttpRequest, response: HttpResponse, name: str, asked: ChangeBody) -> Status[Envelope[Receipt]]:
    user, row = _steered(request, name)
    instead_of = _failed(row, asked.instead_of)
    try:
        made = _changed(user, row, asked, instead_of)
    except lifecycle.Invalid as error:
        raise _refused(error.errors) from error
    return _accepted(response, made, "A repair is" if made.is_repair else "The change is")


def _changed(user: User, row: Namespace, asked: ChangeBody, instead_of: Request | None) -> Request:
    if asked.repair or asked.to_revision is not None:
        if asked.asks_for_values() or (asked.repair and asked.to_revision is not None):
            raise RefusedError({"repair" if asked.repair else "toRevision": [ALONE]})
        return lifecycle.open_change(
            row, by=user, repair=asked.repair, to_revision=asked.to_revision, instead_of=instead_of
        )
    form = ChangeForm(_form_data(row, asked), user=user, namespace=row)
    if errors := renamed(form.errors, OTHER_NAMES) | _stray(row, asked):
        raise RefusedError(errors)
    return form.carry_out(instead_of=instead_of)


def _form_data(row: Namespace, asked: ChangeBody) -> dict[str, Any]:
    options = {**row.spec.options, **{key: str(value) for key, value in asked.options.items()}}
    return {**asked.over(row.spec), **{option_field(key): value for key, value in options.items()}}


def _stray(row: Namespace, asked: ChangeBody) -> dict[str, list[str]]:
    """The form leaves out what no chosen feature asks for; here it is a mistake."""
    known = the_catalog().features
    chosen = asked.over(row.spec)["features"]
    wanted = {item.key for key in chosen if key in known for item in known[key].fields}
    return {f"options.{key}": [STRAY] for key in asked.options if key not in wanted}


def _failed(row: Namespace, key: uuid.UUID | None) -> Request | None:
    """The failed request that is given up; 422 for any other."""
    if key is None:
        return None
    found = Request.objects.filter(pk=key, name=row.name, phase=Phase.FAILED).first()
    if found is None:
        raise RefusedError({"insteadOf": ["There is no failed request of this id about the namespace."]})
    return found


def _renew_operation() -> dict[str, Any]:
    made = operation(
        Scope.REQUEST,
        LeaseAnswer,
        404,
        409,
        description="200: a rule allows it, and it is done. 202: a request was opened that asks for it.",
    )
    return {**made, "response": {**made["response"], 202: Envelope[Receipt]}}


@router.post(
    "/namespaces/{name}/renew",
    summary="Renew the lease of a namespace",
    operation_id="renewNamespace",
    openapi_extra={"responses": {202: {"headers": LOCATION}}},
    **_renew_operation(),
)
def renew(
    request: HttpRequest, response: HttpResponse, name: str, asked: RenewBody
) -> Status[Envelope[LeaseAnswer]] | Status[Envelope[Receipt]]:
    user, row = _steered(request, name)
    form = RenewForm({"lease_days": asked.lease_days}, user=user, namespace=row)
    if not form.is_valid():
        raise _refused(form.errors)
    try:
        made = form.carry_out()
    except lifecycle.Invalid as error:
        raise _refused(error.errors) from error
    if made is not None:
        return _accepted(response, made, "The renewal is")
    end = row.lease_ends_at
    data = LeaseAnswer(name=row.name, lease_ends_at=end, renewals=row.renewals)
    return Status(200, Envelope(message=f"The lease ends on {end:%Y-%m-%d} now.", data=data))


class DeleteQuery(Answer):
    typed_name: Text = Field(description="The namespace's name once more, so that no other is meant.")
    force: bool = Field(default=False, description="Take along what is in it; needed when it is not empty.")
    check_id: uuid.UUID | None = Field(
        default=None, description="Of the look that you read. Refused when there is a newer one."
    )
    instead_of: uuid.UUID | None = Field(
        default=None, description="A failed request about this namespace, which is given up for this one."
    )


@router.delete(
    "/namespaces/{name}",
    summary="Give a namespace back",
    operation_id="deleteNamespace",
    openapi_extra={"responses": {202: {"headers": LOCATION}}},
    **operation(
        Scope.REQUEST,
        Receipt,
        404,
        409,
        ok=(202,),
        description="Asks for its deletion, on which somebody else decides. Look at it first (`POST …/check`): the "
        "request is about what was seen in it, at most an hour ago.",
    ),
)
def delete(
    request: HttpRequest, response: HttpResponse, name: str, query: Query[DeleteQuery]
) -> Status[Envelope[Receipt]]:
    user, row = _steered(request, name)
    check = row.checks.done().first()
    data = {"typed_name": query.typed_name, "force": query.force, "seen": str(query.check_id or "")}
    form = GiveBackForm(data, user=user, namespace=row, check=check)
    if form.is_outdated:
        raise RefusedError({"checkId": [NEWER]})
    if form.inventory is None:
        raise RefusedError({"checkId": [LOOK_FIRST]})
    if not form.is_valid():
        raise _refused(form.errors)
    try:
        made = form.carry_out(instead_of=_failed(row, query.instead_of))
    except lifecycle.Invalid as error:
        raise _refused(error.errors) from error
    return _accepted(response, made, "The deletion is")


@router.post(
    "/namespaces/{name}/check",
    summary="Look at a namespace in the cluster",
    operation_id="checkNamespace",
    **operation(
        Scope.REQUEST,
        CheckAnswer,
        404,
        ok=(202,),
        description="Compares it with what was granted, and takes stock of what is in it. One that is under way is "
        "given back.",
    ),
)
def check(request: HttpRequest, name: str) -> Status[Envelope[CheckAnswer]]:
    user, row = _steered(request, name)
    made = lifecycle.ask_check(row.name, by=user)
    return Status(202, Envelope(message="It is looked at; read the result in a moment.", data=check_answer(made)))


@router.get(
    "/namespaces/{name}/check",
    summary="Read the newest look at a namespace",
    operation_id="readCheck",
    **operation(Scope.READ, CheckAnswer, 404, description="404 when nobody has looked yet."),
)
def read_check(request: HttpRequest, name: str) -> Envelope[CheckAnswer]:
    _, row = _seen(request, name)
    found = row.checks.first()
    if found is None:
        raise Http404
    return Envelope(message=f"{row.name}: {found.get_state_display().lower()}.", data=check_answer(found))
