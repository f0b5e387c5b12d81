"""Opening, editing and taking back a request: what the requester does."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from provisioning import access, audit
from provisioning.lifecycle import adopting, changing, opening
from provisioning.lifecycle.drafting import draft, problems, with_requester
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid
from provisioning.lifecycle.options import Options
from provisioning.lifecycle.transition import move
from provisioning.models import UNDECIDED, Kind, Membership, Phase, Request, Team, User
from provisioning.spec import NamespaceSpec


def open_request(spec: NamespaceSpec, *, by: User) -> Request:
    """Ask for a new namespace. Raises Forbidden (no lead of that team) or Invalid (field -> sentences).

    A request inside policy comes back Approved, with the rule as its decider.
    """
    team = _team_for(spec, by)
    request = Request(kind=Kind.CREATE, name=spec.name, team=team, requester=by)
    try:
        with transaction.atomic():
            opening.insert(request, _judged(request, spec, by), by=by)
    except IntegrityError as error:
        raise Invalid({"name": ["Somebody else asked for this name a moment ago."]}) from error
    return request


def resubmit(request: Request, spec: NamespaceSpec, *, by: User, revision: int) -> Request:
    """Send it again, edited. `revision` is the one that was edited: Conflict when there is a newer one.

    A deletion and a repair hold nothing to edit: they are taken back and asked for anew.
    """
    if not access.may_edit(by, request):
        raise (
            Conflict("This request can't be changed now.", request)
            if access.is_party(by, request)
            else Forbidden("Only the requester and the team's leads can change a request.")
        )
    if (spec.name, spec.team) != (request.name, request.team.name):
        raise Invalid({"name": ["Name and team stay as they are: take this request back and open another."]})
    with transaction.atomic():
        opening.replace(request, _edited(request, spec), by=by, revision=revision)
    return request


def withdraw(request: Request, *, by: User) -> Request:
    """Take back a request that nobody has approved yet."""
    if not (by.is_platform_admin or access.is_party(by, request)):
        raise Forbidden("Only the requester, the team's leads and platform admins can cancel a request.")
    with transaction.atomic():
        before = request.phase
        move(request, Phase.CANCELLED, expected=UNDECIDED, message=f"Cancelled by {by.display_name}.")
        audit.record(
            "request.cancelled",
            by=by,
            request=request,
            before={"phase": before},
            after={"phase": request.phase},
        )
    return request


def _team_for(spec: NamespaceSpec, by: User) -> Team:
    team = Team.objects.filter(name=spec.team, memberships__user=by, memberships__role=Membership.Role.LEAD).first()
    if team is None:
        raise Invalid({"team": ["Choose a team that you lead."]})
    return team


def _edited(request: Request, spec: NamespaceSpec) -> dict[str, Any]:
    if request.kind == Kind.CHANGE:
        return changing.judged_again(request, spec)
    if request.kind == Kind.ADOPT:
        return adopting.judged_again(request, spec)
    return _judged(request, spec, request.requester, existing=request)


def _judged(
    request: Request, spec: NamespaceSpec, requester: User, *, existing: Request | None = None
) -> dict[str, Any]:
    """Validated, judged and rendered, inside the caller's transaction, so that room and name are what they were when
    judged."""
    team = opening.lock_team(request.team_id)
    if errors := problems(with_requester(spec, requester), without=existing):
        raise Invalid(errors)
    made = draft(spec, team=team, requester=requester, request=request)
    return opening.columns_of(made, Options.of(request))
