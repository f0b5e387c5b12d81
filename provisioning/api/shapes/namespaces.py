"""A namespace as it is answered."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from pydantic import Field

from provisioning.api.answers import Answer
from provisioning.api.shapes.asking import AccessAnswer, access_answer
from provisioning.config import the_catalog
from provisioning.models import Namespace


class NamespaceSummary(Answer):
    """A namespace in a list."""

    name: str
    team: str
    status: str = Field(description="ready, updating, update-failed, deleting or delete-failed")
    resource_tier: str
    features: list[str]
    revision: int
    request_id: uuid.UUID = Field(description="Of the request that made it; its label platform.io/request-id.")
    ready_at: dt.datetime
    lease_ends_at: dt.datetime
    lease_is_over: bool


class NamespaceDetail(NamespaceSummary):
    """A namespace with all there is to know of it."""

    rbac: AccessAnswer
    purpose: str
    options: dict[str, str]
    quota: dict[str, str] | None = Field(description="The tier's ResourceQuota; null when the catalogue lost the tier.")
    uid: str = Field(description="Of the Kubernetes object.")
    digest: str | None = Field(description="sha256 of the objects in force.")
    protected: bool


def _summary(row: Namespace) -> dict[str, Any]:
    return {
        "name": row.name,
        "team": row.team.name,
        "status": row.status,
        "resource_tier": row.tier,
        "features": list(row.spec.features),
        "revision": row.revision,
        "request_id": row.owner_request_id,
        "ready_at": row.ready_at,
        "lease_ends_at": row.lease_ends_at,
        "lease_is_over": row.lease_is_over,
    }


def summary(row: Namespace) -> NamespaceSummary:
    """Needs `team` at hand, or asks for it."""
    return NamespaceSummary(**_summary(row))


def detail(row: Namespace) -> NamespaceDetail:
    tier = the_catalog().tiers.get(row.tier)
    in_force = row.revisions.filter(number=row.revision).first()
    return NamespaceDetail(
        **_summary(row),
        rbac=access_answer(row.spec),
        purpose=row.spec.purpose,
        options=dict(row.spec.options),
        quota=dict(tier.hard) if tier else None,
        uid=row.uid,
        digest=in_force.digest if in_force else None,
        protected=row.protected,
    )
