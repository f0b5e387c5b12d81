"""Opening, editing and taking back a request: what the requester does."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning import access, audit
from provisioning.config import the_catalog
from provisioning.lifecycle import deciding
from provisioning.lifecycle.drafting import Draft, draft, problems, with_requester
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid
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
            _store(request, spec, by)
            audit.record("request.opened", by=by, request=request, after=_facts(request))
            deciding.apply_policy(request)
    except IntegrityError as error:
        raise Invalid({"name": ["Somebody else asked for this name a moment ago."]}) from error
    return request


def resubmit(request: Request, spec: NamespaceSpec, *, by: User, revision: int) -> Request:
    """Send it again, edited. `revision` is the one that was edited: Conflict when there is a newer one."""
    if not access.may_edit(by, request):
        raise (
            Conflict("This request can't be changed now.", request)
            if access.is_party(by, request)
            else Forbidden("Only the requester and the team's leads can change a request.")
        )
    if (spec.name, spec.team) != (request.name, request.team.name):
        raise Invalid({"name": ["Name and team stay as they are: take this request back and open another."]})
    with transaction.atomic():
        before = _facts(request)
        _store(request, spec, request.requester, revision=revision)
        audit.record("request.resubmitted", by=by, request=request, before=before, after=_facts(request))
        deciding.apply_policy(request)
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
    team = Team.objects.filter(
        name=spec.team, memberships__user=by, memberships__role=Membership.Role.LEAD
    ).first()
    if team is None:
        raise Invalid({"team": ["Choose a team that you lead."]})
    return team


def _store(request: Request, spec: NamespaceSpec, requester: User, revision: int | None = None) -> None:
    """Validate, judge, render and write; all inside the caller's transaction, so that room and name are what they
    were when judged. The team's row is locked: two requests at once can't both take the last of its allowance."""
    team = Team.objects.select_for_update().get(pk=request.team_id)
    existing = request if revision is not None else None
    if errors := problems(with_requester(spec, requester), without=existing):
        raise Invalid(errors)
    made = draft(spec, team=team, requester=requester, request=request)
    if made.verdict.result == "refuse":
        raise Invalid({"__all__": [made.verdict.sentence]})
    columns = _columns(made)
    if revision is None:
        for name, value in columns.items():
            setattr(request, name, value)
        request.save(force_insert=True)
        return
    move(
        request,
        Phase.PENDING,
        expected=[*UNDECIDED, Phase.FAILED],
        where={"revision": revision},
        revision=revision + 1,
        waiting_since=timezone.now(),
        decided_at=None,
        finished_at=None,
        message="",
        cancel_requested_at=None,
        **columns,
    )


def _columns(made: Draft) -> dict[str, Any]:
    return {
        "tier": made.spec.tier,
        "asked": made.spec.to_json(),
        "granted": made.spec.to_json(),
        "rendered": dict(made.rendered.parameters),
        "digest": made.rendered.digest,
        "verdict": made.verdict.to_json(),
        "catalog_version": the_catalog().version,
    }


def _facts(request: Request) -> dict[str, Any]:
    return {
        "phase": request.phase,
        "revision": request.revision,
        "digest": request.digest,
        "asked": request.asked,
    }
