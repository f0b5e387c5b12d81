"""What is in a namespace, as an audit run found it: what deleting would take along, and what is in use. Pure.

The run's output `inventory` has a line per object, tab-separated: kind, name, created, and six facts (see `FACTS`);
`more` and how many objects over a thousand were left out; `used` and `hard` of the quota, as JSON; at last `end` and
how many lines are before it, which proves that nothing was lost. Secrets are not read, not even their names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Self

from provisioning.catalog.quantities import format_bytes, parse_quantity

# Columns after kind, name and creation: empty where a kind has no such field.
FACTS = ("replicas", "service_type", "storage", "phase", "addresses", "hosts")
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job")
# In the order in which they are told.
KINDS = (*WORKLOADS, "Pod", "PersistentVolumeClaim", "Service", "Ingress")
_WORDS = {
    "Deployment": ("deployment", "deployments"),
    "StatefulSet": ("stateful set", "stateful sets"),
    "DaemonSet": ("daemon set", "daemon sets"),
    "CronJob": ("cron job", "cron jobs"),
    "Job": ("job", "jobs"),
    "Pod": ("pod", "pods"),
    "PersistentVolumeClaim": ("volume", "volumes"),
    "Service": ("service", "services"),
    "Ingress": ("ingress", "ingresses"),
}
_COLUMNS = 3 + len(FACTS)
_TOLD_BESIDES = frozenset({"used", "hard", "more"})


@dataclass(frozen=True, slots=True)
class Item:
    kind: str
    name: str
    created: str  # RFC 3339
    replicas: str = ""
    service_type: str = ""
    storage: str = ""  # what a claim asks for
    phase: str = ""
    addresses: str = ""  # of a load balancer, blank-separated
    hosts: str = ""  # of an ingress, blank-separated

    @property
    def is_load_balancer(self) -> bool:
        return self.kind == "Service" and self.service_type == "LoadBalancer"


@dataclass(frozen=True, slots=True)
class Quota:
    """One line of the quota. Amounts as the cluster writes them."""

    resource: str
    used: str
    hard: str

    @property
    def share(self) -> float | None:
        """Of 1; None where nothing is allowed."""
        allowed = parse_quantity(self.hard) if self.hard else Decimal(0)
        return float(parse_quantity(self.used or "0") / allowed) if allowed else None


@dataclass(frozen=True, slots=True)
class Inventory:
    items: tuple[Item, ...]
    quota: tuple[Quota, ...]
    taken_at: str = ""  # RFC 3339, when the check ended; "" before it is known
    more: int = 0  # objects that are there, but not among the items

    @property
    def is_empty(self) -> bool:
        """Nothing in it that a deletion without force would stop for."""
        return not self.items

    @property
    def totals(self) -> dict[str, int]:
        """Kind -> how many, in the order of KINDS, those that are there."""
        counts = {kind: sum(item.kind == kind for item in self.items) for kind in KINDS}
        return {kind: count for kind, count in counts.items() if count}

    @property
    def storage_bytes(self) -> int:
        return sum(int(parse_quantity(item.storage)) for item in self.items if item.storage)

    @property
    def load_balancers(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.is_load_balancer)

    @property
    def newest(self) -> str:
        """When the youngest object was made; "" without any."""
        return max((item.created for item in self.items), default="")

    def of(self, kind: str) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.kind == kind)

    def used(self, resource: str) -> Decimal | None:
        """What the quota counts of `resource`; None when it does not count it."""
        line = next((line for line in self.quota if line.resource == resource), None)
        return parse_quantity(line.used) if line and line.used else None

    @property
    def words(self) -> str:
        """“2 deployments, 3 pods, 1 volume (5Gi), 2 services (1 load balancer)”, or “nothing”."""
        told = [self._told(kind, count) for kind, count in self.totals.items()]
        return ", ".join([*told, *([f"{self.more} more"] if self.more else [])]) or "nothing"

    def _told(self, kind: str, count: int) -> str:
        text = f"{count} {_WORDS[kind][count != 1]}"
        balancers = len(self.load_balancers)
        if kind == "PersistentVolumeClaim":
            return f"{text} ({format_bytes(self.storage_bytes)})"
        if kind == "Service" and balancers:
            return f"{text} ({balancers} load balancer{'s' if balancers != 1 else ''})"
        return text

    def to_json(self) -> dict[str, Any]:
        return {
            "items": [asdict(item) for item in self.items],
            "quota": [asdict(line) for line in self.quota],
            "taken_at": self.taken_at,
            "more": self.more,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError or TypeError for data that `to_json` did not make."""
        return cls(
            tuple(Item(**item) for item in data["items"]),
            tuple(Quota(**line) for line in data["quota"]),
            str(data["taken_at"]),
            int(data["more"]),
        )


def parse(text: str, taken_at: str = "") -> Inventory | None:
    """The audit run's output `inventory`; None when there is none, as the namespace does not exist.

    Raises ValueError when a line has not its columns, or the last one does not count what is before it.
    """
    lines = [line for line in text.splitlines() if line]
    if not lines:
        return None
    *rows, last = [line.split("\t") for line in lines]
    if last[:1] != ["end"] or last[1:] != [str(len(rows))]:
        raise ValueError("the inventory was cut off")
    told = {row[0]: json.loads(row[1] or "{}") for row in rows if row[0] in _TOLD_BESIDES}
    items = [_item(row) for row in rows if row[0] not in _TOLD_BESIDES]
    quota = _quota(told.get("used", {}), told.get("hard", {}))
    return Inventory(_sorted(items), quota, taken_at, told.get("more", 0))


def _item(row: list[str]) -> Item:
    if len(row) != _COLUMNS or row[0] not in KINDS:
        raise ValueError(f"“{row[0]}” is no line of an inventory")
    item = Item(**dict(zip((field.name for field in fields(Item)), row, strict=True)))
    if item.storage:
        parse_quantity(item.storage)
    return item


def _sorted(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (KINDS.index(item.kind), item.name)))


def _quota(used: Mapping[str, str], hard: Mapping[str, str]) -> tuple[Quota, ...]:
    return tuple(Quota(key, str(used.get(key, "")), str(hard.get(key, ""))) for key in sorted({*used, *hard}))
