"""Another catalogue applied to what was asked before: which verdicts would have been others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from provisioning import policy
from provisioning.catalog import Catalog
from provisioning.lifecycle.drafting import base_spec
from provisioning.models import Request
from provisioning.policy import Headroom, Verdict
from provisioning.spec import NamespaceSpec

BATCH = 500


@dataclass(frozen=True, slots=True)
class Judged:
    """One request, judged again. `why_not` says what keeps the other catalogue from judging it, "" when nothing."""

    request: Request
    before: Verdict
    after: Verdict | None
    why_not: str = ""

    @property
    def differs(self) -> bool:
        return self.after is not None and self.after.result != self.before.result

    @property
    def other_reasons(self) -> bool:
        """The same result, for other reasons or by another rule."""
        same = self.after is not None and self.after.result == self.before.result
        return same and self.after != self.before


@dataclass(slots=True)
class Simulation:
    """Of all requests so far. `changes` counts pairs of results: (before, after)."""

    total: int = 0
    differing: list[Judged] = field(default_factory=list)
    other_reasons: list[Judged] = field(default_factory=list)
    not_judged: list[Judged] = field(default_factory=list)
    without_room: int = 0  # asked before the room was written down with the request: judged as if there were enough

    @property
    def changes(self) -> Counter[tuple[str, str]]:
        return Counter((item.before.result, item.after.result) for item in self.differing if item.after)


def simulate(catalog: Catalog) -> Simulation:
    """Judge every request once more, by `catalog`, with what was known when it was asked. Reads only; in batches."""
    found = Simulation()
    for request in _requests():
        judged = judge(request, catalog)
        found.total += 1
        found.without_room += not request.facts
        if judged.why_not:
            found.not_judged.append(judged)
        elif judged.differs:
            found.differing.append(judged)
        elif judged.other_reasons:
            found.other_reasons.append(judged)
    return found


def judge(request: Request, catalog: Catalog) -> Judged:
    before = Verdict.from_json(request.verdict)
    spec = request.asked_spec
    missing = [key for key in spec.features if key not in catalog.features]
    if spec.tier not in catalog.tiers:
        return Judged(request, before, None, f"there is no tier {spec.tier} in it")
    if missing:
        return Judged(request, before, None, f"there is no feature {', '.join(missing)} in it")
    return Judged(request, before, policy.decide(_facts(request, spec, catalog), catalog))


def _requests() -> Iterator[Request]:
    rows = Request.objects.select_related("team", "requester").order_by("created_at", "id")
    return rows.iterator(chunk_size=BATCH)


def _facts(request: Request, spec: NamespaceSpec, catalog: Catalog) -> policy.Facts:
    told = request.facts
    if not told:
        return policy.facts(spec, request.kind, Headroom(), catalog, current=base_spec(request))  # type: ignore[arg-type]
    current = NamespaceSpec.from_json(told["current"]) if told["current"] else None
    return policy.facts(
        spec,
        told["kind"],
        policy.headroom_from_json(told["headroom"]),
        catalog,
        current=current,
        requester_roles=tuple(told["roles"]),
        renewals=told["renewals"],
    )
