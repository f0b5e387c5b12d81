"""What a request would be if it were sent now: the form's preview and what opening stores are the same thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from provisioning import access, headroom, manifests, policy
from provisioning.config import the_catalog
from provisioning.lifecycle.options import Options, lease_end, rfc3339
from provisioning.models import LIVE, Kind, Namespace, NamespaceRevision, Request, Team, User
from provisioning.spec import NamespaceSpec, Subject, validate


@dataclass(frozen=True, slots=True)
class Draft:
    """A request as it would be opened now: what the form's preview shows and what opening stores."""

    spec: NamespaceSpec
    verdict: policy.Verdict
    headroom: policy.Headroom
    rendered: manifests.Rendered
    facts: policy.Facts


def with_requester(spec: NamespaceSpec, requester: User) -> NamespaceSpec:
    """The requester is always among the admins of what they ask for."""
    me = Subject("User", requester.kubernetes_name)
    return spec if me in spec.admins else spec.replace(admins=(me, *spec.admins))


def live_request(name: str) -> Request | None:
    """The open request about this name, of which there is one at most."""
    return Request.objects.live().filter(name=name).first()


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
    spec = with_requester(spec, requester)
    rendered = render_for(request or Request(name=spec.name), spec, requester)
    facts = facts_of(spec, "create", team, requester, without=request)
    return Draft(spec, policy.decide(facts, the_catalog()), facts.headroom, rendered, facts)


def facts_of(
    spec: NamespaceSpec,
    kind: policy.Kind,
    team: Team,
    requester: User,
    *,
    namespace: Namespace | None = None,
    without: Request | None = None,
) -> policy.Facts:
    """What the policy is told. `namespace` is the one that exists already."""
    return policy.facts(
        spec,
        kind,
        headroom.of_team(team, without=without),
        the_catalog(),
        current=namespace.spec if namespace else None,
        requester_roles=access.roles(requester, team),
        renewals=namespace.renewals if namespace else 0,
    )


def render_for(request: Request, spec: NamespaceSpec, requester: User) -> manifests.Rendered:
    """The objects of `spec`, with the identity that `request` gives. Raises KeyError for what the catalogue lacks."""
    return manifests.render(spec, identity_of(request, requester), the_catalog())


def identity_of(request: Request, requester: User) -> manifests.Identity:
    """A namespace stays whose it is: a change bears the id and the first words of the request that made it."""
    options = Options.of(request)
    if request.kind == Kind.CHANGE and request.namespace is not None:
        return identity_of_namespace(request.namespace, options)
    if request.kind == Kind.ADOPT:
        return manifests.Identity(
            request_id=request.owner_request_id,
            created_at=options.created_at or rfc3339(request.created_at),
            requested_by=options.requested_by or requester.username,
        )
    return manifests.Identity(str(request.pk), rfc3339(request.created_at), requester.username)


def identity_of_namespace(namespace: Namespace, options: Options) -> manifests.Identity:
    """As its objects in force say."""
    first = manifests.objects_of(namespace.current_revision.rendered)[0]["metadata"]["annotations"]
    return manifests.Identity(
        request_id=str(namespace.owner_request_id),
        created_at=first["platform.io/created-at"],
        requested_by=first["platform.io/requested-by"],
        expires_at=rfc3339(lease_end(options) or namespace.lease_ends_at),
    )


def base_spec(request: Request) -> NamespaceSpec | None:
    """What was in force when a change was asked; None for other kinds."""
    if request.kind != Kind.CHANGE:
        return None
    number = Options.of(request).base
    found = NamespaceRevision.objects.filter(namespace=request.namespace_id, number=number).first()
    return NamespaceSpec.from_json(found.spec_json) if found else None


def stored(parameters: Mapping[str, str]) -> manifests.Rendered:
    """What was rendered once, from the texts in which it is kept."""
    namespace, *lists = (json.loads(parameters[name]) for name in manifests.PARAMETERS)
    return manifests.Rendered(namespace, *(value["items"] for value in lists))
