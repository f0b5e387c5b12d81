"""One list tells which runs are no longer as recorded. What it does not name may exist all the same: a GET decides."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from provisioning.argo import AlreadyCompleted, NotFound
from provisioning.models import Run, RunState
from provisioning.reconcile.context import Context, Json
from provisioning.reconcile.submit import about
from provisioning.reconcile.watch import SELECTOR

log = structlog.get_logger(__name__)

# Those that have ended and were seen to need no look, and stay in Argo for days.
GOING_ON = f"{SELECTOR},workflows.argoproj.io/completed!=true"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Resync:
    """`version`: from where a watch goes on. `doubtful`: primary keys of the runs to ask for one by one. `going_on`:
    the names of all workflows of the portal that are not over."""

    version: str
    doubtful: tuple[int, ...]
    going_on: frozenset[str]


def resync(context: Context) -> Resync:
    """One paged list against one query. Raises ArgoError."""
    listed = context.ask(context.client.list_workflows, GOING_ON)
    found = {str(item["metadata"].get("name")): item["metadata"] for item in listed.items}
    rows = Run.objects.filter(state=RunState.SUBMITTED).exclude(workflow_phase__in=("Succeeded", "Failed", "Error"))
    doubtful, known = [], set()
    for pk, name, uid, version in rows.values_list(
        "pk", "workflow_name", "workflow_uid", "resource_version"
    ).iterator():
        known.add(name)
        metadata = found.get(name, {})
        if metadata.get("uid") != uid or metadata.get("resourceVersion") != version:
            doubtful.append(pk)
    _stop_orphans(context, {name: item for name, item in found.items() if name not in known})
    log.debug("resync", listed=len(found), doubtful=len(doubtful))
    return Resync(listed.resource_version, tuple(doubtful), frozenset(found))


def _stop_orphans(context: Context, unknown: dict[str, Json]) -> None:
    """A submission that arrived after its run was given up: a call can be slower than whoever waited for it."""
    names = sorted(unknown)
    for start in range(0, len(names), _BATCH):
        rows = Run.objects.filter(
            workflow_name__in=names[start : start + _BATCH], state=RunState.FINISHED, submitted_at__isnull=True
        )
        for run in rows:
            if unknown[run.workflow_name].get("labels", {}).get("platform.io/request-id") == str(run.request_id):
                _stop(context, run)


def _stop(context: Context, run: Run) -> None:
    log.warning("stopping an orphan", **about(run))
    try:
        found = context.ask(context.client.get_workflow, run.workflow_name)
        started = (found.get("status") or {}).get("startedAt")
        context.ask(context.client.stop_workflow if started else context.client.terminate_workflow, run.workflow_name)
    except (AlreadyCompleted, NotFound) as error:
        log.info("orphan is over", **about(run), cause=error.cause)
