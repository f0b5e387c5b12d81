"""Runs that are to end: asked again and again until Argo says that they have."""

from __future__ import annotations

from datetime import timedelta

import structlog

from provisioning import lifecycle
from provisioning.argo import AlreadyCompleted, NotFound
from provisioning.models import Run, RunState
from provisioning.reconcile import observe
from provisioning.reconcile.context import Context
from provisioning.reconcile.limits import minutes
from provisioning.reconcile.submit import about

log = structlog.get_logger(__name__)

# The controller looks up to ten seconds later, and pods get thirty seconds to end.
ASK_AGAIN = timedelta(seconds=30)


def stop(context: Context, run: Run) -> bool:
    """Ask Argo to end it: `stop`, which lets the roll-back run, once it has started, and `terminate` while it waits
    for a lock, as then `stop` does nothing. Argo says 200 for a promise, so the row goes on being watched."""
    if run.started_at is None:
        observe.fetch(context, run)
        run.refresh_from_db()
    if run.state != RunState.SUBMITTED or run.workflow_phase in observe.ENDED:
        return True
    call = context.client.stop_workflow if run.started_at else context.client.terminate_workflow
    try:
        context.ask(call, run.workflow_name)
    except (AlreadyCompleted, NotFound) as error:
        if isinstance(error, NotFound) and error.what != "workflow":
            raise
        return observe.fetch(context, run)
    now = context.now()
    Run.objects.filter(pk=run.pk).update(stop_asked_at=now, next_try_at=now + ASK_AGAIN, failures=0)
    log.info("stop asked", **about(run), how="stop" if run.started_at else "terminate")
    return True


def stop_over_limit(context: Context, run: Run) -> bool:
    """It is two minutes over its limit, and Argo has not ended it."""
    stop(context, run)
    sentence = f"It is over its limit of {minutes(run.request.kind)} minutes: the portal is stopping it."
    run.refresh_from_db()
    if run.stop_asked_at is not None and run.trouble != sentence:
        lifecycle.hold(run, sentence, until=context.now() + ASK_AGAIN)
    return True
