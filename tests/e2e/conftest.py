from __future__ import annotations

from tests.support.fixtures import clock, connect, faults, still, templates, trial, worker

__all__ = ["clock", "connect", "faults", "still", "templates", "trial", "worker"]
