"""Submitted runs that are due by themselves: ended, to be stopped, over their limit, or not heard of for long."""

from __future__ import annotations

from provisioning.models import Run, RunState
from provisioning.reconcile import ending, observe, stop
from provisioning.reconcile.context import Context
from provisioning.reconcile.limits import ends_by

BATCH = 100


def due(context: Context) -> list[Run]:
    """`next_try_at` of a run that goes on well is the time at which it should be over."""
    rows = Run.objects.filter(state=RunState.SUBMITTED, next_try_at__lte=context.now())
    return list(rows.select_related("request").order_by("next_try_at", "pk")[:BATCH])


def attend(context: Context, run: Run) -> bool:
    """Do the next thing for one due run."""
    if run.workflow_phase in observe.ENDED:
        return ending.conclude(context, run)
    if run.request.cancel_requested_at is not None or run.stop_asked_at is not None:
        return _stop(context, run)
    limit = ends_by(run.request.kind, run.started_at)
    if limit is not None and limit <= context.now():
        return stop.stop_over_limit(context, run)
    return _look(context, run)


def _stop(context: Context, run: Run) -> bool:
    done = stop.stop(context, run)
    return conclude_if_ended(context, run) or done


def _look(context: Context, run: Run) -> bool:
    """Nothing was heard of it for a while."""
    found = observe.fetch(context, run)
    if not found:
        wait = context.now() + observe.LOOK_AGAIN
        Run.objects.filter(pk=run.pk, state=RunState.SUBMITTED).exclude(workflow_phase__in=observe.ENDED).update(
            next_try_at=ends_by(run.request.kind, run.started_at) or wait
        )
    return conclude_if_ended(context, run) or found


def conclude_if_ended(context: Context, run: Run) -> bool:
    """If what was just read is the end, there is no need to wait for the next pass."""
    run.refresh_from_db()
    ended = run.state == RunState.SUBMITTED and run.workflow_phase in observe.ENDED
    return ending.conclude(context, run) if ended else False
