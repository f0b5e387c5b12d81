"""How long to leave something alone that did not work."""

from __future__ import annotations

from datetime import datetime, timedelta

from provisioning import lifecycle
from provisioning.argo import (
    ArgoError,
    BadAnswer,
    Forbidden,
    NotFound,
    TlsFailed,
    Unauthorized,
)
from provisioning.models import Check, Run

LONGEST_FOR_A_ROW = 60.0
LONGEST_FOR_THE_SERVER = 30.0
# These don't pass by themselves: somebody has to do something.
_NEEDS_A_PERSON = (Unauthorized, Forbidden, TlsFailed, BadAnswer, NotFound)
UNEXPECTED = "Something went wrong in the portal itself; it tries again. Platform admins: read the worker's log."


def seconds(failures: int, longest: float) -> float:
    """1, 2, 4 … `longest` after 0, 1, 2 … failures in a row."""
    return float(min(2 ** min(failures, 16), longest))


def trouble_of(error: ArgoError) -> str:
    """What keeps a run from going on, for the page of its request."""
    if isinstance(error, _NEEDS_A_PERSON):
        return f"Argo does not take it at the moment: {error.cause} Platform admins: {error.remedy}"
    return "Argo does not answer at the moment. The portal keeps trying, and nothing is started twice."


def push_back(row: Run | Check, error: Exception, now: datetime) -> None:
    """Leave `row` alone for a while, and say on its page why."""
    wait = max(seconds(row.failures, LONGEST_FOR_A_ROW), getattr(error, "retry_after", None) or 0.0)
    trouble = trouble_of(error) if isinstance(error, ArgoError) else UNEXPECTED
    until = now + timedelta(seconds=wait)
    if isinstance(row, Run):
        lifecycle.hold(row, trouble, until=until)
    else:
        lifecycle.hold_check(row, trouble, until=until)
