"""What the page of a namespace shows of its life: what can be done, its lease, and how it stands in the cluster."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from dataclasses import dataclass

from django.utils import timezone

from provisioning import access, lifecycle, policy
from provisioning.config import the_catalog
from provisioning.inventory import Inventory
from provisioning.lease import LeaseStep
from provisioning.lease_view import LeaseView, lease_view
from provisioning.lifecycle.drafting import facts_of
from provisioning.lifecycle.returning import PORTAL
from provisioning.models import UNDECIDED, Kind, Namespace, User
from provisioning.pages.life.guard import Standing, standing
from provisioning.pages.life.looks import LookView, look_of
from provisioning.spec import validate

# What a renewal has to add, to be worth it.
LEAST = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Offer:
    """A renewal for `days` from now: to when, and what the policy says to it. `why_not`: why it is no use."""

    days: int
    end: dt.datetime
    verdict: policy.Verdict
    at_once: bool
    why_not: str


@dataclass
class LifeView:
    row: Namespace
    user: User

    @functools.cached_property
    def may_steer(self) -> bool:
        return access.may_steer(self.user, self.row)

    @functools.cached_property
    def standing(self) -> Standing:
        return standing(self.row)

    @functools.cached_property
    def look(self) -> LookView:
        return look_of(self.row, self.user)

    @property
    def inside(self) -> str:
        """What the last look saw in it, in words."""
        last = self.look.last
        return Inventory.from_json(last.inventory).words if last and last.inventory else ""

    @property
    def why_not_check(self) -> str:
        return self.look.why_not

    @property
    def why_not_repair(self) -> str:
        """Why no repair can be asked for; "" when one can."""
        if self.look.is_gone:
            return "There is nothing to repair: the cluster does not have it. Give it back, and ask for it anew."
        return self.standing.why_not

    # ── the lease ──

    @functools.cached_property
    def lease(self) -> LeaseView | None:
        return lease_view(self.row, timezone.now())

    @property
    def next_step(self) -> LeaseStep | None:
        return lifecycle.next_lease_step(self.row, timezone.now())

    @property
    def why_not_renew(self) -> str:
        """A deletion stands against a renewal, but not that which the portal asks for as the lease is over."""
        against = self.standing.against
        if against is None or against.kind != Kind.DELETE:
            return ""
        by_the_portal = against.phase in UNDECIDED and against.requester.username == PORTAL
        return "" if by_the_portal else self.standing.why_not

    @functools.cached_property
    def offer(self) -> Offer | None:
        """The same lease once more; None for those who can't renew."""
        return self.offer_of(self.row.spec.lease_days) if self.may_steer else None

    @property
    def offers(self) -> list[Offer]:
        """For every length that there is to choose from; the facts are gathered once."""
        days = sorted({*the_catalog().lease.choices, self.row.spec.lease_days})
        return [offer for number in days if (offer := self.offer_of(number))]

    @functools.cached_property
    def _facts(self) -> policy.Facts | None:
        """None for a namespace that the catalogue would not grant as it is: a tier or a feature is gone from it."""
        spec = self.row.spec
        faults = validate(spec, the_catalog()).keys() - {"name", "team", "lease_days"}
        return None if faults else facts_of(spec, "renew", self.row.team, self.user, namespace=self.row)

    def offer_of(self, days: int) -> Offer | None:
        if self._facts is None:
            return None
        end = timezone.now() + dt.timedelta(days=days)
        facts = dataclasses.replace(self._facts, spec=self._facts.spec.replace(lease_days=days))
        verdict = policy.decide(facts, the_catalog())
        at_once = verdict.is_auto and not lifecycle.writes_lease_end(self.row.spec)
        why_not = "" if end >= self.row.lease_ends_at + LEAST else "The lease runs as long already."
        return Offer(days, end, verdict, at_once, verdict.sentence if verdict.result == "refuse" else why_not)


def life_of(row: Namespace, user: User) -> LifeView:
    """For the page of the namespace `row`, with its team at hand."""
    return LifeView(row, user)
