"""The form of a change: it begins with what is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from provisioning import lifecycle
from provisioning.config import the_catalog
from provisioning.forms.specifying import SpecForm, data_of
from provisioning.models import Namespace, Request, User
from provisioning.spec import NamespaceSpec, validate

KEPT = "Stays as it is for as long as the namespace lives."
RENEWED = "The lease is no part of a change: it is renewed."
SETTLED = ("team", "name", "lease_days")


class ChangeForm(SpecForm):
    """Change `namespace`, or edit the change `request` of it. Of a renewal only the lease can be edited, of any other
    change everything else."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        user: User,
        namespace: Namespace,
        request: Request | None = None,
    ) -> None:
        self.user = user
        self.namespace = namespace
        self.request = request
        self.is_renewal = request is not None and request.is_renewal
        begin = data_of(request.asked_spec if request else namespace.spec)
        fixed = dict(zip(SETTLED, (KEPT, KEPT, RENEWED), strict=True))
        super().__init__(data, teams=[namespace.team], begin=begin, fixed={} if self.is_renewal else fixed)
        for name in self.fields if self.is_renewal else ():
            if name != "lease_days":
                self.fields[name].disabled = True

    @property
    def usual_lease(self) -> int:
        return self.namespace.spec.lease_days

    def complete(self, spec: NamespaceSpec) -> NamespaceSpec:
        """Name and team are the namespace's: one that was adopted may bear a name that nobody could ask for."""
        now = self.namespace.spec
        return spec.replace(name=now.name, team=now.team)

    def rules(self) -> dict[str, list[str]]:
        found = validate(self.spec, the_catalog())
        fields = (
            {"lease_days"} if self.is_renewal else self.fields.keys() - {"name", "team", "lease_days"} | {"options"}
        )
        return {field: texts for field, texts in found.items() if field in fields}

    def again(self, data: Mapping[str, Any]) -> Self:
        return type(self)(data, user=self.user, namespace=self.namespace, request=self.request)

    def draft(self) -> lifecycle.ChangeDraft:
        """What would be stored if this were sent now. Only for a valid form; raises Invalid as the lifecycle does."""
        return lifecycle.draft_change(
            self.namespace,
            self.spec,
            by=self.request.requester if self.request else self.user,
            renew_days=self.spec.lease_days if self.is_renewal else None,
            request=self.request,
        )

    def carry_out(self, *, instead_of: Request | None = None) -> Request:
        """Ask for it. Only for a valid form; raises Conflict, Forbidden or Invalid as the lifecycle does."""
        return lifecycle.open_change(self.namespace, self.spec, by=self.user, instead_of=instead_of)
