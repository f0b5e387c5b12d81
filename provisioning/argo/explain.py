"""Why a step waits or has failed, in a sentence for people, and what can be done about it. Pure.

The scripts of the templates end with exit codes of their own: 64 wrong input, 65 a conflict, 66 refused by the
cluster, 67 held by somebody else, 75 not now; and they print the reason as a line that begins with ❌.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from provisioning.argo.errors import cut
from provisioning.argo.logs import is_executor_line
from provisioning.argo.nodes import StepObservation
from provisioning.argo.reasons import Reason

INVALID, CONFLICT, REFUSED, HELD, NOT_NOW = 64, 65, 66, 67, 75
SHELL_ERROR, COMMAND_MISSING, KILLED, STOPPED = 2, 127, 137, 143
_MARK = "❌"
_LONGEST = 400
_TAIL = 3
_EXIT_LINE = re.compile(r"\AError: exit status \d+\Z")

Audience = Literal["person", "admin"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`audience` says who can act on it: the one who asked, or a platform admin. An empty sentence: nothing to say."""

    sentence: str
    audience: Audience = "person"
    remedy: str = ""


def explain(step: StepObservation, log_tail: Sequence[str] = ()) -> Explanation:
    """`log_tail`: the last lines of the step's last attempt; the executor's own among them do no harm."""
    if step.phase in {"", "Succeeded"}:
        return Explanation("")
    lines = [
        line.strip()
        for line in log_tail
        if line.strip() and not is_executor_line(line) and not _EXIT_LINE.match(line.strip())
    ]
    if step.phase in {"Running", "Pending"}:
        return _waiting(step, lines)
    if by_reason := _BY_REASON.get(step.reason):
        return by_reason(step, lines)
    by_code = _BY_CODE.get(step.exit_code) if step.exit_code is not None else _no_code
    return (by_code or _any_code)(step, lines)


def _waiting(step: StepObservation, lines: list[str]) -> Explanation:
    if step.reason in _WAITS:
        sentence, remedy = _WAITS[step.reason]
        return Explanation(sentence.format(cut(_last_message(step), _LONGEST)), "admin", remedy)
    if step.reason != Reason.BACKOFF:
        return Explanation("")
    if _code(step) == NOT_NOW:
        return Explanation(
            "The name is not free yet, the old namespace is being removed; the step tries again by itself."
        )
    again = step.message.removeprefix("Backoff for ")
    said = _quoted(lines) or _last_message(step)
    return Explanation(f"Attempt {len(step.attempts)} failed ({said}); the next one starts after {again}.")


_WAITS = {
    Reason.IMAGE_PULL: (
        "The step waits for its image, which cannot be pulled: {}",
        "Check the image's name in the WorkflowTemplate, its registry, and the pull secret.",
    ),
    Reason.UNSCHEDULABLE: (
        "No node of the cluster takes the step: {}",
        "Free or add capacity, or correct node selector, taints or requests; Argo would wait for ever.",
    ),
    Reason.QUOTA: (
        "A quota keeps the step from starting: {}",
        "Raise the ResourceQuota of the workflows' namespace, or wait until other runs have ended.",
    ),
}


def _by_image(step: StepObservation, _lines: list[str]) -> Explanation:
    sentence = "The step could not start, its image cannot be pulled: {}"
    return Explanation(sentence.format(cut(_last_message(step), _LONGEST)), "admin", _WAITS[Reason.IMAGE_PULL][1])


def _unschedulable(step: StepObservation, _lines: list[str]) -> Explanation:
    sentence = "The step never started, no node of the cluster took it: {}"
    return Explanation(sentence.format(cut(_last_message(step), _LONGEST)), "admin", _WAITS[Reason.UNSCHEDULABLE][1])


def _out_of_memory(_step: StepObservation, _lines: list[str]) -> Explanation:
    return Explanation(
        "The step ran out of memory (platform setting).",
        "admin",
        "Raise resources.limits.memory of the step's container in the WorkflowTemplate.",
    )


def _too_long(step: StepObservation, _lines: list[str]) -> Explanation:
    if step.exit_code is None:
        return Explanation(
            "The step took longer than it may, and its container never started.",
            "admin",
            "Look at the events of its pod: most often the image could not be pulled.",
        )
    return Explanation(
        "The step took longer than it may.",
        "admin",
        "Read where its log stops; if the cluster is slow, raise activeDeadlineSeconds in the WorkflowTemplate.",
    )


def _run_too_long(_step: StepObservation, _lines: list[str]) -> Explanation:
    return Explanation(
        "The run took longer than it may as a whole, and was ended during this step.",
        "admin",
        "Look which step took the time; if the cluster is slow, raise activeDeadlineSeconds of the WorkflowTemplate.",
    )


def _no_pod(step: StepObservation, _lines: list[str]) -> Explanation:
    said = cut(_last_message(step), _LONGEST)
    if step.reason == Reason.QUOTA:
        return Explanation(f"A quota kept the step from starting: {said}", "admin", _WAITS[Reason.QUOTA][1])
    return Explanation(
        f"The cluster refused to start the step: {said}",
        "admin",
        "Check Pod Security, admission policies and the service account of the workflows' namespace.",
    )


def _pod_gone(step: StepObservation, _lines: list[str]) -> Explanation:
    sentences = {
        Reason.POD_DELETED: "The step's pod was deleted while it ran.",
        Reason.NODE_LOST: "The node that ran the step was lost.",
        Reason.EVICTED: "The cluster moved the step's pod away while it ran.",
    }
    remedies = {
        Reason.POD_DELETED: "Find out who deletes pods in the workflows' namespace.",
        Reason.NODE_LOST: "Check the node; a new attempt runs on another one.",
        Reason.EVICTED: "Check the node's memory and disk, and the priority of the workflows' pods.",
    }
    return Explanation(sentences[step.reason], "admin", f"{remedies[step.reason]} Retry the request.")


def _shut_down(step: StepObservation, _lines: list[str]) -> Explanation:
    how = "stopped" if step.reason == Reason.STOPPED else "terminated"
    return Explanation(f"The run was {how} before this step had ended.")


def _not_reached(_step: StepObservation, _lines: list[str]) -> Explanation:
    return Explanation("The step was not started, as an earlier one did not succeed.")


def _not_needed(_step: StepObservation, _lines: list[str]) -> Explanation:
    return Explanation("The step was not needed.")


def _invalid(_step: StepObservation, lines: list[str]) -> Explanation:
    said = _marked(lines)
    if "not the approved ones" in said:
        return Explanation(
            "What was submitted is not what was approved. Nothing was created.",
            "admin",
            "Find out what changed the workflow's parameters between the portal and the cluster.",
        )
    return Explanation(
        f"The request was not accepted: {said or 'the log does not say why'}.", "person", "Change it and resubmit."
    )


def _conflict(_step: StepObservation, lines: list[str]) -> Explanation:
    said = _marked(lines) or "the namespace is in the way"
    remedy = "Ask the owner of the namespace, or a platform admin."
    if "force" in said:
        remedy = "Remove what is left in the namespace, or have the deletion approved with force."
    elif "never became ready" in said:
        remedy = "Retry the creation of the namespace."
    elif "another request" in said or "exists" in said:
        remedy = "Choose another name, or ask the owner of the namespace."
    if "does not exist" in said:
        remedy = "The namespace is gone: request a new one."
    return Explanation(f"{said[:1].upper()}{said[1:]}.", "person", remedy)


def _refused(_step: StepObservation, lines: list[str]) -> Explanation:
    at = [number for number, line in enumerate(lines) if line.startswith(_MARK)]
    said = lines[at[-1] - 1] if at and at[-1] > 0 else "the log does not say why"
    return Explanation(
        f"The cluster refused this step: {cut(said, _LONGEST)}",
        "admin",
        "It is a missing permission, an admission policy or a manifest that this cluster does not accept.",
    )


def _held(_step: StepObservation, lines: list[str]) -> Explanation:
    at = [number for number, line in enumerate(lines) if line.startswith(_MARK)]
    conditions = "; ".join(lines[at[-1] + 1 :]) if at else ""
    return Explanation(
        f"The namespace is still terminating: {cut(conditions, _LONGEST) or 'the log does not say what holds it'}",
        "admin",
        "Usually it is a finalizer of an operator: let the operator finish, or remove its finalizer.",
    )


def _not_now(_step: StepObservation, _lines: list[str]) -> Explanation:
    return Explanation(
        "The name is not free yet, the old namespace is being removed; try again in a few minutes.",
        "person",
        "Retry the request in a few minutes.",
    )


def _wrong_template(_step: StepObservation, lines: list[str]) -> Explanation:
    return Explanation(
        f"The step's script has an error{_after_colon(lines)}.",
        "admin",
        "The WorkflowTemplate is not the shipped one, or its image has another shell: install the templates again.",
    )


def _wrong_image(_step: StepObservation, lines: list[str]) -> Explanation:
    return Explanation(
        f"A program is missing in the step's image{_after_colon(lines)}.",
        "admin",
        "Use an image that holds kubectl and a shell (`kubectl_image` in the catalogue).",
    )


def _killed(_step: StepObservation, _lines: list[str]) -> Explanation:
    return Explanation(
        "The step was killed from outside.",
        "admin",
        "Most often it is the step's memory limit or its deadline: look at the events of its pod.",
    )


def _any_code(step: StepObservation, lines: list[str]) -> Explanation:
    number = len(step.attempts)
    tries = f" after {number} attempts" if number > 1 else ""
    said = _quoted(lines) or f"its log says nothing, the exit code is {step.exit_code}"
    return Explanation(
        f"The step failed{tries}: {said}", "person", "Retry the request; if it fails again, tell an admin."
    )


def _no_code(step: StepObservation, lines: list[str]) -> Explanation:
    if lines:
        return _any_code(step, lines)
    said = cut(_last_message(step), _LONGEST) or "Argo does not say why"
    return Explanation(f"The step could not run: {said}", "admin", "Look at the events of the workflows' namespace.")


_Explainer = Callable[[StepObservation, list[str]], Explanation]

_BY_REASON: dict[Reason, _Explainer] = {
    Reason.IMAGE_PULL: _by_image,
    Reason.UNSCHEDULABLE: _unschedulable,
    Reason.OUT_OF_MEMORY: _out_of_memory,
    Reason.STEP_DEADLINE: _too_long,
    Reason.RUN_DEADLINE: _run_too_long,
    Reason.QUOTA: _no_pod,
    Reason.POD_REFUSED: _no_pod,
    Reason.POD_DELETED: _pod_gone,
    Reason.NODE_LOST: _pod_gone,
    Reason.EVICTED: _pod_gone,
    Reason.STOPPED: _shut_down,
    Reason.TERMINATED: _shut_down,
    Reason.OMITTED: _not_reached,
    Reason.SKIPPED: _not_needed,
}
_BY_CODE: dict[int, _Explainer] = {
    INVALID: _invalid,
    CONFLICT: _conflict,
    REFUSED: _refused,
    HELD: _held,
    NOT_NOW: _not_now,
    SHELL_ERROR: _wrong_template,
    COMMAND_MISSING: _wrong_image,
    KILLED: _killed,
    STOPPED: _killed,
}


def _last_message(step: StepObservation) -> str:
    return (step.attempts[-1].message if step.attempts else "") or step.message


def _code(step: StepObservation) -> int | None:
    return step.attempts[-1].exit_code if step.attempts else step.exit_code


def _marked(lines: list[str]) -> str:
    """The last line with ❌, without it."""
    found = [line for line in lines if line.startswith(_MARK)]
    return cut(found[-1].removeprefix(_MARK).strip(), _LONGEST) if found else ""


def _quoted(lines: list[str]) -> str:
    return cut(" / ".join(lines[-_TAIL:]), _LONGEST)


def _after_colon(lines: list[str]) -> str:
    return f": {cut(lines[-1], _LONGEST)}" if lines else ""
