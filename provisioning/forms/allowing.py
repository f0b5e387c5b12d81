"""The form of what a team may hold, set by platform admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import transaction

from provisioning import audit
from provisioning.forms.fields import TextField
from provisioning.models import Team, User

# Column -> label, and what it counts.
LIMITS = {
    "max_namespaces": ("Namespaces", "That exist, and that are on their way."),
    "max_cpu": ("CPU cores", "Over all of the team's namespaces together, by the limits of their tiers."),
    "max_memory_gib": ("Memory in GiB", "Over all of the team's namespaces together."),
    "max_pods": ("Pods", "Over all of the team's namespaces together."),
}
MOST = 1_000_000
MAX_NOTE = 500


class OutdatedError(Exception):
    """Somebody else set it since the form was drawn; nothing was written. `team` is as it now is."""

    def __init__(self, team: Team) -> None:
        super().__init__(f"Somebody else changed what {team.name} may hold since you opened this page.")
        self.team = team


class AllowanceForm(forms.Form):
    """Set the four limits of `team`. `was` is what they were when the form was drawn: `limits_text`."""

    max_namespaces = forms.IntegerField(min_value=0, max_value=MOST)
    max_cpu = forms.IntegerField(min_value=0, max_value=MOST)
    max_memory_gib = forms.IntegerField(min_value=0, max_value=MOST)
    max_pods = forms.IntegerField(min_value=1, max_value=MOST)
    note = TextField(required=False, max_length=MAX_NOTE, label="Why")
    was = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, *, team: Team) -> None:
        self.team = team
        super().__init__(data, initial={**limits_of(team), "was": limits_text(team)}, auto_id="id_%s")
        for name, (label, text) in LIMITS.items():
            self.fields[name].label, self.fields[name].help_text = label, text
            self.fields[name].widget.attrs["class"] = "input num"
        self.fields["note"].help_text = "Kept in the audit trail."
        self.fields["note"].widget.attrs |= {"class": "textarea", "rows": 2, "maxlength": MAX_NOTE}

    def carry_out(self, *, by: User) -> bool:
        """Set them; False when they are so already. Only for a valid form. Raises OutdatedError."""
        new = {name: self.cleaned_data[name] for name in LIMITS}
        with transaction.atomic():
            team = Team.objects.select_for_update().get(pk=self.team.pk)
            if self.cleaned_data["was"] != limits_text(team):
                raise OutdatedError(team)
            before = limits_of(team)
            if new == before:
                return False
            Team.objects.filter(pk=team.pk).update(**new)
            note = self.cleaned_data["note"]
            audit.record("team.allowance-set", by=by, subject=team.name, before=before, after=new, note=note)
        return True


def limits_of(team: Team) -> dict[str, int]:
    return {name: getattr(team, name) for name in LIMITS}


def limits_text(team: Team) -> str:
    """All four in one text, by which a form knows whether somebody else was quicker."""
    return "-".join(str(value) for value in limits_of(team).values())
