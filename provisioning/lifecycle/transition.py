"""The one place where a phase is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F
from django.utils import timezone

from provisioning.lifecycle import standing
from provisioning.lifecycle.errors import Conflict
from provisioning.models import TERMINAL, Phase, Request

# What may follow what. `move` refuses the rest, whoever asks.
FOLLOWS: dict[Phase, frozenset[Phase]] = {
    Phase.PENDING: frozenset(
        {Phase.PENDING, Phase.APPROVED, Phase.CHANGES_REQUESTED, Phase.DENIED, Phase.CANCELLED, Phase.EXPIRED}
    ),
    Phase.CHANGES_REQUESTED: frozenset({Phase.PENDING, Phase.CANCELLED, Phase.EXPIRED}),
    Phase.APPROVED: frozenset({Phase.PROVISIONING, Phase.FAILED, Phase.CANCELLED}),
    Phase.PROVISIONING: frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED}),
    Phase.FAILED: frozenset({Phase.APPROVED, Phase.PENDING, Phase.CANCELLED}),
    **{phase: frozenset() for phase in TERMINAL},
}


def move(
    request: Request,
    to: Phase,
    *,
    expected: Iterable[Phase],
    where: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Compare and set: `request` becomes `to` if it is in an `expected` phase and `where` holds.

    Raises Conflict, carrying the row as it now is, when it is not: then nothing was written. `request` is refreshed.
    Ended without success, it leaves its namespace as `standing.over` says, so call it in a transaction.
    """
    sources = [phase for phase in expected if to in FOLLOWS[phase]]
    now = timezone.now()
    if to in TERMINAL or to == Phase.FAILED:
        changes.setdefault("finished_at", now)
    count = Request.objects.filter(pk=request.pk, phase__in=sources, **(where or {})).update(
        phase=to, version=F("version") + 1, updated_at=now, **changes
    )
    request.refresh_from_db()
    if count != 1:
        raise Conflict(sentence(request), request)
    if to in TERMINAL and to != Phase.SUCCEEDED:
        standing.over(request)


def sentence(request: Request) -> str:
    """What became of it meanwhile, for the person who came second."""
    now = request.get_phase_display().lower()
    last = request.decisions.select_related("by").last()
    if last is not None and request.phase not in {Phase.PENDING, Phase.FAILED}:
        who = last.by.display_name if last.by else f"the rule “{last.rule}”"
        return f"Already decided: {last.get_answer_display().lower()} by {who}. It is {now} now."
    return f"This request changed meanwhile. It is {now} now, revision {request.revision}."
