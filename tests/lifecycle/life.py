"""A namespace that exists, and runs that end as a test says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from provisioning import lifecycle
from provisioning.inventory import Inventory, Item
from provisioning.lifecycle.options import rfc3339
from provisioning.models import AuditEvent, Namespace, Phase, Request, Run, Step, User
from tests.conftest import make_spec

ACTS = {
    "create": "create-namespace",
    "change": "update-namespace",
    "delete": "delete-namespace",
    "adopt": "update-namespace",
}


def submit(request: Request) -> Run:
    """The worker takes its run, and Argo has it."""
    request.refresh_from_db()
    run = request.current_run
    assert run is not None
    assert lifecycle.claim(run, "worker-1")
    assert lifecycle.submitted(run, uid="u-1")
    request.refresh_from_db()
    return run


def end(request: Request, outcome: Phase = Phase.SUCCEEDED, *, acted: bool = True, message: str = "") -> Request:
    """Its run ends; `acted`: the step that begins to change the namespace had begun."""
    run = submit(request) if request.phase == Phase.APPROVED else request.current_run
    assert run is not None
    run.refresh_from_db()
    if acted:
        Step.objects.filter(run=run, name=ACTS[request.kind]).update(attempts=1, phase="Succeeded")
    phase = "Succeeded" if outcome == Phase.SUCCEEDED else "Failed"
    lifecycle.observed(run, workflow_phase=phase)
    assert lifecycle.finish(run, outcome=outcome, message=message, namespace_uid="ns-uid")
    request.refresh_from_db()
    return request


def approved(request: Request, by: User) -> Request:
    """Decided by a person, unless a rule did."""
    return lifecycle.approve(request, by=by, digest=request.digest) if request.phase == Phase.PENDING else request


def made(by: User, admin: User, **changes: Any) -> Namespace:
    """A namespace that was asked for, granted and made."""
    request = end(approved(lifecycle.open_request(make_spec(**changes), by=by), admin))
    assert request.namespace is not None
    return request.namespace


def changed(namespace: Namespace, by: User, admin: User, **changes: Any) -> Request:
    """A change of it that went through."""
    request = lifecycle.open_change(namespace, namespace.spec.replace(**changes), by=by)
    end(approved(request, admin))
    namespace.refresh_from_db()
    return request


def taken(*items: Item) -> Inventory:
    """An inventory of a moment ago."""
    return Inventory(items, (), rfc3339(timezone.now()))


def long_ago(inventory: Inventory) -> Inventory:
    return Inventory(inventory.items, inventory.quota, rfc3339(timezone.now() - timedelta(hours=2)))


POD = Item("Pod", "web-1", "2026-11-24T10:00:00Z")


def events(name: str) -> list[str]:
    return list(AuditEvent.objects.filter(subject=name).order_by("id").values_list("action", flat=True))
