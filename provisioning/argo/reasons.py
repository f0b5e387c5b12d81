"""The sorts of trouble a step can be in, read off Argo's messages of 3.5 to 4.1."""

from __future__ import annotations

import enum
import re


class Reason(enum.StrEnum):
    """Why a step is where it is. NONE: nothing special, or nothing known."""

    NONE = ""
    IMAGE_PULL = "ImagePull"
    UNSCHEDULABLE = "Unschedulable"
    STARTING = "Starting"
    QUOTA = "Quota"
    POD_REFUSED = "PodRefused"
    POD_DELETED = "PodDeleted"
    NODE_LOST = "NodeLost"
    EVICTED = "Evicted"
    OUT_OF_MEMORY = "OutOfMemory"
    STEP_DEADLINE = "StepDeadline"
    RUN_DEADLINE = "RunDeadline"
    STOPPED = "Stopped"
    TERMINATED = "Terminated"
    BACKOFF = "Backoff"
    EXIT_CODE = "ExitCode"
    OMITTED = "Omitted"
    SKIPPED = "Skipped"
    UNKNOWN = "Unknown"


# The first that matches counts. Messages of the pod come before those of the step: they are nearer to the cause.
_TEXTS = (
    (Reason.IMAGE_PULL, r"ErrImage|ImagePullBackOff|InvalidImageName|ImageInspectError|RegistryUnavailable"),
    (Reason.UNSCHEDULABLE, r"Unschedulable|nodes are available"),
    (Reason.QUOTA, r"exceeded quota"),
    (Reason.POD_REFUSED, r"pods? \"[^\"]*\" is forbidden|violates PodSecurity|denied (?:the )?request"),
    (Reason.POD_REFUSED, r"error looking up service account"),
    (Reason.OUT_OF_MEMORY, r"OOMKilled"),
    (Reason.POD_DELETED, r"pod deleted"),
    (Reason.NODE_LOST, r"[Nn]ode ?[Ll]ost|node (?:is )?(?:not ready|unreachable|shutdown)|[Nn]ode ?[Ss]hutdown"),
    (Reason.EVICTED, r"[Ee]victed|low on resource|[Pp]reempt(?!ion:)"),
    (Reason.RUN_DEADLINE, r"exceeded workflow deadline|Step exceeded its deadline"),
    (Reason.STEP_DEADLINE, r"longer than the specified deadline|DeadlineExceeded"),
    (Reason.STOPPED, r"strategy:? +'?Stop\b"),
    (Reason.TERMINATED, r"strategy:? +'?Terminate\b"),
)
_SORTED = tuple((reason, re.compile(pattern)) for reason, pattern in _TEXTS)
_STARTING = re.compile(r"PodInitializing|ContainerCreating")
_LIVE = frozenset({"Running", "Pending"})
_BY_PHASE = {
    "": Reason.NONE,
    "Succeeded": Reason.NONE,
    "Omitted": Reason.OMITTED,
    "Skipped": Reason.SKIPPED,
}


def reason_of(phase: str, message: str, last_message: str, exit_code: int | None) -> Reason:
    """`message` is the step's own, `last_message` its last attempt's."""
    if phase in _BY_PHASE:
        return _BY_PHASE[phase]
    if phase in _LIVE and message.startswith("Backoff for"):
        return Reason.BACKOFF
    told = (reason for text in (last_message, message) for reason, pattern in _SORTED if pattern.search(text))
    if found := next(told, None):
        return found
    if phase in _LIVE:
        return Reason.STARTING if _STARTING.search(last_message or message) else Reason.NONE
    return Reason.EXIT_CODE if exit_code else Reason.UNKNOWN
