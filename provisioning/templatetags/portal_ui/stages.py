"""The life of a request as four stages: asked, decided, run, ended. Where it is, and what it went through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.templatetags.portal_ui.looks import Look, key, phase_look

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("requested", "decision", "run", "end")


@dataclass(frozen=True, slots=True)
class Stage:
    """`place` is done, now or todo; `note` one line below: who, when."""

    place: str
    look: Look
    title: str
    note: str


def life(phase: object, kind: object, notes: Mapping[str, str], *, decided: bool = False) -> list[Stage]:
    """Four stages. `notes` is keyed by `requested`, `decision`, `run` and `end`.

    `decided` tells whether a cancelled or expired request had been approved.
    """
    at, titles = _position(key(phase), decided=decided), _titles(phase, kind)
    ended = key(phase) == "succeeded"
    return [
        Stage(
            _place(index, at),
            _look(index, at, phase, kind),
            titles[index][_tense(index, at, ended=ended)],
            notes.get(name, ""),
        )
        for index, name in enumerate(NAMES)
    ]


def _position(phase: str, *, decided: bool) -> int:
    """Which stage a request stands at."""
    if phase in ("cancelled", "expired"):
        return 2 if decided else 1
    return {"provisioning": 2, "failed": 2, "succeeded": 3}.get(phase, 1)


def _place(index: int, at: int) -> str:
    return "done" if index < at else "now" if index == at else "todo"


def _tense(index: int, at: int, *, ended: bool) -> int:
    """Titles have a future, a present and a past."""
    return 0 if index > at else 1 if index == at and not ended else 2


def _titles(phase: object, kind: object) -> tuple[tuple[str, str, str], ...]:
    word, success = phase_look(phase, kind).word, phase_look("succeeded", kind).word
    waiting = "Waiting for a decision" if key(phase) == "pending" else word
    return (
        ("Requested", "Requested", "Requested"),
        ("Decision", waiting, "Approved"),
        ("Provisioning", word, "Provisioned"),
        (success, success, success),
    )


def _look(index: int, at: int, phase: object, kind: object) -> Look:
    if index < at:
        return Look("ok", "check", "")
    return phase_look(phase, kind) if index == at else Look("mute", "todo", "")
