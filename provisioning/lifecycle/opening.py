"""Writing a request, new or edited, of whatever kind: refused if the policy says so, stored, and heard by the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning import audit, policy
from provisioning.config import the_catalog
from provisioning.lifecycle import deciding
from provisioning.lifecycle.drafting import live_request
from provisioning.lifecycle.errors import Conflict, Invalid
from provisioning.lifecycle.options import Options
from provisioning.lifecycle.transition import move
from provisioning.manifests import Rendered
from provisioning.models import UNDECIDED, Namespace, NamespaceStatus, Phase, Request, Team
from provisioning.policy import Facts, Verdict
from provisioning.spec import NamespaceSpec

BUSY = "There is an open request about this namespace: wait for its end, or take it back."


def lock_team(team_id: int) -> Team:
    """Two requests at once can't both take the last of a team's allowance."""
    return Team.objects.select_for_update().get(pk=team_id)


def lock_namespace(namespace: Namespace) -> Namespace:
    """The row as it is, held to the end of the transaction. Raises Conflict when it is gone or going."""
    held = Namespace.objects.select_for_update().select_related("team").get(pk=namespace.pk)
    if held.status in {NamespaceStatus.DELETED, NamespaceStatus.DELETING}:
        gone = "was deleted" if held.status == NamespaceStatus.DELETED else "is being deleted"
        raise Conflict(f"{held.name} {gone}.", newest_request(held))
    return held


def newest_request(namespace: Namespace) -> Request:
    """The last that anybody asked about it; without one, that which made it."""
    newest = Request.objects.filter(namespace=namespace).first()
    return newest or namespace.current_revision.request


def refuse_if_busy(name: str) -> None:
    """Raises Conflict with the open request about this name."""
    if (live := live_request(name)) is not None:
        raise Conflict(BUSY, live)


def columns(
    spec: NamespaceSpec, verdict: Verdict, facts: Facts, options: Options, *, parameters: dict[str, str], digest: str
) -> dict[str, Any]:
    """What is judged and shown, as columns. Raises Invalid when the policy refuses it."""
    if verdict.result == "refuse":
        raise Invalid({"__all__": [verdict.sentence]})
    return {
        "tier": spec.tier,
        "asked": spec.to_json(),
        "granted": spec.to_json(),
        "rendered": parameters,
        "digest": digest,
        "verdict": verdict.to_json(),
        "facts": policy.facts_json(facts),
        "options": options.to_json(),
        "catalog_version": the_catalog().version,
    }


class Judged(Protocol):
    """What the drafts of all kinds that render objects have in common."""

    @property
    def spec(self) -> NamespaceSpec: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def facts(self) -> Facts: ...
    @property
    def rendered(self) -> Rendered: ...


def columns_of(made: Judged, options: Options) -> dict[str, Any]:
    """As `columns`, of a draft."""
    rendered = made.rendered
    return columns(
        made.spec, made.verdict, made.facts, options, parameters=dict(rendered.parameters), digest=rendered.digest
    )


def insert(request: Request, values: dict[str, Any], *, by: audit.Actor, note: str = "") -> None:
    """A new request, its event, and the rule's decision where there is one; inside the caller's transaction."""
    for name, value in values.items():
        setattr(request, name, value)
    request.save(force_insert=True)
    audit.record("request.opened", by=by, request=request, after=facts(request), note=note)
    deciding.apply_policy(request)


def replace(request: Request, values: dict[str, Any], *, by: audit.Actor, revision: int) -> None:
    """As `insert`, for an edit of `revision`. Raises Conflict when that is no longer the newest."""
    before = facts(request)
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
        **values,
    )
    audit.record("request.resubmitted", by=by, request=request, before=before, after=facts(request))
    deciding.apply_policy(request)


def at_once(name: str, write: Callable[[], Request]) -> Request:
    """`write` in one transaction. That somebody else was first, by a moment, is a Conflict as well."""
    try:
        with transaction.atomic():
            return write()
    except IntegrityError as error:
        if (live := live_request(name)) is None:
            raise
        raise Conflict(BUSY, live) from error


def facts(request: Request) -> dict[str, Any]:
    """For the trail."""
    found = {"phase": request.phase, "revision": request.revision, "digest": request.digest, "asked": request.asked}
    told = {key: value for key, value in request.options.items() if key not in {"inventory", "findings"}}
    return {**found, "kind": request.kind, "options": told} if told else found
