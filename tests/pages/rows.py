"""Rows of the long lists, written as they are: for lists of many, or of what no form would take."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from provisioning.models import Decision, Kind, Namespace, NamespaceRevision, Phase, Request, Run, RunState, Team, User
from tests.conftest import make_spec

NOON = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)


def new_request(team: Team, by: User, name: str, **columns: Any) -> Request:
    """Unsaved. `purpose` goes into its specification; a terminal phase, so that names may repeat."""
    purpose = columns.pop("purpose", "Card payments")
    tier = columns.setdefault("tier", "small")
    spec = make_spec(name=name, team=team.name, tier=tier, purpose=purpose).to_json()
    values: dict[str, Any] = {
        "kind": Kind.CREATE,
        "phase": Phase.SUCCEEDED,
        "asked": spec,
        "granted": spec,
        "rendered": {},
        "digest": "d" * 64,
        "verdict": {"result": "approve", "rule": "x", "reasons": [], "sentence": ""},
        "catalog_version": "1",
        "created_at": NOON,
        "waiting_since": columns.get("created_at", NOON),
    }
    return Request(team=team, requester=by, name=name, **{**values, **columns})


def a_request(team: Team, by: User, name: str, **columns: Any) -> Request:
    row = new_request(team, by, name, **columns)
    row.save(force_insert=True)
    return row


def many_requests(team: Team, by: User, count: int, **columns: Any) -> list[Request]:
    """`svc-000` is the oldest; a minute between two."""
    minute = dt.timedelta(minutes=1)
    start = columns.pop("start", NOON)
    rows = [new_request(team, by, f"svc-{at:03}", created_at=start + at * minute, **columns) for at in range(count)]
    return Request.objects.bulk_create(rows)


def a_namespace(team: Team, by: User, name: str, *, granted_by: User | None = None, **columns: Any) -> Namespace:
    """Made by a request of `by`, which `granted_by` approved."""
    made_by = a_request(team, by, name, attempt=1)
    values: dict[str, Any] = {
        "tier": made_by.tier,
        "spec_json": made_by.granted,
        "owner_request_id": made_by.pk,
        "ready_at": NOON,
        "lease_ends_at": timezone.now() + dt.timedelta(days=60),
    }
    row = Namespace.objects.create(team=team, name=name, **{**values, **columns})
    Request.objects.filter(pk=made_by.pk).update(namespace=row)
    if granted_by is not None:
        Decision.objects.create(
            request=made_by, revision=1, answer="approve", by=granted_by, digest="d" * 64, granted=made_by.granted
        )
    a_revision(row, made_by, 1, granted_by)
    return row


def a_revision(row: Namespace, request: Request, number: int, granted_by: User | None = None) -> NamespaceRevision:
    return NamespaceRevision.objects.create(
        namespace=row,
        number=number,
        request=request,
        spec_json=request.granted,
        rendered=request.rendered,
        digest=request.digest,
        granted_by=granted_by,
        granted_rule="" if granted_by else "small-in-dev",
    )


def a_run(request: Request, state: RunState, **columns: Any) -> Run:
    attempt = columns.pop("attempt", 1)
    name = f"create-namespace-{request.short_id}-{attempt}"
    return Run.objects.create(
        request=request, attempt=attempt, workflow_name=name, digest=request.digest, state=state, **columns
    )
