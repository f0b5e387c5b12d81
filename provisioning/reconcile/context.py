"""What every unit of work needs: the client, who is at work, the time, and the copier of logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.utils import timezone

from provisioning.argo import ArgoError, ArgoWorkflowsClient

T = TypeVar("T")

Json = dict[str, Any]


class Copies(Protocol):
    """Who copies logs; see `copier.Copier`."""

    def offer(self, log_id: int, *, urgent: bool = False, look: bool = False) -> None: ...


@dataclass(slots=True)
class Context:
    """`answered_at` is when Argo last gave any answer that proves that it works; None before the first."""

    client: ArgoWorkflowsClient
    worker: str
    copies: Copies
    timeout_seconds: float
    now: Callable[[], datetime] = timezone.now
    answered_at: datetime | None = None
    # Runs whose attempts have ended since the logs were last looked for.
    dirty: set[int] = field(default_factory=set)

    def ask(self, call: Callable[..., T], *args: object, **named: object) -> T:
        """`call(…)`, noting that Argo answered. A refusal of this one thing is an answer, too."""
        try:
            answer = call(*args, **named)
        except ArgoError as error:
            if not error.whole_server and error.status is not None:
                self.hear()
            raise
        self.hear()
        return answer

    def hear(self) -> None:
        """Argo gave a sign of life."""
        self.answered_at = self.now()
