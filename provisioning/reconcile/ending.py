"""A run whose workflow has ended is concluded from rows: its outcome, and a sentence on why and what was undone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from provisioning import lifecycle
from provisioning.argo import Observation, observe
from provisioning.argo.explain import explain_run
from provisioning.models import Phase, Run, Step, StepLog, StepPhase
from provisioning.reconcile import logs, steps
from provisioning.reconcile.context import Context
from provisioning.reconcile.limits import minutes
from provisioning.reconcile.submit import about
from provisioning.workflows import workflow

log = structlog.get_logger(__name__)

# What the sentence quotes is waited for this long at most.
LONGEST_WAIT = 10.0
_BROKEN = frozenset({StepPhase.FAILED, StepPhase.ERROR})
_SHUT_DOWN = re.compile(r"Stopped with strategy '(Stop|Terminate)'")
_DECORATION = re.compile(r"\A[^\w(]+")
# Where nothing is undone, the exit handler only marks the namespace.
_MARKED = {
    "change": "What was changed so far stays as it is.",
    "adopt": "What was changed so far stays as it is; nothing was deleted.",
    "delete": "The namespace is still there.",
}


def conclude(context: Context, run: Run) -> bool:
    """Finish `run`, or look again shortly if a log that its sentence quotes is still being read."""
    found = list(run.steps.prefetch_related("logs"))
    if succeeded(run, found):
        return _finish(run, Phase.SUCCEEDED, "", found)
    quoted = _quoted(found)
    if (missing := _unread(quoted)) and not _waited_enough(context, run):
        for each in missing:
            context.copies.offer(each.pk, urgent=True)
        if _unread(quoted := _quoted(list(run.steps.prefetch_related("logs")))):
            return False  # still due: the copier wakes the loop
        found = list(run.steps.prefetch_related("logs"))
    for step in quoted:
        steps.explain_again(step)
    outcome = Phase.CANCELLED if was_cancelled(run) else Phase.FAILED
    return _finish(run, outcome, message(run, found), found)


def succeeded(run: Run, found: Sequence[Step]) -> bool:
    """Before 4.0.10, a run that was terminated while it waited for its lock says Succeeded, without a step done."""
    nothing_done = was_shut_down(run) and not any(step.phase == StepPhase.SUCCEEDED for step in found)
    return run.workflow_phase == "Succeeded" and not nothing_done


def was_shut_down(run: Run) -> bool:
    return run.stop_asked_at is not None or bool(_SHUT_DOWN.search(run.workflow_message))


def was_cancelled(run: Run) -> bool:
    """Somebody asked for it here, and the workflow was shut down; else it failed by itself before."""
    return run.request.cancel_requested_at is not None and (was_shut_down(run) or run.workflow_phase == "Succeeded")


def failed_step(found: Sequence[Step]) -> Step | None:
    """The planned step that broke first."""
    broken = [step for step in found if step.planned and step.phase in _BROKEN]
    return min(broken, key=lambda step: (step.finished_at is None, step.finished_at, step.position), default=None)


def message(run: Run, found: Sequence[Step]) -> str:
    """For people: what happened, then what became of what was made so far."""
    return " ".join(part for part in (_cause(run, found), undone(run, found)) if part)


def _cause(run: Run, found: Sequence[Step]) -> str:
    if was_cancelled(run):
        return "The workflow was stopped as asked."
    step = failed_step(found)
    if run.stop_asked_at is not None:
        limit = f"It took more than {minutes(run.request.kind)} minutes, so the portal stopped it."
        waiting = step.sentence if step and "before this step had ended" not in step.sentence else ""
        return f"{limit} {_ended(waiting)}".strip()
    if shut := _SHUT_DOWN.search(run.workflow_message):
        how = "stopped" if shut[1] == "Stop" else "terminated"
        return f"Somebody {how} the workflow in Argo directly."
    if step is None:
        return _without_steps(run)
    return _ended(f"{_title(run, step)}: {step.sentence or step.message or 'it failed'}")


def _without_steps(run: Run) -> str:
    """Argo ended it before any step could fail."""
    said = explain_run(as_observed(run))
    if not said.sentence:
        return "Argo could not run it, and does not say why."
    remedy = f"Platform admins: {said.remedy}" if said.audience == "admin" else said.remedy
    return " ".join(_ended(part) for part in (said.sentence, remedy) if part)


def as_observed(run: Run) -> Observation:
    """The row as what Argo told of the run as a whole, for `argo.explain_run`."""
    return replace(
        observe({}),
        name=run.workflow_name,
        phase=run.workflow_phase,
        message=run.workflow_message,
        uid=run.workflow_uid,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def undone(run: Run, found: Sequence[Step]) -> str:
    """What the exit handler did, in the last words of its own log."""
    handler = workflow.exit_step(run.request.kind)
    if handler is None or not any(step.attempts for step in found):
        return ""
    step = next((step for step in found if step.name == handler.name), None)
    title = "Roll-back" if handler.name == "rollback" else handler.title
    if step is None:
        return f"{title} did not run: what was made so far is still there." if was_shut_down(run) else ""
    lines = [line for line in steps.tail(step) if line.strip()]
    said = _DECORATION.sub("", lines[-1]).strip() if lines else ""
    if step.phase in _BROKEN:
        return _ended(f"{title} failed, too: {said or step.message or 'its log says nothing'}")
    if said.endswith(" annotated"):
        return _MARKED.get(run.request.kind, "")
    return _ended(f"{title}: {said}" if said and handler.name == "rollback" else said)


def _title(run: Run, step: Step) -> str:
    plan = {planned.name: planned.title for planned in workflow.PLAN[run.request.kind]}
    return plan.get(step.name, step.name)


def _ended(sentence: str) -> str:
    """With a full stop, whatever was quoted."""
    sentence = sentence.strip()
    return sentence if not sentence or sentence[-1] in ".!?…" else f"{sentence}."


def _quoted(found: Sequence[Step]) -> list[Step]:
    """The steps whose logs the sentence quotes."""
    step = failed_step(found)
    handlers = [each for each in found if not each.planned and each.attempts]
    return [*([step] if step else []), *handlers]


def _unread(quoted: Sequence[Step]) -> list[StepLog]:
    """Their last logs, those that were not read since the attempt ended."""
    logs = [max(step.logs.all(), key=lambda each: each.attempt, default=None) for step in quoted]
    return [each for each in logs if each is not None and each.read_at is None]


def _waited_enough(context: Context, run: Run) -> bool:
    """`observed_at` stands still once the end was seen."""
    longest = min(context.timeout_seconds, LONGEST_WAIT)
    return run.observed_at is None or context.now() >= run.observed_at + timedelta(seconds=longest)


def _finish(run: Run, outcome: Phase, text: str, found: Sequence[Step]) -> bool:
    made = next((step.outputs.get("namespaceUid", "") for step in found if step.name == "create-namespace"), "")
    columns = {"finished_at": run.finished_at} if run.finished_at else {}
    done = lifecycle.finish(run, outcome=outcome, message=text, namespace_uid=made, **columns)
    if done:
        # its logs may all be stored by now: then nothing else would note it before the next sweep
        logs.complete_runs(Run.objects.filter(pk=run.pk))
    log.info("finished", **about(run), outcome=outcome.value, recorded=done)
    return done
