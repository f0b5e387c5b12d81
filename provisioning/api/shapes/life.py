"""What is sent and answered about the life of a namespace: a change, a renewal, a look at it in the cluster."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from pydantic import ConfigDict, Field

from provisioning.api.answers import Answer, Body
from provisioning.api.shapes.asking import SubjectIn
from provisioning.inventory import Inventory
from provisioning.models import Check, CheckState
from provisioning.spec import LEVELS, NamespaceSpec, Subject


class AccessChange(Body):
    """Who gets access, level by level; one that is left out stays as it is."""

    admins: list[SubjectIn] | None = None
    editors: list[SubjectIn] | None = None
    viewers: list[SubjectIn] | None = None

    def subjects(self, level: str) -> list[Subject] | None:
        given = getattr(self, level)
        return None if given is None else [Subject(item.kind, item.name) for item in given]


class ChangeBody(Body):
    """What should be different; what is left out stays as it is. Or, alone: `repair`, or `toRevision`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"resourceTier": "medium", "features": ["ingress", "logging", "monitoring"]},
                {"rbac": {"viewers": ["group:payments-support"]}},
                {"toRevision": 2},
            ]
        }
    )
    resource_tier: str | None = Field(default=None, description="A key of the catalogue's tiers.")
    features: list[str] | None = Field(default=None, description="All that there should be, not only new ones.")
    rbac: AccessChange = Field(default_factory=AccessChange)
    purpose: str | None = None
    options: dict[str, str | int] = Field(default={}, description="What the features ask for, each that changes.")
    repair: bool = Field(default=False, description="Apply what is in force once more.")
    to_revision: int | None = Field(default=None, ge=1, le=2**31 - 1, description="Go back to what this one granted.")
    instead_of: uuid.UUID | None = Field(
        default=None, strict=False, description="A failed request about this namespace, which is given up for this one."
    )

    def asks_for_values(self) -> bool:
        return bool(self.model_fields_set - {"repair", "to_revision", "instead_of"})

    def over(self, spec: NamespaceSpec) -> dict[str, Any]:
        """Laid over what is in force, by the names of the specification; options apart."""
        given: dict[str, Any] = {"tier": self.resource_tier, "features": self.features, "purpose": self.purpose}
        given |= {level: self.rbac.subjects(level) for level in LEVELS}
        now = {name: getattr(spec, name) for name in given}
        return {name: now[name] if value is None else value for name, value in given.items()}


class RenewBody(Body):
    lease_days: int | None = Field(default=None, description="From now on; left out: as many as were granted last.")


class LeaseAnswer(Answer):
    """A lease that was renewed at once."""

    name: str
    lease_ends_at: dt.datetime
    renewals: int = Field(description="By a rule, since a person last decided on it.")


class FindingAnswer(Answer):
    """A difference between what was granted and what the cluster has."""

    kind: str = Field(description="missing, changed, foreign or wrong owner")
    object: str = Field(description="Kind/name")
    path: str = Field(description="The field; empty when the whole object is meant.")
    want: Any = Field(description="What was granted; null for nothing.")
    have: Any = Field(description="What the cluster has; null for nothing.")
    command: str = Field(description="What puts it right, where no repair does.")


class ItemAnswer(Answer):
    """An object that a deletion would take along."""

    kind: str
    name: str
    created: str
    storage: str
    addresses: str = Field(description="Of a load balancer.")
    hosts: str = Field(description="Of an ingress.")


class QuotaLine(Answer):
    resource: str
    used: str
    hard: str


class InventoryAnswer(Answer):
    words: str = Field(description="All of it in one line.")
    items: list[ItemAnswer]
    more: int = Field(description="Objects that are there, but not among the items.")
    quota: list[QuotaLine]


class CheckAnswer(Answer):
    """A look at the namespace in the cluster."""

    check_id: uuid.UUID
    status: CheckState
    asked_at: dt.datetime
    finished_at: dt.datetime | None
    exists: bool | None = Field(description="Whether the cluster has it; null before the end.")
    revision: int = Field(description="Of the namespace, with which it is compared.")
    findings: list[FindingAnswer]
    inventory: InventoryAnswer | None = Field(description="What is in it; null before the end, or when it is gone.")
    error: str = Field(description="Why nothing was found out.")


def check_answer(row: Check) -> CheckAnswer:
    return CheckAnswer(
        check_id=row.pk,
        status=CheckState(row.state),
        asked_at=row.asked_at,
        finished_at=row.finished_at,
        exists=row.exists,
        revision=row.revision,
        findings=[FindingAnswer(**item) for item in row.findings],
        inventory=_inventory(Inventory.from_json(row.inventory)) if row.inventory else None,
        error=row.error or row.trouble,
    )


def _inventory(found: Inventory) -> InventoryAnswer:
    keys = ("kind", "name", "created", "storage", "addresses", "hosts")
    return InventoryAnswer(
        words=found.words,
        items=[ItemAnswer(**{key: getattr(item, key) for key in keys}) for item in found.items],
        more=found.more,
        quota=[QuotaLine(resource=line.resource, used=line.used, hard=line.hard) for line in found.quota],
    )
