"""What the exit code of a step means. Pure.

The scripts of the templates have codes of their own: 64 wrong input, 65 a conflict, 66 refused by the cluster, 67 held
by somebody else, 75 not now; and they print the reason as a line that begins with ❌. The others are the shell's.
"""

from __future__ import annotations

import re

from provisioning.argo.errors import cut
from provisioning.argo.explanations import (
    LONGEST,
    MARK,
    Explainer,
    Explanation,
    after_colon,
    last_message,
    marked,
    quoted,
)
from provisioning.argo.steps import StepObservation

INVALID, CONFLICT, REFUSED, HELD, NOT_NOW = 64, 65, 66, 67, 75
SHELL_ERROR, COMMAND_MISSING, KILLED, STOPPED = 2, 127, 137, 143
_LONGEST_ERROR = 6
_KUBECTL_ERROR = re.compile(r"\A[Ee]rror\b|\AThe \S+ \"|is (?:forbidden|invalid):|Apply failed with")


def explain_exit(step: StepObservation, lines: list[str]) -> Explanation:
    """`lines`: the step's own last ones."""
    by_code = _BY_CODE.get(step.exit_code) if step.exit_code is not None else _no_code
    return (by_code or _any_code)(step, lines)


def _invalid(_step: StepObservation, lines: list[str]) -> Explanation:
    said = marked(lines)
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
    said = marked(lines) or "the namespace is in the way"
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
    return Explanation(
        f"The cluster refused this step: {_refusal(lines) or 'the log does not say why'}",
        "admin",
        "It is a missing permission, an admission policy or a manifest that this cluster does not accept.",
    )


def _refusal(lines: list[str]) -> str:
    """What kubectl said right before the mark."""
    at = [place for place, line in enumerate(lines) if line.startswith(MARK)]
    said = lines[: at[-1]] if at else lines
    return _error(said) or (cut(said[-1], LONGEST) if said else "")


def _error(lines: list[str]) -> str:
    """The last error of kubectl, from its first line on: it may go over several. Empty when there is none."""
    for back in range(1, min(_LONGEST_ERROR, len(lines)) + 1):
        if _KUBECTL_ERROR.search(lines[-back]):
            return cut(" ".join(lines[-back:]), LONGEST)
    return ""


def _held(_step: StepObservation, lines: list[str]) -> Explanation:
    at = [number for number, line in enumerate(lines) if line.startswith(MARK)]
    conditions = "; ".join(lines[at[-1] + 1 :]) if at else ""
    return Explanation(
        f"The namespace is still terminating: {cut(conditions, LONGEST) or 'the log does not say what holds it'}",
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
        f"The step's script has an error{after_colon(lines)}.",
        "admin",
        "The WorkflowTemplate is not the shipped one, or its image has another shell: install the templates again.",
    )


def _wrong_image(_step: StepObservation, lines: list[str]) -> Explanation:
    return Explanation(
        f"A program is missing in the step's image{after_colon(lines)}.",
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
    said = _error(lines) or quoted(lines) or f"its log says nothing, the exit code is {step.exit_code}"
    return Explanation(
        f"The step failed{tries}: {said}", "person", "Retry the request; if it fails again, tell an admin."
    )


def _no_code(step: StepObservation, lines: list[str]) -> Explanation:
    if lines:
        return _any_code(step, lines)
    said = last_message(step) or "Argo does not say why"
    return Explanation(f"The step could not run: {said}", "admin", "Look at the events of the workflows' namespace.")


_BY_CODE: dict[int, Explainer] = {
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
