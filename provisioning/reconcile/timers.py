"""What happens because time has passed, Argo or no Argo."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog
from django.conf import settings

from provisioning import lifecycle
from provisioning.models import UNDECIDED, IdempotencyKey, Request
from provisioning.reconcile import leases, nightly
from provisioning.reconcile.context import Context
from provisioning.reconcile.guard import attempt_row

log = structlog.get_logger(__name__)

BATCH = 100
# Longer than any client tries again.
KEYS_LIVE = timedelta(days=7)


def run(context: Context) -> bool:
    """Expire what nobody decided on, forget old idempotency keys, take the steps of leases, plan the nightly checks.
    Whether there was anything."""
    expired = _expire(context)
    forgotten, _ = IdempotencyKey.objects.filter(created_at__lt=context.now() - KEYS_LIVE).delete()
    stepped, planned = leases.run(context), nightly.plan(context)
    return bool(expired or forgotten or stepped or planned)


def _expire(context: Context) -> int:
    limit = context.now() - timedelta(days=settings.PENDING_DAYS)
    rows = Request.objects.filter(phase__in=UNDECIDED, waiting_since__lt=limit).order_by("waiting_since")[:BATCH]
    count = 0
    for request in rows:
        done, _ = attempt_row(partial(lifecycle.expire, request), request=str(request.pk))
        log.info("expired", request=str(request.pk), recorded=bool(done))
        count += bool(done)
    return count
