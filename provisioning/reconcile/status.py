"""The row that tells pages how Argo is. Written when something changed, and now and then while all is well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from provisioning.argo import ArgoError
from provisioning.models import ArgoStatus

log = structlog.get_logger(__name__)

# Pages say "as of"; nobody needs that to the second.
FRESH = timedelta(seconds=5)


def begin(url: str, namespace: str) -> None:
    """Which Argo it is, from now on."""
    ArgoStatus.objects.get_or_create(pk=1)
    _write(url=url, namespace=namespace, watch_since=None)


def answered(at: datetime) -> bool:
    """Argo answered. Whether it had been away."""
    row = ArgoStatus.objects.filter(pk=1)
    back = row.filter(failing_since__isnull=False).update(failing_since=None, cause="", remedy="", last_success_at=at)
    if back:
        log.info("argo is back")
    else:
        row.exclude(last_success_at__gt=at - FRESH).update(last_success_at=at)
    return back == 1


def failed(error: ArgoError, at: datetime) -> None:
    """Argo does not work, for this cause."""
    ArgoStatus.objects.get_or_create(pk=1)
    row = ArgoStatus.objects.filter(pk=1)
    if row.filter(failing_since__isnull=True).update(failing_since=at, cause=error.cause, remedy=error.remedy):
        log.warning("argo fails", cause=error.cause, remedy=error.remedy)
    else:
        row.exclude(cause=error.cause, remedy=error.remedy).update(cause=error.cause, remedy=error.remedy)


def watching(since: datetime | None) -> None:
    ArgoStatus.objects.filter(pk=1).update(watch_since=since)


def resynced(at: datetime) -> None:
    _write(last_resync_at=at)


def checked(checks: list[dict[str, Any]], version: str, at: datetime) -> None:
    _write(checks=checks, version=version[:100], checked_at=at)


def _write(**columns: Any) -> None:
    ArgoStatus.objects.filter(pk=1).update(**columns)
