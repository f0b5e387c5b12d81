"""The form of a request for a namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from provisioning import access, lifecycle
from provisioning.config import the_catalog
from provisioning.forms.specifying import SpecForm, data_of, option_field
from provisioning.models import Request, Team, User
from provisioning.spec import NamespaceSpec

__all__ = ["RequestForm", "data_of", "option_field"]
FIXED = "Stays as it is. To change it, cancel this request and open another."


class RequestForm(SpecForm):
    """Ask for a namespace, or edit `request`.

    `lease_days` left out means the catalogue's default. The requester is always among the admins of `spec`.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        user: User,
        request: Request | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.user = user
        self.request = request
        self.requester = request.requester if request else user
        teams = [request.team] if request else access.teams_led_by(user)
        begin = data_of(request.asked_spec, without=self.requester) if request else _beginning(teams)
        fixed = dict.fromkeys(("team", "name"), FIXED) if request else {}
        super().__init__(data, teams=teams, begin={**begin, **(initial or {})}, fixed=fixed)

    def complete(self, spec: NamespaceSpec) -> NamespaceSpec:
        return lifecycle.with_requester(spec, self.requester)

    def rules(self) -> dict[str, list[str]]:
        return lifecycle.problems(self.spec, without=self.request)

    def again(self, data: Mapping[str, Any]) -> Self:
        return type(self)(data, user=self.user, request=self.request)

    def draft(self) -> lifecycle.Draft:
        """What would be stored if this were sent now. Only for a valid form."""
        return lifecycle.draft(
            self.spec, team=self.teams[self.spec.team], requester=self.requester, request=self.request
        )


def _beginning(teams: Sequence[Team]) -> dict[str, Any]:
    """What most people ask for: they change what differs."""
    catalog = the_catalog()
    return {
        "team": teams[0].name if teams else "",
        "tier": next(iter(catalog.tiers)),
        "features": list(catalog.default_features()),
        "lease_days": catalog.lease.default_days,
    }
