"""Why a step waits or has failed, in a sentence for people, and what can be done about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from provisioning.argo.exit_codes import NOT_NOW, explain_exit
from provisioning.argo.explanations import Explainer, Explanation, last_code, last_message, own_lines, quoted
from provisioning.argo.nodes import Observation
from provisioning.argo.reasons import Reason
from provisioning.argo.steps import StepObservation

_QUIET = frozenset({"", "Succeeded"})
_LIVE = frozenset({"Running", "Pending"})


def explain(step: StepObservation, log_tail: Iterable[str] = ()) -> Explanation:
    """`log_tail`: the last lines of the step's last attempt; the executor's own among them do no harm."""
    if step.phase in _QUIET:
        return Explanation("")
    lines = own_lines(log_tail)
    if step.phase in _LIVE:
        return _waiting(step, lines)
    return _BY_REASON.get(step.reason, explain_exit)(step, lines)


def explain_run(run: Observation) -> Explanation:
    """Why a run as a whole waits, or ended without any of its steps being the cause."""
    if run.waiting_for_lock:
        holder = f" ({run.lock_holder})" if run.lock_holder else ""
        return Explanation(f"The run waits until another run on the same namespace{holder} is over.")
    if not run.message or run.phase in {"Running", "Succeeded"}:
        return Explanation("")
    if run.phase in {"", "Pending"}:
        return Explanation(f"The run waits: {run.message}")
    for text, sentence, remedy in _RUN_TEXTS:
        if text in run.message:
            return Explanation(sentence.format(run.message), "admin" if remedy else "person", remedy)
    return Explanation(f"Argo ended the run: {run.message}", "admin", "Read the log of the workflow controller.")


_RUN_TEXTS = (
    ("strategy 'Stop'", "The run was stopped.", ""),
    ("strategy 'Terminate'", "The run was terminated; what it had created was left as it is.", ""),
    (
        "invalid label value",
        "Argo did not start the run, a value of the request cannot be a label: {}",
        "Nothing was created. Correct team, name or request id, and request again.",
    ),
    (
        "Sync of Unknown type",
        "Argo did not start the run, it does not know the lock that keeps two runs off one namespace.",
        "Argo before 3.6 does not know `synchronization.mutexes`: upgrade it.",
    ),
    (
        "templateReferencing",
        "Argo did not start the run, its controller refuses a field that was sent: {}",
        "Compare the controller's workflowRestrictions with what the portal sends.",
    ),
    (
        "workflowTemplateRef",
        "Argo did not start the run: {}",
        "Compare the installed WorkflowTemplates and the controller's workflowRestrictions with the shipped ones.",
    ),
    (
        "error looking up service account",
        "Argo did not start the run, the account of its pods is missing: {}",
        "Create it (`manage.py cluster_setup` prints it).",
    ),
)


def _waiting(step: StepObservation, lines: list[str]) -> Explanation:
    if step.reason in _WAITS:
        sentence, remedy = _WAITS[step.reason]
        return Explanation(f"{sentence}: {last_message(step)}", "admin", remedy)
    if step.reason != Reason.BACKOFF:
        return Explanation("")
    if last_code(step) == NOT_NOW:
        return Explanation(
            "The name is not free yet, the old namespace is being removed; the step tries again by itself."
        )
    again = step.message.removeprefix("Backoff for ")
    said = quoted(lines) or last_message(step)
    return Explanation(f"Attempt {len(step.attempts)} failed ({said}); the next one starts after {again}.")


_WAITS = {
    Reason.IMAGE_PULL: (
        "The step waits for its image, which cannot be pulled",
        "Check the image's name in the WorkflowTemplate, its registry, and the pull secret.",
    ),
    Reason.UNSCHEDULABLE: (
        "No node of the cluster takes the step",
        "Free or add capacity, or correct node selector, taints or requests; Argo would wait for ever.",
    ),
    Reason.QUOTA: (
        "A quota keeps the step from starting",
        "Raise the ResourceQuota of the workflows' namespace, or wait until other runs have ended.",
    ),
}


def _by_image(step: StepObservation, _lines: list[str]) -> Explanation:
    sentence = "The step could not start, its image cannot be pulled: {}"
    return Explanation(sentence.format(last_message(step)), "admin", _WAITS[Reason.IMAGE_PULL][1])


def _unschedulable(step: StepObservation, _lines: list[str]) -> Explanation:
    sentence = "The step never started, no node of the cluster took it: {}"
    return Explanation(sentence.format(last_message(step)), "admin", _WAITS[Reason.UNSCHEDULABLE][1])


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
    said = last_message(step)
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


_BY_REASON: dict[Reason, Explainer] = {
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
