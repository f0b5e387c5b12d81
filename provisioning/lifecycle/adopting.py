"""Taking over a namespace that the portal did not make. It begins with a check of it, which says what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError

from provisioning import access, adoption, drift, manifests, policy
from provisioning.config import the_catalog
from provisioning.lifecycle import opening
from provisioning.lifecycle.drafting import facts_of, live_request, render_for, with_requester
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid
from provisioning.lifecycle.options import Options
from provisioning.models import Check, CheckState, Kind, Namespace, Request, Team, User
from provisioning.spec import NamespaceSpec, validate


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionDraft:
    """An adoption as it would be asked now."""

    spec: NamespaceSpec
    verdict: policy.Verdict
    headroom: policy.Headroom
    rendered: manifests.Rendered
    facts: policy.Facts
    options: Options
    findings: tuple[drift.Finding, ...]  # what of the cluster would change, and what is foreign there and stays


def proposal(check: Check) -> adoption.Proposal:
    """A specification to begin with, from what a check found. Raises Invalid as `draft_adoption`."""
    live = _live(check)
    catalog = the_catalog()
    teams = list(Team.objects.values_list("name", flat=True))
    try:
        return adoption.propose(live, catalog, teams, catalog.lease.default_days)
    except ValueError as error:
        raise Invalid({"name": [str(error)]}) from error


def draft_adoption(check: Check, spec: NamespaceSpec, *, by: User, request: Request | None = None) -> AdoptionDraft:
    """What `open_adoption` would store. `request` is one that is being edited. Raises Invalid (field -> sentences),
    also when there is nothing to adopt, or Conflict with another request that is open."""
    live = _live(check, without=request)
    if request is not None:
        return _drafted(request, spec, live, request.requester)
    made = Request(kind=Kind.ADOPT, name=check.name, team=_team(spec), requester=by)
    made.options = _options(live).to_json()
    return _drafted(made, spec, live, by)


def open_adoption(check: Check, spec: NamespaceSpec, *, by: User) -> Request:
    """Ask to take over the namespace that `check` looked at, as `spec`.

    A namespace that the platform manages stays under the request id that it bears. Any other becomes this request's,
    and its run needs the cluster's consent: `consent_command`. Nothing in it is deleted or restarted. Raises
    Forbidden, Invalid, or Conflict with the request that is open.
    """
    if not access.may_adopt(by):
        raise Forbidden("Only platform admins can ask to take over a namespace.")
    live = _live(check)
    team = _team(spec)

    def write() -> Request:
        opening.lock_team(team.pk)
        opening.refuse_if_busy(check.name)
        request = Request(kind=Kind.ADOPT, name=check.name, team=team, requester=by)
        request.options = _options(live).to_json()
        made = _drafted(request, spec, live, by)
        opening.insert(request, opening.columns_of(made, made.options), by=by)
        return request

    try:
        return opening.at_once(check.name, write)
    except IntegrityError as error:
        raise Invalid({"name": ["The namespace is known here already."]}) from error


def judged_again(request: Request, spec: NamespaceSpec) -> dict[str, Any]:
    """An edit of an adoption, as columns. What would change is told by the newest check of it."""
    check = Check.objects.done().filter(name=request.name, live__isnull=False).first()
    if check is None:
        raise Conflict("Nobody knows what is in it any more: check it again.", request)
    opening.lock_team(request.team_id)
    made = _drafted(request, spec, _live(check, without=request), request.requester)
    return opening.columns_of(made, made.options) | {"options": Options.of(request).edited(made.options).to_json()}


def needs_consent(request: Request) -> bool:
    """Whether a cluster administrator has to agree: a namespace that the platform manages needs none."""
    return request.kind == Kind.ADOPT and not Options.of(request).owner_request_id


def consent_command(request: Request) -> str:
    """What a cluster administrator runs, once, before or after the approval; "" when nothing is needed."""
    return adoption.command(request.name, str(request.pk)) if needs_consent(request) else ""


def findings_of(request: Request) -> list[drift.Finding]:
    """What adopting would change in the cluster, as it was when asked."""
    return [drift.Finding.from_json(item) for item in Options.of(request).findings]


def _team(spec: NamespaceSpec) -> Team:
    team = Team.objects.filter(name=spec.team).first()
    if team is None:
        raise Invalid({"team": ["Choose a team."]})
    return team


def _live(check: Check, without: Request | None = None) -> dict[str, Any]:
    """What the check found. Raises Invalid when that is nothing to take over."""
    if check.state != CheckState.FINISHED:
        raise Invalid({"name": ["Look at the namespace first: the check has not ended."]})
    live: dict[str, Any] | None = check.live
    if not live:
        raise Invalid({"name": ["The cluster has no namespace of this name."]})
    if reason := the_catalog().reserved(check.name):
        raise Invalid({"name": [f"This name is reserved: {reason}."]})
    if Namespace.objects.existing().filter(name=check.name).exists():
        raise Invalid({"name": ["The namespace is known here already."]})
    if live["namespace"].get("status", {}).get("phase") == "Terminating":
        raise Invalid({"name": ["The namespace is being deleted."]})
    busy = live_request(check.name)
    if busy is not None and busy != without:
        raise Conflict(opening.BUSY, busy)
    return live


def _options(live: dict[str, Any]) -> Options:
    """Whose it is, and its first words where it has some."""
    try:
        owner = adoption.owner_of(live)
    except ValueError as error:
        raise Invalid({"name": [str(error)]}) from error
    if owner and Namespace.objects.filter(owner_request_id=owner).exists():
        raise Invalid({"name": ["It bears the request id of another namespace that is known here."]})
    metadata = live["namespace"]["metadata"]
    told = (metadata.get("annotations") or {}) if owner else {}
    return Options(
        owner_request_id=owner,
        uid=metadata.get("uid", ""),
        created_at=told.get("platform.io/created-at", ""),
        requested_by=told.get("platform.io/requested-by", ""),
    )


def _drafted(request: Request, spec: NamespaceSpec, live: dict[str, Any], by: User) -> AdoptionDraft:
    if spec.name != request.name:
        raise Invalid({"name": ["A namespace keeps its name."]})
    if access.leads(by, request.team):
        spec = with_requester(spec, by)
    # It has its name already, whatever names of the team look like.
    errors = {field: texts for field, texts in validate(spec, the_catalog()).items() if field != "name"}
    if errors:
        raise Invalid(errors)
    facts = facts_of(spec, "adopt", request.team, by, without=request)
    rendered = render_for(request, spec, by)
    findings = drift.compare(rendered.objects, _as_ours(live, request.owner_request_id))
    options = Options.of(request).replace(findings=[item.to_json() for item in findings])
    return AdoptionDraft(
        spec=spec,
        verdict=policy.decide(facts, the_catalog()),
        headroom=facts.headroom,
        rendered=rendered,
        facts=facts,
        options=options,
        findings=tuple(findings),
    )


def _as_ours(live: dict[str, Any], owner: str) -> dict[str, Any]:
    """What is there, as if it bore the request id that it will get: else that would be all there is to say."""
    metadata = live["namespace"]["metadata"]
    labels = {**(metadata.get("labels") or {}), drift.OWNER: owner}
    return {**live, "namespace": {**live["namespace"], "metadata": {**metadata, "labels": labels}}}
