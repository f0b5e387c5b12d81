"""Approving with changes: an approver takes something away from what was asked, never adds."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from provisioning import manifests
from provisioning.config import the_catalog
from provisioning.lifecycle.drafting import base_spec, render_for
from provisioning.lifecycle.errors import Conflict, Invalid
from provisioning.lifecycle.options import Options, renewed
from provisioning.models import Kind, Request
from provisioning.spec import NamespaceSpec, validate


def narrowed(
    asked: NamespaceSpec, granted: NamespaceSpec, current: NamespaceSpec | None = None
) -> dict[str, list[str]]:
    """What in `granted` is not just less than `asked`: field -> sentences.

    `current` is what a change starts from (`base_spec`): nothing of it can be taken away that nobody asked to give up.
    """
    tiers = list(the_catalog().tiers)
    errors: dict[str, list[str]] = {}
    if granted.tier not in tiers or tiers.index(granted.tier) > tiers.index(asked.tier):
        errors["tier"] = ["An approval can lower the tier, not raise it."]
    if not set(granted.features) <= set(asked.features):
        errors["features"] = ["An approval can drop features, not add any."]
    if granted.lease_days > asked.lease_days:
        errors["lease_days"] = ["An approval can shorten the lease, not lengthen it."]
    kept = {
        "tier": asked.tier,
        "features": asked.features,
        "lease_days": asked.lease_days,
        "options": asked.options,
    }
    if granted.replace(**kept) != asked:
        errors["__all__"] = ["Only tier, features and lease can be changed by an approval."]
    return errors or (_below(asked, granted, current) if current else {})


def _below(asked: NamespaceSpec, granted: NamespaceSpec, current: NamespaceSpec) -> dict[str, list[str]]:
    tiers = list(the_catalog().tiers)
    errors: dict[str, list[str]] = {}
    held = [tiers.index(tier) for tier in (asked.tier, current.tier) if tier in tiers]
    if tiers.index(granted.tier) < min(held):
        errors["tier"] = ["This is less than the namespace has now, and nobody asked for that."]
    if not set(asked.features) & set(current.features) <= set(granted.features):
        errors["features"] = ["The namespace has this already, and nobody asked to take it away."]
    return errors


def render_granted(request: Request, granted: NamespaceSpec) -> manifests.Rendered:
    """The objects that approving with these changes would create."""
    return render_for(_with_lease(request, granted), granted, request.requester)


def columns(request: Request, granted: NamespaceSpec, granted_digest: str) -> dict[str, Any]:
    """What an approval with these changes stores. Raises Invalid, or Conflict when the objects have another digest."""
    if request.kind == Kind.DELETE or request.is_repair:
        raise Invalid({"__all__": ["This is approved as it is asked, or not at all."]})
    if errors := _problems(request, granted):
        raise Invalid(errors)
    rendered = render_granted(request, granted)
    if granted_digest and granted_digest != rendered.digest:
        raise Conflict("These are not the objects that were shown: look at them again.", request)
    return {
        "granted": granted.to_json(),
        "tier": granted.tier,
        "rendered": dict(rendered.parameters),
        "digest": rendered.digest,
        "options": _with_lease(request, granted).options,
    }


def _problems(request: Request, granted: NamespaceSpec) -> dict[str, list[str]]:
    current = base_spec(request)
    if errors := narrowed(request.asked_spec, granted, current):
        return errors
    found = validate(granted, the_catalog())
    if request.kind != Kind.CREATE:  # it has its name and its lease already
        found = {key: texts for key, texts in found.items() if key not in {"name", "lease_days"}}
    if not found and current is not None and not request.is_renewal and granted == current:
        return {"__all__": ["Nothing would be left of the change: deny it instead."]}
    return found


def _with_lease(request: Request, granted: NamespaceSpec) -> Request:
    """The request as it would be: the end of a renewal's lease follows its days."""
    if not request.is_renewal:
        return request
    options = renewed(Options.of(request), granted.lease_days, timezone.now())
    return Request(
        pk=request.pk,
        kind=request.kind,
        name=request.name,
        namespace=request.namespace,
        requester=request.requester,
        created_at=request.created_at,
        options=options.to_json(),
    )
