"""How long a run may take. Argo's own limit does not end a pod that no node takes, so the portal has one, too."""

from __future__ import annotations

from datetime import datetime, timedelta

from provisioning.workflows import workflow

GRACE = timedelta(minutes=2)


def ends_by(kind: str, started_at: datetime | None) -> datetime | None:
    """When the portal stops a run that Argo has not ended; None while it has not started."""
    if started_at is None:
        return None
    return started_at + timedelta(seconds=workflow.deadline_seconds(kind)) + GRACE


def minutes(kind: str) -> int:
    """Argo's limit, for sentences."""
    return workflow.deadline_seconds(kind) // 60
