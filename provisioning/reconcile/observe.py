"""A workflow object becomes rows. Idempotent; an object that is older than what is recorded changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from provisioning import lifecycle
from provisioning.argo import NotFound, Observation, observe
from provisioning.argo.explain import explain_run
from provisioning.models import Request, Run, RunState
from provisioning.reconcile import steps
from provisioning.reconcile.context import Context, Json
from provisioning.reconcile.limits import ends_by
from provisioning.reconcile.submit import about
from provisioning.workflows import workflow

log = structlog.get_logger(__name__)

# How often to look at a run that has not started: it waits for a lock, or for a controller.
LOOK_AGAIN = timedelta(seconds=60)


def record(context: Context, run: Run, found: Json) -> bool:
    """Make the run's rows say what `found` says. Whether there was anything new."""
    seen = observe(found, [step.name for step in workflow.PLAN[run.request.kind]])
    if not _is_news(run, seen):
        return False
    with transaction.atomic():
        held = Run.objects.select_for_update(of=("self",)).select_related("request").get(pk=run.pk)
        if not _is_news(held, seen):
            return False
        changes = steps.apply(held, seen)
        columns = _columns(held, seen, context.now())
        visible = changes.visible or bool(held.trouble) or any(getattr(held, key) != columns[key] for key in _SHOWN)
        lifecycle.observed(held, **columns)
        message = _message(held, seen)
        if visible or message:
            Request(pk=held.request_id).touch(**message)
    run.refresh_from_db()
    if changes.ended:
        context.dirty.add(run.pk)
    log.info("observed", **about(run), phase=seen.phase, version=seen.resource_version)
    return True


def _message(run: Run, seen: Observation) -> dict[str, str]:
    """Why it waits as a whole, as long as it does. What somebody asked for stands before that."""
    said = "" if seen.over else explain_run(seen).sentence
    differs = run.request.cancel_requested_at is None and run.request.message != said
    return {"message": said} if differs else {}


def fetch(context: Context, run: Run) -> bool:
    """Ask Argo for this one workflow: the answer to every doubt. A workflow that is gone ends its run."""
    try:
        found = context.ask(context.client.get_workflow, run.workflow_name)
    except NotFound as error:
        if error.what != "workflow":
            raise
        return _gone(run)
    if run.workflow_uid and found["metadata"].get("uid") != run.workflow_uid:
        log.warning("another workflow of its name", **about(run), uid=found["metadata"].get("uid"))
        return _gone(run)
    if record(context, run, found):
        return True
    lifecycle.untroubled(run)
    return False


def _gone(run: Run) -> bool:
    run.refresh_from_db()
    if run.state != RunState.SUBMITTED or run.workflow_phase in ENDED:
        return False  # its end is known: it is concluded from rows
    log.warning("vanished", **about(run))
    return lifecycle.vanished(run)


ENDED = frozenset({"Succeeded", "Failed", "Error"})
_SHOWN = ("workflow_phase", "workflow_message", "started_at", "finished_at")


def _is_news(run: Run, seen: Observation) -> bool:
    if run.state != RunState.SUBMITTED or run.workflow_phase in ENDED:
        return False
    if run.workflow_uid and seen.uid != run.workflow_uid:
        return False
    mine, theirs = run.resource_version, seen.resource_version
    if mine.isdigit() and theirs.isdigit():
        return int(theirs) > int(mine)
    return theirs != mine


def _columns(run: Run, seen: Observation, now: datetime) -> dict[str, object]:
    columns: dict[str, object] = {
        "workflow_phase": seen.phase,
        "workflow_message": seen.message,
        "started_at": seen.started_at or run.started_at,
        "finished_at": seen.finished_at,
        "resource_version": seen.resource_version,
    }
    asked = run.request.cancel_requested_at is not None or run.stop_asked_at is not None
    if seen.over:
        columns["next_try_at"] = now
    elif not asked:
        # The watch tells what happens; the row itself is due when the run should be over.
        columns["next_try_at"] = ends_by(run.request.kind, seen.started_at) or now + LOOK_AGAIN
    return columns
