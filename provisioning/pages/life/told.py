"""What a change comes to, told by objects and in words: for the form, the request, its approver and each revision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provisioning import lifecycle, manifests
from provisioning.config import the_catalog
from provisioning.models import Kind, NamespaceRevision, Request

SAME = "No object becomes different."
ONCE_MORE = "It applies what is in force once more: what somebody changed in the cluster is put back."


@dataclass(frozen=True, slots=True)
class ObjectTold:
    """One object that becomes different, and what that means."""

    change: manifests.ObjectChange
    meaning: str


@dataclass(frozen=True, slots=True)
class Difference:
    """As the template `change_difference.html` takes it. `empty` is what to say when nothing is different."""

    objects: tuple[ObjectTold, ...]
    meanings: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    empty: str = SAME


def difference(
    changes: Iterable[manifests.ObjectChange], warnings: Iterable[str] = (), empty: str = SAME
) -> Difference:
    catalog, found = the_catalog(), tuple(changes)
    objects = tuple(ObjectTold(change, manifests.meaning(change, catalog)) for change in found)
    return Difference(objects, tuple(manifests.meanings(found, catalog)), tuple(warnings), empty)


def of_draft(draft: lifecycle.ChangeDraft) -> Difference:
    return difference(draft.changes, draft.warnings)


def of_request(row: Request) -> Difference | None:
    """What a change makes of what was in force when it was asked; None for other kinds."""
    if row.kind != Kind.CHANGE:
        return None
    warnings: list[str] = []
    if row.namespace is not None and not row.is_settled and not row.is_repair:
        warnings = lifecycle.warnings(row.namespace, row.spec)
    return difference(lifecycle.difference(row), warnings, ONCE_MORE if row.is_repair else SAME)


def between(before: NamespaceRevision | None, after: NamespaceRevision) -> Difference:
    old = manifests.objects_of(before.rendered) if before else []
    return difference(manifests.diff(old, manifests.objects_of(after.rendered)))
