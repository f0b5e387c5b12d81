"""Approved runs become workflows, each once: the name is made from request and attempt, and 409 means look first."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings

from provisioning import lifecycle
from provisioning.argo import AlreadyExists, Forbidden, NotFound, Refused
from provisioning.config import the_catalog
from provisioning.models import Kind, Run, RunState
from provisioning.reconcile.backoff import push_back
from provisioning.reconcile.context import Context, Json
from provisioning.workflows import workflow

log = structlog.get_logger(__name__)

BATCH = 20


def due(context: Context) -> list[Run]:
    """The next queued runs, longest due first."""
    rows = Run.objects.filter(state=RunState.QUEUED, next_try_at__lte=context.now())
    return list(rows.select_related("request__namespace").order_by("next_try_at", "pk")[:BATCH])


def submit(context: Context, run: Run) -> bool:
    """Submit one run, or settle that it never will be. Raises ArgoError; the next try has the same name, so it does not
    matter whether this one got through."""
    try:
        if run.request.cancel_requested_at is not None:
            return _cancelled(context, run)
        if not lifecycle.claim(run, context.worker):
            return False
        return _post(context, run)
    except Refused as error:
        log.warning("refused", **about(run), cause=error.cause)
        return _refused(run, error)
    except (Forbidden, NotFound) as error:
        if isinstance(error, NotFound) and error.what != "template":
            raise
        # It keeps runs of this kind, but what runs already can be followed all the same
        log.warning("held", **about(run), cause=error.cause)
        push_back(run, error, context.now())
        return True


def about(run: Run) -> dict[str, str]:
    """How log lines name a run."""
    return {"request": str(run.request_id), "run": str(run.pk), "workflow": run.workflow_name}


def built(run: Run) -> Json:
    """The Workflow of this run: the approved texts, byte for byte."""
    request = run.request
    return workflow.build(
        request.kind,
        request.spec,
        str(request.pk),
        run.attempt,
        request.rendered,
        request.digest,
        catalog=the_catalog(),
        namespace=settings.ARGO_NAMESPACE,
        owner_request_id=None if request.kind == Kind.CREATE else request.owner_request_id,
        force=request.force,
    )


def _post(context: Context, run: Run) -> bool:
    body = built(run)
    try:
        answer = context.ask(context.client.submit_workflow, body)
    except AlreadyExists:
        return _adopt(context, run, body)
    return _submitted(context, run, answer, adopted=False)


def _adopt(context: Context, run: Run, body: Json) -> bool:
    """Argo has something of this name already: an earlier try of ours that got through, or somebody else's."""
    found = _existing(context, run)
    if found is None:
        # Argo answers 409 for other conflicts, too (argo-workflows #14106): nothing was created, so once more
        lifecycle.hold(run, "", until=context.now() + timedelta(seconds=1))
        return True
    if why := workflow.why_not_ours(found, body):
        log.error("not ours", **about(run), why=why)
        sentence = f"Argo already has a workflow named {run.workflow_name}, and it is not this request's: {why}."
        return lifecycle.refused(run, f"{sentence} A platform admin has to look at it; then it can be retried.")
    return _submitted(context, run, found, adopted=True)


def _submitted(context: Context, run: Run, answer: Json, *, adopted: bool) -> bool:
    recorded = lifecycle.submitted(run, uid=str(answer["metadata"].get("uid", "")), adopted=adopted)
    log.info("submitted", **about(run), adopted=adopted, recorded=recorded, worker=context.worker)
    return True


def _cancelled(context: Context, run: Run) -> bool:
    """Somebody asked to cancel after the run was claimed: Argo knows whether there is a workflow."""
    found = _existing(context, run)
    if found is not None and not workflow.why_not_ours(found, built(run)):
        return _submitted(context, run, found, adopted=True)
    waits_until = (run.claimed_at or context.now()) + timedelta(seconds=context.timeout_seconds)
    if found is None and waits_until > context.now() and run.claimed_by != context.worker:
        # another worker may be in the middle of its call
        lifecycle.hold(run, run.trouble, until=waits_until)
        return True
    log.info("never submitted", **about(run))
    return lifecycle.never_submitted(run)


def _existing(context: Context, run: Run) -> Json | None:
    try:
        return context.ask(context.client.get_workflow, run.workflow_name)
    except NotFound as error:
        if error.what != "workflow":
            raise
        return None


def _refused(run: Run, error: Refused) -> bool:
    run.request.refresh_from_db()
    if run.request.cancel_requested_at is not None:
        return lifecycle.never_submitted(run)
    return lifecycle.refused(run, f"{error.cause} {error.remedy}".strip())


def wake_all(context: Context) -> int:
    """Argo is back: runs that were pushed back meanwhile are due at once."""
    waiting = Run.objects.exclude(state=RunState.FINISHED).filter(failures__gt=0)
    return waiting.update(next_try_at=context.now())
