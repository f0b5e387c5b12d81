"""What a request would be if it were sent now: the form's preview and what opening stores are the same thing."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning import headroom, manifests, policy
from provisioning.config import the_catalog
from provisioning.models import LIVE, Namespace, Request, Team, User
from provisioning.spec import NamespaceSpec, Subject, validate


@dataclass(frozen=True, slots=True)
class Draft:
    """A request as it would be opened now: what the form's preview shows and what opening stores."""

    spec: NamespaceSpec
    verdict: policy.Verdict
    headroom: policy.Headroom
    rendered: manifests.Rendered


def with_requester(spec: NamespaceSpec, requester: User) -> NamespaceSpec:
    """The requester is always among the admins of what they ask for."""
    me = Subject("User", requester.kubernetes_name)
    return spec if me in spec.admins else spec.replace(admins=(me, *spec.admins))


def why_not_free(name: str, *, without: Request | None = None) -> str:
    """Why nobody can ask for this name now, as far as the portal knows; '' when they can."""
    requests = Request.objects.filter(name=name, phase__in=LIVE)
    if without is not None:
        requests = requests.exclude(pk=without.pk)
    if requests.exists():
        return "There is an open request for this name."
    if Namespace.objects.existing().filter(name=name).exists():
        return "A namespace of this name exists."
    return ""


def problems(spec: NamespaceSpec, *, without: Request | None = None) -> dict[str, list[str]]:
    """Field -> sentences: the rules of the catalogue, and whether the name is free. {} when all is well."""
    errors = {field: list(texts) for field, texts in validate(spec, the_catalog()).items()}
    if "name" not in errors and (taken := why_not_free(spec.name, without=without)):
        errors["name"] = [taken]
    return errors


def draft(spec: NamespaceSpec, *, team: Team, requester: User, request: Request | None = None) -> Draft:
    """Verdict, room and objects for a valid spec. `request` when one is being edited: its id and time are kept."""
    catalog = the_catalog()
    spec = with_requester(spec, requester)
    room = headroom.of_team(team, without=request)
    facts = policy.Facts(
        spec=spec, kind="create", environment=catalog.environment_of(spec.name), headroom=room
    )
    rendered = manifests.render(spec, identity_of(request or Request(name=spec.name), requester), catalog)
    return Draft(spec, policy.decide(facts, catalog), room, rendered)


def identity_of(request: Request, requester: User) -> manifests.Identity:
    return manifests.Identity(
        request_id=str(request.pk),
        created_at=request.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        requested_by=requester.username,
    )
