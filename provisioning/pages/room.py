"""A team's room, ready to be drawn: what is held, what a request adds, what may be held."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.catalog import Tier
from provisioning.policy import Headroom

WORDS = (("cpu", "CPU", ""), ("memory", "Memory", "memory"), ("pods", "Pods", ""), ("namespaces", "Namespaces", ""))


@dataclass(frozen=True, slots=True)
class Room:
    """One line of it; `unit` is as the template tag `usage` takes it. `after` is what is left then."""

    label: str
    used: float
    limit: float
    more: float
    unit: str

    @property
    def after(self) -> float:
        return max(self.limit - self.used - self.more, 0)

    @property
    def words(self) -> str:
        return self.label if self.label.isupper() else self.label.lower()

    @property
    def is_over(self) -> bool:
        return self.used + self.more > self.limit


def rooms(headroom: Headroom, tier: Tier | None = None, replacing: Tier | None = None) -> list[Room]:
    """A line for each limit that there is; `tier` is what is asked, `replacing` what it takes the place of."""
    then = headroom.after(tier, replacing) if tier else headroom
    lines = []
    for key, label, unit in WORDS:
        limit = getattr(headroom, f"{key}_limit")
        used, later = (float(getattr(at, f"{key}_used")) for at in (headroom, then))
        if limit is not None:
            lines.append(Room(label, used, float(limit), later - used, unit))
    return lines
