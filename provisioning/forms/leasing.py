"""The form of a renewal: for how many days from now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from provisioning import lifecycle
from provisioning.config import the_catalog
from provisioning.models import Namespace, Request, User


class RenewForm(forms.Form):
    """Renew the lease of `namespace` for `lease_days` from now; left out: for as long as it was granted last."""

    lease_days = forms.IntegerField(required=False, label="Lease")

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: User, namespace: Namespace) -> None:
        self.user = user
        self.namespace = namespace
        super().__init__(data, initial={"lease_days": namespace.spec.lease_days}, auto_id="id_%s")

    def clean_lease_days(self) -> int:
        days = self.cleaned_data["lease_days"]
        if days is None:
            return self.namespace.spec.lease_days
        longest = the_catalog().lease.max_days
        if not 1 <= days <= longest:
            raise forms.ValidationError(f"A lease runs from 1 to {longest} days.")
        return int(days)

    def carry_out(self) -> Request | None:
        """None: renewed at once; else the request that asks for it. Raises as the lifecycle does."""
        return lifecycle.renew(self.namespace, self.cleaned_data["lease_days"], by=self.user)

    def take(self, error: lifecycle.Invalid) -> None:
        """Show what the lifecycle refused, each thing at its field."""
        for field, texts in error.errors.items():
            self.add_error(field if field in self.fields else None, texts)
