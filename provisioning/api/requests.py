"""Requests: those one may see, one with all there is to it, decisions on it, a new attempt."""

from __future__ import annotations

import re
import uuid
from typing import Annotated, Any, Literal

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status
from pydantic import ConfigDict, Field

from provisioning import access, lifecycle
from provisioning.api.answers import Answer, Body, Envelope, Page, operation
from provisioning.api.auth import person
from provisioning.api.errors import RefusedError, renamed
from provisioning.api.founding import LOCATION
from provisioning.api.paging import USUAL, Cursor, Limit, after_newest, cut, encode
from provisioning.api.rows import request_of, requests_of
from provisioning.api.shapes import requests as shapes
from provisioning.api.shapes.requests import Receipt, RequestDetail, RequestSummary
from provisioning.api.text import Text
from provisioning.forms import DecisionForm, granted_data
from provisioning.lifecycle.transition import sentence
from provisioning.models import Phase, Request, Scope, User

router = Router(tags=["Requests"])
APPROVE = "approve"
STALE = "The request changed after you read it: look at it again."
START_OF_ID = re.compile(r"\A[0-9a-f]{8}(-[0-9a-f-]{0,27})?\Z")
# How the form of a decision names what the API calls otherwise.
NAMES = {"tier": "granted.resourceTier", "features": "granted.features", "lease_days": "granted.leaseDays"}


class Filters(Answer):
    team: Annotated[Text, Field(description="A team's name.")] = ""
    phase: Annotated[list[Phase], Field(default_factory=list, description="May be given several times.")]
    q: Annotated[
        Text, Field(max_length=200, description="In the namespace's, team's or requester's name; or an id's start.")
    ] = ""
    cursor: Cursor = ""
    limit: Limit = USUAL


@router.get(
    "/requests",
    summary="List requests, newest first",
    operation_id="listRequests",
    **operation(Scope.READ, Page[RequestSummary]),
)
def requests(request: HttpRequest, query: Query[Filters]) -> Envelope[Page[RequestSummary]]:
    rows = requests_of(person(request)).filter(_wanted(query)).order_by("-created_at", "-id")
    if query.cursor:
        rows = rows.filter(after_newest(query.cursor))
    page, last = cut(rows[: query.limit + 1], query.limit)
    cursor = encode(last.created_at.isoformat(), str(last.pk)) if last else None
    found: Page[RequestSummary] = Page(items=[shapes.summary(row) for row in page], next_cursor=cursor)
    return Envelope(message=f"{len(page)} request{'' if len(page) == 1 else 's'}.", data=found)


@router.get(
    "/requests/{request_id}",
    summary="Read a request with its objects, policy, steps and events",
    operation_id="readRequest",
    url_name="request",
    **operation(Scope.READ, RequestDetail, 404),
)
def read(request: HttpRequest, request_id: uuid.UUID) -> Envelope[RequestDetail]:
    user = person(request)
    row = request_of(user, request_id)
    return Envelope(message=f"{row.name}: {row.get_phase_display().lower()}.", data=shapes.detail(row, user))


class GrantedBody(Body):
    """What an approval changes; left out: as it was asked."""

    resource_tier: str | None = Field(default=None, description="The same or a lower one.")
    features: list[str] | None = Field(default=None, description="Those that are granted, of those asked for.")
    lease_days: int | None = Field(default=None, description="Not longer than asked.")


class DecisionBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"decision": "approve", "digest": "6f0c…64 hexadecimal digits", "comment": "Fine."},
                {"decision": "approve", "digest": "6f0c…", "granted": {"resourceTier": "medium", "leaseDays": 30}},
                {"decision": "request_changes", "digest": "6f0c…", "comment": "Why so large?"},
            ]
        }
    )
    decision: Literal["approve", "deny", "request_changes"]
    digest: str = Field(description="Of the objects that you looked at; another one is answered with 409.")
    comment: str = Field(default="", description="Needed to deny and to request changes: the requester reads it.")
    granted: GrantedBody | None = None
    allow: list[str] = Field(
        default=[],
        description="The features with a gate that you let through, by name; those named in `granted.features` count.",
    )


@router.post(
    "/requests/{request_id}/decision",
    summary="Approve, deny, or request changes",
    operation_id="decide",
    **operation(
        Scope.DECIDE,
        RequestSummary,
        404,
        409,
        description="Only for platform admins, and never on a request of one's own.",
    ),
)
def decide(request: HttpRequest, request_id: uuid.UUID, decision: DecisionBody) -> Envelope[RequestSummary]:
    user = person(request)
    row = request_of(user, request_id)
    _check_decider(user, row, decision.digest)
    if decision.granted is not None and decision.decision != APPROVE:
        raise RefusedError({"granted": ["Only an approval grants something."]})
    form = DecisionForm(_form_data(row, decision), request=row)
    if not form.is_valid():
        raise RefusedError(renamed(form.errors, NAMES))
    try:
        form.carry_out(by=user)
    except lifecycle.Invalid as error:
        raise RefusedError(renamed(error.errors, NAMES)) from error
    return Envelope(message=_decided(row), data=shapes.summary(row))


@router.post(
    "/requests/{request_id}/retry",
    summary="Try a failed request again",
    operation_id="retryRequest",
    openapi_extra={"responses": {202: {"headers": LOCATION}}},
    **operation(Scope.REQUEST, Receipt, 404, 409, ok=(202,), description="A new attempt of the same approved objects."),
)
def retry(request: HttpRequest, response: HttpResponse, request_id: uuid.UUID) -> Status[Envelope[Receipt]]:
    user = person(request)
    row = request_of(user, request_id)
    lifecycle.retry(row, by=user)
    response.headers["Location"] = reverse("api:request_status", args=[row.pk])
    told = f"Attempt {row.attempt} of the same objects is on its way."
    return Status(202, Envelope(message=told, data=shapes.receipt(row)))


def _check_decider(user: User, row: Request, digest: str) -> None:
    """Said before any other complaint: who corrects a comment should not learn only then that it was in vain."""
    if not user.is_platform_admin or row.requester_id == user.pk:
        raise lifecycle.Forbidden(access.why_not_decide(user, row))
    if row.phase != Phase.PENDING:
        raise lifecycle.Conflict(sentence(row), row)
    if digest != row.digest:
        raise lifecycle.Conflict(STALE, row)


def _wanted(filters: Filters) -> Q:
    wanted = Q()
    if filters.team:
        wanted &= Q(team__name=filters.team)
    if filters.phase:
        wanted &= Q(phase__in=filters.phase)
    if filters.q:
        wanted &= _matching(filters.q.strip())
    return wanted


def _matching(text: str) -> Q:
    matching = Q(name__icontains=text) | Q(team__name__icontains=text) | Q(requester__username__icontains=text)
    return matching | Q(id__startswith=text.lower()) if START_OF_ID.match(text.lower()) else matching


def _form_data(row: Request, decision: DecisionBody) -> dict[str, Any]:
    """As the page's form sends it: `granted` laid over what was asked makes an approval with changes."""
    given = decision.granted or GrantedBody()
    changes = {"tier": given.resource_tier, "features": given.features, "lease_days": given.lease_days}
    granted = granted_data(row.spec) | {key: value for key, value in changes.items() if value is not None}
    changed = decision.decision == APPROVE and _differs(granted, granted_data(row.spec))
    return {
        **granted,
        "decision": "approve_with_changes" if changed else decision.decision,
        "digest": decision.digest,
        "comment": decision.comment,
        "allow": [*decision.allow, *(given.features or [])],
    }


def _differs(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return {**one, "features": sorted(set(one["features"]))} != {**other, "features": sorted(other["features"])}


def _decided(row: Request) -> str:
    return row.message or f"{row.name}: {row.get_phase_display().lower()}."
