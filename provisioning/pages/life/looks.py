"""Looks at a namespace in the cluster: the one under way, and what the last found."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from provisioning import access
from provisioning.drift import Finding
from provisioning.inventory import Inventory, Item
from provisioning.models import Check, CheckState, Namespace, User

# A look costs the cluster a pod: nobody needs one more often.
AGAIN_AFTER = dt.timedelta(minutes=1)
LONGEST_VALUE = 300
NAMES_SHOWN = 8
WORDS = {
    "Pod": "Pods",
    "PersistentVolumeClaim": "Volumes",
    "Service": "Services",
    "Ingress": "Ingresses",
    "Deployment": "Deployments",
    "StatefulSet": "Stateful sets",
    "DaemonSet": "Daemon sets",
    "CronJob": "Cron jobs",
    "Job": "Jobs",
}


@dataclass(frozen=True, slots=True)
class FindingTold:
    """A finding with its values as text. `by_repair`: whether a repair puts it right."""

    finding: Finding
    want: str
    have: str

    @property
    def by_repair(self) -> bool:
        return self.finding.kind in {"missing", "changed"} and not self.finding.command


@dataclass(frozen=True, slots=True)
class LookView:
    """`newest` may be under way, or have failed; `last` is the newest that found something out, None before the first.
    `why_not`: why nobody can ask for another now."""

    newest: Check | None
    last: Check | None
    why_not: str

    @property
    def is_looking(self) -> bool:
        return self.newest is not None and not self.newest.is_over

    @property
    def failed(self) -> Check | None:
        return self.newest if self.newest is not None and self.newest.state == CheckState.FAILED else None

    @property
    def version(self) -> str:
        """Differs when anything that is shown of it does."""
        newest = self.newest
        return f"{newest.pk}-{newest.state}-{newest.failures}" if newest else "none"

    @property
    def is_gone(self) -> bool:
        return self.last is not None and self.last.exists is False

    @property
    def findings(self) -> list[FindingTold]:
        return [told(Finding.from_json(item)) for item in self.last.findings] if self.last else []


def told(finding: Finding) -> FindingTold:
    return FindingTold(finding, _text(finding.want), _text(finding.have))


def _text(value: Any) -> str:
    """A value of an object for people; "" for none."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


@dataclass(frozen=True, slots=True)
class ObjectFound:
    """All that was found about one object. `fields` is empty for one that is missing or foreign as a whole."""

    name: str
    kind: str
    fields: tuple[FindingTold, ...]


def by_object(findings: Iterable[Finding]) -> list[ObjectFound]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.object, []).append(finding)
    return [
        ObjectFound(name, items[0].kind, tuple(told(item) for item in items if item.path))
        for name, items in found.items()
    ]


def look_of(row: Namespace, user: User) -> LookView:
    """Two queries, and who may ask for another."""
    checks = row.checks.select_related("asked_by").defer("live")
    newest = checks.first()
    last = newest if newest and newest.state == CheckState.FINISHED else checks.done().first()
    return LookView(newest, last, why_not_look(newest) if access.may_check(user, row) else "")


def look_at(name: str) -> LookView:
    """As `look_of`, of a namespace that the portal may not know."""
    checks = Check.objects.filter(name=name).select_related("asked_by")
    newest = checks.first()
    last = newest if newest and newest.state == CheckState.FINISHED else checks.done().first()
    return LookView(newest, last, why_not_look(newest))


def why_not_look(newest: Check | None) -> str:
    """Why there is no other look now; "" when there can be one."""
    if newest is None:
        return ""
    if not newest.is_over:
        return "A look is under way."
    ended = newest.finished_at or newest.asked_at
    if newest.state == CheckState.FINISHED and timezone.now() - ended < AGAIN_AFTER:
        return "It was looked at within the last minute: once a minute is enough."
    return ""


# ── what is inside ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class KindTold:
    """One line of an inventory: of a kind, how many and which, and when the newest was made."""

    title: str
    count: int
    names: str
    note: str
    newest: str


def kinds_of(inventory: Inventory) -> list[KindTold]:
    return [_kind(kind, inventory.of(kind)) for kind in inventory.totals]


def _kind(kind: str, items: tuple[Item, ...]) -> KindTold:
    names = ", ".join(_name(item) for item in items[:NAMES_SHOWN])
    rest = len(items) - NAMES_SHOWN
    balancers = sum(item.is_load_balancer for item in items)
    note = f"{balancers} with a load balancer" if balancers else ""
    return KindTold(
        title=WORDS.get(kind, kind),
        count=len(items),
        names=f"{names} and {rest} more" if rest > 0 else names,
        note=note,
        newest=max((item.created for item in items), default=""),
    )


def _name(item: Item) -> str:
    facts = [item.storage, item.addresses if item.is_load_balancer else "", item.hosts]
    told_facts = ", ".join(fact for fact in facts if fact)
    return f"{item.name} ({told_facts})" if told_facts else item.name
