"""Looks at the cluster: each a run of the template namespace-audit, submitted once, a few at a time, read when it ends.

A look changes nothing in the cluster, so nobody waits for its lock or stops it: one that takes too long is given up.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import structlog
from django.conf import settings

from provisioning import lifecycle
from provisioning.argo import (
    AlreadyCompleted,
    AlreadyExists,
    ArgoError,
    Forbidden,
    NotFound,
    Observation,
    Refused,
    StepObservation,
    explain,
    explain_run,
    observe,
)
from provisioning.models import Check, CheckState
from provisioning.reconcile.backoff import push_back
from provisioning.reconcile.context import Context, Json
from provisioning.reconcile.limits import ends_by, minutes
from provisioning.workflows import workflow

log = structlog.get_logger(__name__)

KIND = "audit"
# So many runs at once, however many are asked for: the cluster has other work, and people's runs come first.
AT_ONCE = 4
# The watch tells the end; this is for when it does not.
LOOK_AGAIN = timedelta(seconds=10)
TAIL_LINES = 20
NO_RESULT = "The run ended well, but without its result."
VANISHED = "Its workflow is no longer in the cluster, and nobody saw how it ended: check once more."


def about(check: Check) -> dict[str, str]:
    """How log lines name a check."""
    return {"check": str(check.pk), "namespace": check.name, "workflow": check.workflow_name}


def to_submit(context: Context) -> list[Check]:
    """The next ones, as many as there is room for."""
    room = AT_ONCE - Check.objects.filter(state=CheckState.SUBMITTED).count()
    return lifecycle.checks_due(context.now(), room) if room > 0 else []


def to_look_at(context: Context) -> list[Check]:
    """Submitted ones that are due. There are AT_ONCE of them at most, or a few more with two workers at once."""
    rows = Check.objects.filter(state=CheckState.SUBMITTED, next_try_at__lte=context.now())
    return list(rows.order_by("next_try_at"))


def submit(context: Context, check: Check) -> bool:
    """Submit one check, or settle that it never will be. Raises ArgoError; the next try has the same name."""
    if not lifecycle.claim_check(check, context.worker):
        return False
    body = workflow.build_audit(check.name, str(check.pk), namespace=settings.ARGO_NAMESPACE)
    try:
        answer = context.ask(context.client.submit_workflow, body)
    except AlreadyExists:
        return _adopt(context, check, body)
    except Refused as error:
        log.warning("refused", **about(check), cause=error.cause)
        return lifecycle.fail_check(check, f"{error.cause} {error.remedy}".strip())
    except (Forbidden, NotFound) as error:
        if isinstance(error, NotFound) and error.what != "template":
            raise
        # It keeps checks, but not the runs that people wait for
        log.warning("held", **about(check), cause=error.cause)
        push_back(check, error, context.now())
        return True
    return _submitted(context, check, answer, adopted=False)


def _adopt(context: Context, check: Check, body: Json) -> bool:
    """An earlier try of ours that got through, or somebody else's workflow."""
    found = _found(context, check)
    if found is None:
        # Argo answers 409 for other conflicts, too (argo-workflows #14106): nothing was created, so once more
        lifecycle.hold_check(check, "", until=context.now() + timedelta(seconds=1))
        return True
    if why := workflow.why_not_ours(found, body):
        log.error("not ours", **about(check), why=why)
        return lifecycle.fail_check(
            check, f"Argo already has a workflow named {check.workflow_name}, and it is not this check's: {why}."
        )
    return _submitted(context, check, found, adopted=True)


def _submitted(context: Context, check: Check, answer: Json, *, adopted: bool) -> bool:
    recorded = lifecycle.check_submitted(check, uid=str(answer["metadata"].get("uid", "")), adopted=adopted)
    _leave(context, check)
    log.info("check submitted", **about(check), adopted=adopted, recorded=recorded, worker=context.worker)
    return True


def _leave(context: Context, check: Check) -> None:
    """Nothing is to be seen of it for a while, as far as anybody knows."""
    rows = Check.objects.filter(pk=check.pk, state=CheckState.SUBMITTED)
    rows.update(next_try_at=context.now() + LOOK_AGAIN, failures=0, trouble="")


def wake_all(context: Context) -> int:
    """Argo is back: checks that were pushed back meanwhile are due at once."""
    return Check.objects.open().filter(failures__gt=0).update(next_try_at=context.now())


def hurry(context: Context, going_on: Collection[str]) -> int:
    """A list names what goes on: submitted checks that it does not name may be over, those apart that have trouble."""
    rows = Check.objects.filter(state=CheckState.SUBMITTED, next_try_at__gt=context.now(), failures=0)
    over = [pk for pk, name in rows.values_list("pk", "workflow_name") if name not in going_on]
    return Check.objects.filter(pk__in=over, state=CheckState.SUBMITTED).update(next_try_at=context.now())


def look(context: Context, check: Check) -> bool:
    """Ask Argo for this one."""
    found = _found(context, check)
    if found is None:
        log.warning("vanished", **about(check))
        return lifecycle.fail_check(check, VANISHED)
    if record(context, check, found):
        return True
    limit = ends_by(KIND, check.submitted_at)
    if limit is not None and limit <= context.now():
        return _give_up(context, check, observe(found))
    _leave(context, check)
    return False


def record(context: Context, check: Check, found: Json) -> bool:
    """End the check if `found`, its workflow, is over. Whether it was."""
    seen = observe(found)
    if check.workflow_uid and seen.uid != check.workflow_uid:
        log.warning("another workflow of its name", **about(check), uid=seen.uid)
        return lifecycle.fail_check(check, VANISHED)
    if not seen.over:
        return False
    step = seen.steps[0] if seen.steps else None
    if seen.succeeded and step is not None and "live" in step.outputs:
        done = lifecycle.finish_check(check, step.outputs)
    else:
        done = lifecycle.fail_check(check, _why(context, seen, step))
    log.info("check ended", **about(check), phase=seen.phase, recorded=done)
    return done


def _give_up(context: Context, check: Check, seen: Observation) -> bool:
    """Argo's own limit does not end a pod that no node takes."""
    try:
        context.ask(context.client.terminate_workflow, check.workflow_name)
    except (AlreadyCompleted, NotFound) as error:
        log.info("over already", **about(check), cause=error.cause)
        return False
    waiting = next((said for step in seen.steps if (said := explain(step).sentence)), explain_run(seen).sentence)
    limit = f"It took more than {minutes(KIND)} minutes, so the portal ended it."
    return lifecycle.fail_check(check, f"{limit} {waiting}".strip())


def _why(context: Context, seen: Observation, step: StepObservation | None) -> str:
    """Why there is no result, and who can do what about it."""
    if seen.succeeded:
        return NO_RESULT
    said = explain_run(seen) if step is None else explain(step, _last_lines(context, seen, step))
    if not said.sentence:
        return "Argo could not run it, and does not say why."
    remedy = f"Platform admins: {said.remedy}" if said.audience == "admin" and said.remedy else ""
    return " ".join(part for part in (said.sentence, remedy) if part)


def _last_lines(context: Context, seen: Observation, step: StepObservation) -> list[str]:
    """Of its last attempt, as far as Argo still has them: checks' logs are not copied."""
    if not step.attempts:
        return []
    try:
        return context.ask(_tail, context, seen.name, step.attempts[-1].pod_name)
    except ArgoError as error:
        if error.whole_server:
            raise
        log.info("log not read", workflow=seen.name, cause=error.cause)
        return []


def _tail(context: Context, name: str, pod: str) -> list[str]:
    lines = context.client.get_workflow_logs(name, pod, tail_lines=TAIL_LINES)
    return [line.content for line in lines if not line.executor]


def _found(context: Context, check: Check) -> Json | None:
    try:
        return context.ask(context.client.get_workflow, check.workflow_name)
    except NotFound as error:
        if error.what != "workflow":
            raise
        return None
