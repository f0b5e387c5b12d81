"""How a phase, a state or a kind looks: a tone, an icon and a word. A colour never stands alone."""

from __future__ import annotations

import re
from typing import NamedTuple


class Look(NamedTuple):
    """`tone` is the second half of a class of the stylesheet (`tone-ok`), `icon` a name of an icon."""

    tone: str
    icon: str
    word: str


UNKNOWN = Look("mute", "question", "Unknown")

PHASES = {
    "pending": Look("warn", "clock", "Pending"),
    "changesrequested": Look("ask", "pencil", "Changes requested"),
    "approved": Look("accent", "check", "Approved"),
    "provisioning": Look("info", "running", "Provisioning"),
    "succeeded": Look("ok", "check-circle", "Ready"),
    "failed": Look("bad", "x-circle", "Failed"),
    "denied": Look("bad", "no-symbol", "Denied"),
    "cancelled": Look("mute", "minus-circle", "Cancelled"),
    "expired": Look("mute", "hourglass", "Expired"),
}

# What a request that succeeded has become, by its kind.
SUCCESS = {"create": "Ready", "change": "Changed", "delete": "Deleted", "adopt": "Adopted"}

KINDS = {
    "create": Look("accent", "plus", "Create"),
    "change": Look("info", "pencil", "Change"),
    "delete": Look("bad", "trash", "Delete"),
    "adopt": Look("accent", "inbox-arrow-down", "Adopt"),
}

_DONE = Look("ok", "check-circle", "Done")
_TODO = Look("mute", "todo", "Waiting")
_STARTING = Look("info", "running", "Starting")
_NOT_RUN = Look("mute", "minus-circle", "Not run")

STEPS = {
    "": _TODO,
    "waiting": _TODO,
    # Argo's Pending: the pod is being scheduled, or pulls its image.
    "pending": _STARTING,
    "starting": _STARTING,
    "running": Look("info", "running", "Running"),
    "finishing": Look("info", "running", "Finishing"),
    "retrying": Look("warn", "running", "Trying again"),
    "succeeded": _DONE,
    "done": _DONE,
    "failed": Look("bad", "x-circle", "Failed"),
    "error": Look("bad", "x-circle", "Error"),
    "skipped": Look("mute", "minus-circle", "Skipped"),
    "omitted": _NOT_RUN,
    "notrun": _NOT_RUN,
    "cancelled": Look("mute", "stop", "Stopped"),
    "stopped": Look("mute", "stop", "Stopped"),
    "rolledback": Look("warn", "undo", "Rolled back"),
}

# Policy's answers.
VERDICTS = {
    "auto": Look("ok", "check-circle", "Approved at once"),
    "approve": Look("warn", "lock", "Needs a platform admin"),
    "two": Look("warn", "lock", "Needs two platform admins"),
    "refuse": Look("bad", "no-symbol", "Cannot be sent"),
}


def key(value: object) -> str:
    """`ChangesRequested`, `changes_requested` and `Changes requested` are one phase."""
    return re.sub(r"[^a-z]", "", str(value or "").lower())


def phase_look(phase: object, kind: object = "create") -> Look:
    look = PHASES.get(key(phase), UNKNOWN)
    return look._replace(word=SUCCESS.get(key(kind), look.word)) if key(phase) == "succeeded" else look


def step_look(state: object, name: object = "") -> Look:
    """How a step looks; `name` matters for `rollback` alone, whose success is nothing to be glad of."""
    found = STEPS.get(key(state), UNKNOWN)
    return STEPS["rolledback"] if found is _DONE and key(name) == "rollback" else found


def kind_look(kind: object) -> Look:
    return KINDS.get(key(kind), UNKNOWN)


def verdict_look(result: object) -> Look:
    return VERDICTS.get(key(result), UNKNOWN)
