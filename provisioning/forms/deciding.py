"""The form of a decision on a request."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from django import forms

from provisioning import lifecycle, manifests
from provisioning.catalog import Catalog, Feature
from provisioning.config import the_catalog
from provisioning.forms.fields import KeyField, KeysField, TextField
from provisioning.models import Kind, Request, User
from provisioning.spec import NamespaceSpec

APPROVE, APPROVE_WITH_CHANGES = "approve", "approve_with_changes"
REQUEST_CHANGES, DENY = "request_changes", "deny"
ANSWERS = (
    (APPROVE, "Approve"),
    (APPROVE_WITH_CHANGES, "Approve with changes"),
    (REQUEST_CHANGES, "Request changes"),
    (DENY, "Deny"),
)
SAY_WHY = "Say why: the requester reads this."
UNCHANGED = "Nothing is changed: lower the tier, drop a feature or shorten the lease, or use “Approve”."
AS_IT_IS = "This is approved as it is asked, or not at all."
MAX_COMMENT = 2000


class DecisionForm(forms.Form):
    """One of the four answers to the objects with `digest`.

    `approve_with_changes` grants `tier`, `features` and `lease_days` instead of what was asked (`granted_data` gives
    what is granted as things stand); `granted_digest`, if given, must be that of the objects rendered from them.
    `allow` names each feature with a gate that is granted: nobody lets one through by overlooking it.
    After validation `granted` is the spec of an approval with changes, None for the other answers.
    """

    decision = forms.ChoiceField(choices=ANSWERS, error_messages={"required": "Choose an answer."})
    digest = forms.CharField(error_messages={"required": "Say which objects you decide on: their digest."})
    comment = TextField(required=False, max_length=MAX_COMMENT)
    allow = KeysField(required=False)
    tier = KeyField(required=False)
    features = KeysField(required=False)
    lease_days = forms.IntegerField(required=False, label="Lease")
    granted_digest = forms.CharField(required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, request: Request, ids: str = "id") -> None:
        self.catalog: Catalog = the_catalog()
        self.request = request
        self.granted: NamespaceSpec | None = None
        begin = {"digest": request.digest, **granted_data(request.spec)}
        super().__init__(data, initial=begin, auto_id=f"{ids}_%s")
        self.fields["comment"].widget.attrs |= {"class": "textarea", "rows": 3, "maxlength": MAX_COMMENT}

    @functools.cached_property
    def gates(self) -> list[Feature]:
        """The features with a gate that it asks for; those that a change leaves as they are were allowed before."""
        if self.request.kind == Kind.DELETE:
            return []
        known, held = self.catalog.features, lifecycle.base_spec(self.request)
        gated = [known[key] for key in self.request.spec.features if key in known and known[key].gate]
        return [feature for feature in gated if not (held and _holds(held, feature, self.request.spec))]

    @property
    def may_narrow(self) -> bool:
        """A deletion and a repair are approved as they are asked, or not at all."""
        return self.request.kind != Kind.DELETE and not self.request.is_repair

    def clean(self) -> dict[str, Any]:
        answer = self.cleaned_data.get("decision", "")
        if answer == REQUEST_CHANGES and not self.may_narrow:
            self.add_error(None, AS_IT_IS)
        if answer in {REQUEST_CHANGES, DENY}:
            if not self.cleaned_data.get("comment") and "comment" not in self.errors:
                self.add_error("comment", SAY_WHY)
        elif answer == APPROVE_WITH_CHANGES:
            self._clean_granted()
            self._check_gates(self.granted or self.request.spec)
        elif answer == APPROVE:
            self._check_gates(self.request.spec)
        return self.cleaned_data

    def _clean_granted(self) -> None:
        if not self.may_narrow:
            self.add_error(None, AS_IT_IS)
            return
        asked = self.request.asked_spec
        given = self.cleaned_data
        features = tuple(given.get("features", ()))
        chosen = [self.catalog.features[key] for key in features if key in self.catalog.features]
        kept = {item.key for feature in chosen for item in feature.fields}
        granted = asked.replace(
            tier=given.get("tier", ""),
            features=features,
            lease_days=given.get("lease_days") or asked.lease_days,
            options={key: value for key, value in asked.options.items() if key in kept},
        )
        for field, texts in lifecycle.narrowed(asked, granted, lifecycle.base_spec(self.request)).items():
            self.add_error(field if field in self.fields else None, texts)
        if granted == self.request.spec and not self.errors:
            self.add_error(None, UNCHANGED)
        self.granted = granted if not self.errors else None

    def _check_gates(self, spec: NamespaceSpec) -> None:
        allowed = self.cleaned_data.get("allow", ())
        for feature in self.gates:
            if feature.key in spec.features and feature.key not in allowed:
                self.add_error("allow", f"Tick {feature.title} to allow it, or grant the request without it.")

    def rendered(self) -> manifests.Rendered | None:
        """The objects that an approval with changes would create; None for the other answers."""
        return lifecycle.render_granted(self.request, self.granted) if self.granted else None

    def carry_out(self, *, by: User) -> Request:
        """Take the decision. Only for a valid form; raises Conflict, Forbidden or Invalid as the lifecycle does."""
        given = self.cleaned_data
        bound = {"by": by, "digest": given["digest"], "comment": given["comment"]}
        if given["decision"] == DENY:
            return lifecycle.deny(self.request, **bound)
        if given["decision"] == REQUEST_CHANGES:
            return lifecycle.request_changes(self.request, **bound)
        return lifecycle.approve(self.request, **bound, granted=self.granted, granted_digest=given["granted_digest"])

    def take(self, error: lifecycle.Invalid) -> None:
        """Show what the lifecycle refused, each thing at its field."""
        for field, texts in error.errors.items():
            self.add_error(field if field in self.fields else None, texts)


def _holds(held: NamespaceSpec, feature: Feature, spec: NamespaceSpec) -> bool:
    """Does the namespace have it already, with the same values in its fields?"""
    return feature.key in held.features and feature.values(held.options) == feature.values(spec.options)


def granted_data(spec: NamespaceSpec) -> dict[str, Any]:
    """What an approval grants, as the form names it; an API lays its `granted` over this."""
    return {"tier": spec.tier, "features": list(spec.features), "lease_days": spec.lease_days}
