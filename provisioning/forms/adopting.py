"""The form by which a namespace is taken over: it begins with what labels and quota suggest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from provisioning import lifecycle
from provisioning.adoption import Proposal
from provisioning.config import the_catalog
from provisioning.forms.specifying import SpecForm, data_of
from provisioning.models import Check, Request, Team, User
from provisioning.spec import NamespaceSpec, validate

KEEPS_ITS_NAME = "A namespace keeps its name."
SAME_TEAM = "Stays as it is. To choose another team, cancel this request and open another."


class AdoptForm(SpecForm):
    """Take over the namespace that `check` looked at, or edit `request`. Raises Invalid or Conflict, as the lifecycle
    does, when there is nothing to take over."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        user: User,
        check: Check,
        request: Request | None = None,
    ) -> None:
        self.user = user
        self.check_row = check
        self.request = request
        self.proposal: Proposal | None = None
        if request is None:
            self.proposal = lifecycle.proposal(check)
            begin = data_of(self.proposal.spec)
        else:
            begin = data_of(request.asked_spec)
        fixed = {"name": KEEPS_ITS_NAME, **({"team": SAME_TEAM} if request else {})}
        teams = [request.team] if request else list(Team.objects.all())
        super().__init__(data, teams=teams, begin=begin, fixed=fixed)
        if request is None:
            self.fields["team"].choices = [("", "Choose a team"), *self.fields["team"].choices]  # type: ignore[attr-defined]
            self.fields["team"].error_messages |= dict.fromkeys(("required", "invalid_choice"), "Choose a team.")

    def rules(self) -> dict[str, list[str]]:
        return {field: texts for field, texts in validate(self.spec, the_catalog()).items() if field != "name"}

    def complete(self, spec: NamespaceSpec) -> NamespaceSpec:
        return spec.replace(name=self.check_row.name)

    def again(self, data: Mapping[str, Any]) -> Self:
        return type(self)(data, user=self.user, check=self.check_row, request=self.request)

    def draft(self) -> lifecycle.AdoptionDraft:
        """What would be stored if this were sent now. Only for a valid form; raises as the lifecycle does."""
        return lifecycle.draft_adoption(self.check_row, self.spec, by=self.user, request=self.request)

    def carry_out(self) -> Request:
        """Ask for it. Only for a valid form; raises Conflict, Forbidden or Invalid as the lifecycle does."""
        return lifecycle.open_adoption(self.check_row, self.spec, by=self.user)
