"""Every night each namespace is compared with what was granted, and the cluster listed: changes by hand are seen."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import AuditEvent, Check, ClusterListing
from provisioning.reconcile.context import Context

log = structlog.get_logger(__name__)

# So many wait for their turn at most, so that what a person asks for need not wait behind a whole night's.
WAITING = 20


def plan(context: Context) -> bool:
    """Ask for what the last night brought due, those not checked for longest first. Whether there was anything.

    Whatever a worker that was away has missed is due when it is back.
    """
    now = context.now()
    since = last_night(now, settings.CHECK_NAMESPACES_AT)
    if since is None:
        return False
    room = WAITING - Check.objects.open().count()
    planned = lifecycle.plan_checks(now, every=now - since, limit=room) if room > 0 else 0
    listed = _list(since)
    if planned or listed:
        log.info("checks planned", namespaces=planned, listing=listed)
    return bool(planned or listed)


def last_night(now: datetime, at: str) -> datetime | None:
    """The last time that the clock showed `at`, HH:MM in the portal's time zone; None when `at` is empty: never."""
    if not at:
        return None
    hour, minute = (int(part) for part in at.split(":"))
    today = timezone.localtime(now).date()
    nights = (
        timezone.make_aware(datetime.combine(day, time(hour, minute))) for day in (today, today - timedelta(days=1))
    )
    return next(night for night in nights if night <= now)


def _list(since: datetime) -> bool:
    """The list of all, once a night, whether it came to a result or not."""
    if Check.objects.filter(name="", asked_at__gte=since).exists() or not _in_use_before(since):
        return False
    lifecycle.ask_listing()
    return True


def _in_use_before(since: datetime) -> bool:
    """A portal that was set up since then has nothing to compare yet; who wants a list asks for it."""
    return ClusterListing.latest() is not None or AuditEvent.objects.filter(at__lt=since).exists()
