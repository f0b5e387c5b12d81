"""What /metrics says, read from the database at each scrape, so that any web process can answer."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from provisioning.models import ArgoStatus, Namespace, Phase, Request, Run, RunState, WorkerLease

CONTENT_TYPE = CONTENT_TYPE_LATEST


class PortalCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        yield _counted("portal_requests", "Requests by phase", "phase", Request.objects, Phase.values)
        yield _counted("portal_runs", "Runs by state", "state", Run.objects, RunState.values)
        yield _counted("portal_namespaces", "Namespaces by status", "status", Namespace.objects, [])
        oldest = Run.objects.filter(state=RunState.QUEUED).aggregate(at=Min("created_at"))["at"]
        waited = (timezone.now() - oldest).total_seconds() if oldest else 0.0
        yield _value("portal_queue_oldest_seconds", "Age of the oldest run not yet submitted", waited)
        argo, lease = ArgoStatus.current(), WorkerLease.current()
        reachable = float(argo.failing_since is None and argo.last_success_at is not None)
        yield _value("portal_argo_up", "1 while the Argo Server answers", reachable)
        yield _value("portal_worker_up", "1 while a worker holds the lease", float(lease.is_alive))


def _counted(name: str, text: str, column: str, manager: object, known: list[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[column])
    rows = manager.order_by().values_list(column).annotate(n=Count("pk"))  # type: ignore[attr-defined]
    counts = dict.fromkeys(known, 0) | dict(rows)
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _value(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def exposition() -> bytes:
    registry = CollectorRegistry()
    registry.register(PortalCollector())
    return generate_latest(registry)
