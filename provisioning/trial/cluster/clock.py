"""Times as the API server writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]  # Unix time in seconds


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with whole seconds: `2026-01-05T10:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
