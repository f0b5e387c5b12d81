"""Two specs side by side, in words: what is asked against what is, or what was granted against what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provisioning.catalog import Catalog, FeatureField
from provisioning.catalog.quantities import readable
from provisioning.spec import NamespaceSpec, Subject

QUOTA = (
    ("CPU", "limits.cpu"),
    ("Memory", "limits.memory"),
    ("Pods", "pods"),
    ("Storage", "requests.storage"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One property; `before` is "" where there is nothing to compare with."""

    label: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


def facts(spec: NamespaceSpec, catalog: Catalog) -> dict[str, str]:
    """Property -> its value, in words."""
    return dict(_facts(spec, catalog))


def differences(before: NamespaceSpec | None, after: NamespaceSpec, catalog: Catalog) -> list[Difference]:
    """All properties of both; those of only one side are "none" on the other. Without `before`, `after` alone."""
    new = facts(after, catalog)
    if before is None:
        return [Difference(label, "", text) for label, text in new.items()]
    old = facts(before, catalog)
    labels = dict.fromkeys([*new, *old])
    return [Difference(label, old.get(label, "none"), new.get(label, "none")) for label in labels]


def changes(before: NamespaceSpec, after: NamespaceSpec, catalog: Catalog) -> list[Difference]:
    """Only what differs."""
    return [row for row in differences(before, after, catalog) if row.changed]


def _facts(spec: NamespaceSpec, catalog: Catalog) -> Iterator[tuple[str, str]]:
    tier = catalog.tiers.get(spec.tier)
    yield "Tier", tier.title if tier else spec.tier
    if tier:
        yield from ((label, readable(tier.hard[key])) for label, key in QUOTA if key in tier.hard)
    titles = [catalog.features[key].title if key in catalog.features else key for key in spec.features]
    yield "Features", ", ".join(titles) or "none"
    yield from ((item.title, spec.options.get(item.key) or item.default or "none") for item in _items(spec, catalog))
    yield "Admins", people(spec.admins)
    yield "Editors", people(spec.editors)
    yield "Viewers", people(spec.viewers)
    yield "Lease", f"{spec.lease_days} days"
    yield "Purpose", spec.purpose or "none"


def _items(spec: NamespaceSpec, catalog: Catalog) -> Iterator[FeatureField]:
    for key in spec.features:
        if key in catalog.features:
            yield from catalog.features[key].fields


def people(subjects: Sequence[Subject]) -> str:
    names = [subject.name if subject.kind == "User" else f"group {subject.name}" for subject in subjects]
    return ", ".join(names) or "none"


def tier_facts(hard: dict[str, str]) -> list[tuple[str, str]]:
    """The quota of a tier as pairs of word and quantity."""
    return [(label, readable(hard[key])) for label, key in QUOTA if key in hard]
