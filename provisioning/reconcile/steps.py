"""Rows of steps and of their attempts, made to say what an observation says; never backwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from provisioning.argo import Attempt, Explanation, Observation, StepObservation, explain
from provisioning.argo.reasons import reason_of
from provisioning.models import STEP_ENDED, LogChunk, Run, Step, StepLog

# An exit handler that had nothing to do is not drawn.
_DID_NOT_RUN = frozenset({"", "Skipped", "Omitted"})
_RANK = {"": 0, "Pending": 1, "Running": 2}
_ENDED_RANK = 3
_BROKEN = frozenset({"Failed", "Error"})
TAIL_LINES = 50


@dataclass(slots=True)
class Changes:
    """What was written. `ended`: some attempt has ended, so its log can be read whole."""

    visible: bool = False
    ended: bool = False
    new_logs: list[StepLog] = field(default_factory=list)
    changed_logs: list[StepLog] = field(default_factory=list)


def apply(run: Run, seen: Observation) -> Changes:
    """Inside the transaction that holds the run's row. Writes only what differs."""
    steps = {step.name: step for step in run.steps.all()}
    changes = Changes()
    created, changed = _step_rows(run, seen, steps)
    if created or changed:
        changes.visible = True
        Step.objects.bulk_create(created)
        Step.objects.bulk_update(changed, _STEP_COLUMNS)
    steps |= {step.name: step for step in created}
    _log_rows(run, seen, steps, changes)
    return changes


_TIMES = ("started_at", "finished_at")
_STEP_COLUMNS = ("phase", "message", "sentence", "remedy", "for_admins", "exit_code", "attempts", "outputs", *_TIMES)
_LOG_COLUMNS = ("pod_name", "phase", "message", "exit_code", "complete", "read_at", *_TIMES)


def _step_rows(run: Run, seen: Observation, steps: dict[str, Step]) -> tuple[list[Step], list[Step]]:
    created, changed = [], []
    position = max((step.position for step in steps.values()), default=-1)
    for one in _told(seen, steps):
        row = steps.get(one.name)
        if row is None:
            position += 1
            row = Step(run=run, name=one.name, position=position, planned=False)
            created.append(row)
            _fill(row, one)
        elif not _goes_back(row, one) and _fill(row, one):
            changed.append(row)
    return created, changed


def _told(seen: Observation, steps: dict[str, Step]) -> Iterator[StepObservation]:
    """The steps that Argo says something of. Those of the exit handler count once they do something."""
    yield from (one for one in seen.steps if one.phase)
    yield from (one for one in seen.exit_steps if one.name in steps or one.phase not in _DID_NOT_RUN)


def _goes_back(row: Step, one: StepObservation) -> bool:
    if row.has_ended:
        return not one.over
    return len(one.attempts) <= row.attempts and _rank(one.phase) < _rank(row.phase)


def _rank(phase: str) -> int:
    return _RANK.get(phase, _ENDED_RANK)


def _fill(row: Step, one: StepObservation) -> bool:
    """Whether anything differed."""
    facts: dict[str, Any] = {
        "phase": one.phase,
        "message": one.message,
        "exit_code": one.exit_code,
        "attempts": len(one.attempts),
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "outputs": dict(one.outputs),
    }
    if all(getattr(row, name) == value for name, value in facts.items()):
        return False
    for name, value in facts.items():
        setattr(row, name, value)
    quotes = one.phase in _BROKEN or one.message.startswith("Backoff")
    say(row, explain(one, tail(row) if quotes and row.pk else ()))
    return True


def say(row: Step, explanation: Explanation) -> bool:
    """Put the explanation into the row's columns; whether they differed. Saves nothing."""
    facts = {
        "sentence": explanation.sentence,
        "remedy": explanation.remedy,
        "for_admins": explanation.audience == "admin",
    }
    differs = any(getattr(row, name) != value for name, value in facts.items())
    for name, value in facts.items():
        setattr(row, name, value)
    return differs


def _log_rows(run: Run, seen: Observation, steps: dict[str, Step], changes: Changes) -> None:
    rows = {(log.step_id, log.attempt): log for log in StepLog.objects.filter(step__run=run)}
    for one in _told(seen, steps):
        step = steps[one.name]
        for attempt in one.attempts:
            row = rows.get((step.pk, attempt.number))
            if row is None:
                row = StepLog(step=step, attempt=attempt.number)
                changes.new_logs.append(row)
                _fill_log(row, attempt, changes)
            elif row.phase not in STEP_ENDED and _fill_log(row, attempt, changes):
                changes.changed_logs.append(row)
    StepLog.objects.bulk_create(changes.new_logs)
    StepLog.objects.bulk_update(changes.changed_logs, _LOG_COLUMNS)
    changes.visible = changes.visible or bool(changes.new_logs or changes.changed_logs)


def _fill_log(row: StepLog, attempt: Attempt, changes: Changes) -> bool:
    facts = {
        "pod_name": attempt.pod_name,
        "phase": attempt.phase,
        "message": attempt.message,
        "exit_code": attempt.exit_code,
        "started_at": attempt.started_at,
        "finished_at": attempt.finished_at,
    }
    if all(getattr(row, name) == value for name, value in facts.items()):
        return False
    for name, value in facts.items():
        setattr(row, name, value)
    if attempt.over:
        # What was read while it grew is read once more, now that no line can follow
        row.complete, row.read_at = False, None
        changes.ended = True
    return True


# ── sentences, from rows alone ───────────────────────────────────────────────────────────────────────────────


def tail(step: Step, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of the step's last attempt, as far as they are stored."""
    chunks = LogChunk.objects.filter(log__step=step, log__attempt=max(step.attempts - 1, 0), executor=False)
    texts = reversed(chunks.order_by("-first_line").values_list("text", flat=True)[:2])
    return [line for text in texts for line in text.split("\n")][-lines:]


def as_observed(step: Step, logs: Iterable[StepLog]) -> StepObservation:
    """The row as what Argo told, for `argo.explain`."""
    attempts = tuple(
        Attempt(
            number=log.attempt,
            phase=log.phase,
            message=log.message,
            exit_code=log.exit_code,
            pod_name=log.pod_name,
            node_id="",
            started_at=log.started_at,
            finished_at=log.finished_at,
        )
        for log in sorted(logs, key=lambda log: log.attempt)
    )
    last = attempts[-1].message if attempts else ""
    return StepObservation(
        name=step.name,
        phase=step.phase,
        message=step.message,
        reason=reason_of(step.phase, step.message, last, step.exit_code),
        exit_code=step.exit_code,
        started_at=step.started_at,
        finished_at=step.finished_at,
        attempts=attempts,
        outputs=step.outputs,
    )


def explain_again(step: Step) -> bool:
    """Once its log is there, a failed step can quote it. Whether the sentence changed."""
    if not say(step, explain(as_observed(step, step.logs.all()), tail(step))):
        return False
    Step.objects.filter(pk=step.pk, phase=step.phase, attempts=step.attempts).update(
        sentence=step.sentence, remedy=step.remedy, for_admins=step.for_admins
    )
    return True
