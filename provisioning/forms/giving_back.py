"""The form by which a namespace is given back: typed name, what was seen in it, and whether all of that may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone

from provisioning import lifecycle
from provisioning.inventory import Inventory
from provisioning.lifecycle.options import rfc3339
from provisioning.models import Check, Namespace, Request, User

LOOK_FIRST = "Look first what is in it: the request is about just that."


def inventory_of(check: Check | None) -> Inventory | None:
    """What a check that is over found inside; nothing, for a namespace that the cluster does not have."""
    if check is None or not check.is_over or check.exists is None:
        return None
    if check.inventory is not None:
        return Inventory.from_json(check.inventory)
    return None if check.exists else Inventory((), (), rfc3339(check.finished_at or timezone.now()))


class GiveBackForm(forms.Form):
    """Ask for the deletion of `namespace`, with what `check` found in it. `seen` is that check's id, as the form was
    drawn with it; a machine that saw no form leaves it out."""

    typed_name = forms.CharField()
    force = forms.BooleanField(required=False)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        user: User,
        namespace: Namespace,
        check: Check | None,
    ) -> None:
        self.user = user
        self.namespace = namespace
        self.check_row = check
        self.inventory = inventory_of(check)
        super().__init__(data, initial={"seen": str(check.pk) if check else ""}, auto_id="id_%s")
        plain = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        self.fields["typed_name"].label = f"Type {namespace.name} to go on"
        self.fields["typed_name"].error_messages["required"] = f"Type {namespace.name}, exactly."
        self.fields["typed_name"].widget.attrs |= {"class": "input mono", "maxlength": 63, **plain}
        self.fields["force"].label = "All of it may be deleted"

    @property
    def is_outdated(self) -> bool:
        """Somebody looked again since the form was drawn. Only for a form that was sent."""
        seen = str(self.data.get("seen") or "")
        return bool(seen) and seen != (str(self.check_row.pk) if self.check_row else "")

    def clean(self) -> dict[str, Any]:
        if self.inventory is None:
            self.add_error(None, LOOK_FIRST)
        return self.cleaned_data

    def carry_out(self, *, instead_of: Request | None = None) -> Request:
        """Ask for it. Only for a valid form; raises Conflict, Forbidden or Invalid as the lifecycle does."""
        if self.inventory is None:
            raise lifecycle.Invalid({"inventory": [LOOK_FIRST]})
        return lifecycle.open_delete(
            self.namespace,
            by=self.user,
            inventory=self.inventory,
            typed_name=self.cleaned_data["typed_name"],
            force=self.cleaned_data["force"],
            instead_of=instead_of,
        )

    def take(self, error: lifecycle.Invalid) -> None:
        """Show what the lifecycle refused, each thing at its field."""
        for field, texts in error.errors.items():
            self.add_error(field if field in self.fields else None, texts)
