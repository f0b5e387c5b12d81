"""From approved to its end: what the worker reports, and what people ask of a running request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from provisioning import access, audit
from provisioning.lifecycle import standing
from provisioning.lifecycle.errors import Conflict, Forbidden
from provisioning.lifecycle.transition import move, sentence
from provisioning.models import MOVING, UNDECIDED, Kind, Namespace, Phase, Request, Run, RunState, Step, User
from provisioning.workflows import workflow

VANISHED = "Its workflow is no longer in the cluster, and nobody saw how it ended."


def queue(request: Request) -> Run:
    """A run for the request's newest attempt, with its planned steps; inside the transaction that approved it."""
    run = Run.objects.create(
        request=request,
        attempt=request.attempt,
        workflow_name=workflow.name(request.kind, str(request.pk), request.attempt),
        digest=request.digest,
    )
    Step.objects.bulk_create(
        Step(run=run, position=position, name=step.name) for position, step in enumerate(workflow.PLAN[request.kind])
    )
    return run


# ── what people ask ──────────────────────────────────────────────────────────────────────────────────────────


def cancel(request: Request, *, by: User) -> Request:
    """Stop it before or during its run. Before the worker took it, it is Cancelled at once; afterwards this only asks:
    the worker stops the workflow and believes what Argo then reports. Undecided ones: `asking.withdraw`."""
    if not (by.is_platform_admin or access.is_party(by, request)):
        raise Forbidden("Only the requester, the team's leads and platform admins can cancel a request.")
    with transaction.atomic():
        run = Run.objects.select_for_update().filter(request=request, attempt=request.attempt).first()
        if run is None or request.phase not in MOVING or request.cancel_requested_at is not None:
            request.refresh_from_db()
            raise Conflict(sentence(request), request)
        if _cancel_unclaimed(run):
            _cancelled(request, f"Cancelled by {by.display_name} before anything was submitted.", by)
        else:
            _ask_to_stop(request, by)
    return request


def _cancel_unclaimed(run: Run) -> bool:
    """Whether the worker had not taken it yet: then no workflow can exist, and the run is over."""
    return bool(
        Run.objects.filter(pk=run.pk, state=RunState.QUEUED, claimed_at__isnull=True).update(
            state=RunState.FINISHED, finished_at=timezone.now(), logs_complete=True
        )
    )


def _ask_to_stop(request: Request, by: User) -> None:
    now = timezone.now()
    count = Request.objects.filter(pk=request.pk, phase__in=MOVING, cancel_requested_at__isnull=True).update(
        cancel_requested_at=now,
        version=F("version") + 1,
        updated_at=now,
        message=f"{by.display_name} asked to cancel it: the workflow is being stopped.",
    )
    request.refresh_from_db()
    if count != 1:
        raise Conflict(sentence(request), request)
    Run.objects.filter(request=request, attempt=request.attempt).update(next_try_at=now)
    audit.record("request.cancel-asked", by=by, request=request)


def retry(request: Request, *, by: User) -> Request:
    """A new attempt of the same approved objects. Raises Forbidden, or Conflict when it is not Failed (any more)."""
    if not (by.is_platform_admin or access.is_party(by, request)):
        raise Forbidden("Only the requester, the team's leads and platform admins can retry a request.")
    with transaction.atomic():
        refuse_if_protected(request)
        move(
            request,
            Phase.APPROVED,
            expected=[Phase.FAILED],
            where={"attempt": request.attempt},
            attempt=request.attempt + 1,
            message="",
            finished_at=None,
            cancel_requested_at=None,
        )
        queue(request)
        audit.record(
            "request.retried",
            by=by,
            request=request,
            before={"phase": Phase.FAILED.value},
            after={"phase": request.phase, "attempt": request.attempt},
        )
    return request


def give_up(request: Request, *, by: User) -> Request:
    """End a failed request for good; its name is free again as far as the portal is concerned."""
    if not (by.is_platform_admin or access.is_party(by, request)):
        raise Forbidden("Only the requester, the team's leads and platform admins can give a request up.")
    with transaction.atomic():
        move(request, Phase.CANCELLED, expected=[Phase.FAILED], message=f"Given up by {by.display_name}.")
        audit.record(
            "request.given-up",
            by=by,
            request=request,
            before={"phase": Phase.FAILED.value},
            after={"phase": request.phase},
        )
    return request


def refuse_if_protected(request: Request) -> None:
    """A deletion goes no further while its namespace is protected. Raises Conflict. In a transaction: the row is held,
    so that nobody protects it between this and what follows."""
    if request.kind != Kind.DELETE:
        return
    if Namespace.objects.select_for_update().get(requests=request).protected:
        raise Conflict(f"{request.name} is protected against deletion: lift the protection first.", request)


# ── what the worker reports ──────────────────────────────────────────────────────────────────────────────────


def claim(run: Run, worker: str) -> bool:
    """Take a queued run before submitting it: from here on a workflow may exist. False when it is over or was
    cancelled. Taking it again after a crash is fine, as the workflow's name is always the same."""
    count = Run.objects.filter(pk=run.pk, state=RunState.QUEUED, request__phase=Phase.APPROVED).update(
        claimed_at=timezone.now(), claimed_by=worker
    )
    return count == 1


def submitted(run: Run, *, uid: str, adopted: bool = False) -> bool:
    """Argo has the workflow. False when this was already recorded, by this worker or another."""
    now = timezone.now()
    with transaction.atomic():
        count = Run.objects.filter(pk=run.pk, state=RunState.QUEUED).update(
            state=RunState.SUBMITTED,
            workflow_uid=uid,
            submitted_at=now,
            failures=0,
            trouble="",
            next_try_at=now,
        )
        if count != 1:
            return False
        request = Request.objects.select_related("namespace").get(pk=run.request_id)
        move(request, Phase.PROVISIONING, expected=[Phase.APPROVED])
        standing.begin(request)
        audit.record(
            "run.submitted",
            by=audit.WORKER,
            request=request,
            after={"workflow": run.workflow_name, "attempt": run.attempt, "uid": uid, "adopted": adopted},
        )
    run.refresh_from_db()
    return True


def hold(run: Run, trouble: str, *, until: datetime) -> None:
    """It cannot go on now: say why on the page, and leave it alone until then."""
    changed = Run.objects.filter(pk=run.pk).exclude(trouble=trouble).update(trouble=trouble)
    Run.objects.filter(pk=run.pk).update(next_try_at=until, failures=F("failures") + 1)
    if changed:
        Request(pk=run.request_id).touch()


def untroubled(run: Run) -> None:
    """What kept it is over."""
    if Run.objects.filter(pk=run.pk).exclude(trouble="", failures=0).update(trouble="", failures=0):
        Request(pk=run.request_id).touch()


def refused(run: Run, why: str) -> bool:
    """Argo will never take this workflow. The request is Failed, or Cancelled if that was asked meanwhile."""
    return finish(run, outcome=Phase.FAILED, message=why)


def never_submitted(run: Run) -> bool:
    """A cancel was asked after the run was claimed, and Argo says there is no such workflow."""
    return finish(run, outcome=Phase.CANCELLED, message="Cancelled before anything was submitted.")


def vanished(run: Run) -> bool:
    """The workflow is gone and its end was never seen."""
    return finish(run, outcome=Phase.FAILED, message=VANISHED)


def observed(run: Run, **columns: Any) -> None:
    """What Argo says of a run that goes on: `workflow_phase`, `workflow_message`, `started_at`, `resource_version`…"""
    Run.objects.filter(pk=run.pk).update(observed_at=timezone.now(), failures=0, trouble="", **columns)


def finish(run: Run, *, outcome: Phase, message: str, namespace_uid: str = "", **columns: Any) -> bool:
    """Record the end of a run and of its request, once. False when it was already recorded.

    `outcome`: SUCCEEDED, FAILED or CANCELLED. A run that succeeded although somebody asked to cancel it has succeeded.
    """
    columns.setdefault("finished_at", timezone.now())
    with transaction.atomic():
        count = (
            Run.objects.filter(pk=run.pk)
            .exclude(state=RunState.FINISHED)
            .update(state=RunState.FINISHED, observed_at=timezone.now(), trouble="", failures=0, **columns)
        )
        if count != 1:
            return False
        request = Request.objects.select_related("team", "requester", "namespace").get(pk=run.request_id)
        if outcome == Phase.SUCCEEDED and request.phase == Phase.APPROVED:
            move(request, Phase.PROVISIONING, expected=[Phase.APPROVED])
        left = _end(request, run, outcome, message, namespace_uid)
        audit.record(
            f"run.{outcome.value.lower()}",
            by=audit.WORKER,
            request=request,
            note=message,
            before={"phase": Phase.PROVISIONING.value},
            after={"phase": request.phase, "workflow": run.workflow_name, "attempt": run.attempt, **left},
        )
    run.refresh_from_db()
    return True


def _end(request: Request, run: Run, outcome: Phase, message: str, namespace_uid: str) -> dict[str, Any]:
    """Facts on what became of the namespace."""
    if outcome == Phase.SUCCEEDED:
        move(request, Phase.SUCCEEDED, expected=[Phase.PROVISIONING], message="")
        return standing.succeeded(request, namespace_uid)
    standing.stopped(request, run)
    move(request, outcome, expected=MOVING, message=message)
    return {"namespace": request.namespace.status} if request.namespace else {}


def _cancelled(request: Request, message: str, by: User) -> None:
    before = request.phase
    move(request, Phase.CANCELLED, expected=MOVING, message=message)
    audit.record("request.cancelled", by=by, request=request, before={"phase": before}, after={"phase": request.phase})


def expire(request: Request) -> bool:
    """Nobody decided in time. False when somebody just did."""
    with transaction.atomic():
        before = request.phase
        try:
            move(
                request,
                Phase.EXPIRED,
                expected=UNDECIDED,
                where={"waiting_since": request.waiting_since},
                message="Nobody decided in time.",
            )
        except Conflict:
            return False
        audit.record(
            "request.expired",
            by=audit.WORKER,
            request=request,
            before={"phase": before},
            after={"phase": request.phase},
        )
    return True
