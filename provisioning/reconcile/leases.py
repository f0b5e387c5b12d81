"""Leases that end: reminders, telling platform admins, a delete request that a person decides on. Each once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from provisioning import lifecycle
from provisioning.models import Check, Namespace
from provisioning.reconcile.context import Context
from provisioning.reconcile.guard import attempt_row

log = structlog.get_logger(__name__)

BATCH = 100
# A look that came to nothing is not repeated all the time.
LOOK_AGAIN = timedelta(hours=1)


def run(context: Context) -> bool:
    """Take the steps that are due. Whether there were any; one namespace's trouble is that namespace's alone."""
    busy = False
    for namespace in lifecycle.namespaces_with_lease_steps(context.now(), BATCH):
        done, _ = attempt_row(partial(_take, context, namespace), namespace=namespace.name)
        busy = bool(done) or busy
    return busy


def _take(context: Context, namespace: Namespace) -> bool:
    if _waits(context, namespace):
        return False
    taken = lifecycle.take_lease_steps(namespace, context.now())
    for step in taken:
        log.info("lease step", namespace=namespace.name, step=step.key, lease_ends_at=namespace.lease_ends_at)
    return bool(taken)


def _waits(context: Context, namespace: Namespace) -> bool:
    """Only the delete request is due, and the look that it needs has failed just now, or has not ended."""
    if any(step.kind != "delete-request" for step in lifecycle.lease_steps(namespace, context.now())):
        return False
    newest = Check.objects.filter(name=namespace.name, asked_at__gt=context.now() - LOOK_AGAIN).first()
    return newest is not None and (not newest.is_over or newest.exists is None)
