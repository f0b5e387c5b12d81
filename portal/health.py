"""For machines: alive (the process answers), ready (it can work), metrics."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from provisioning import metrics
from provisioning.models import ArgoStatus, WorkerLease


@login_not_required
@never_cache
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_GET
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200 when the database answers and is migrated. Worker and Argo are told of, but pages work without them."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        facts = {
            "database": "ok",
            "migrations": "pending" if pending else "ok",
            "worker": "ok" if WorkerLease.current().is_alive else "away",
            "argo": "ok" if ArgoStatus.current().failing_since is None else "away",
        }
    except DatabaseError as error:
        return JsonResponse({"database": type(error).__name__}, status=503)
    return JsonResponse(facts, status=503 if pending else 200)


@login_not_required
@never_cache
@require_GET
def prometheus(request: HttpRequest) -> HttpResponse:
    """Open to loopback; to others with `Authorization: Bearer METRICS_TOKEN` when that is set, else 404."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    allowed = settings.METRICS_TOKEN and hmac.compare_digest(given, settings.METRICS_TOKEN.encode())
    # Behind a proxy everybody comes from its address, so nearness proves nothing there.
    near = not settings.BEHIND_PROXY and request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"}
    if not allowed and (settings.METRICS_TOKEN or not near):
        return HttpResponse("not found\n", status=404, content_type="text/plain")
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
