from __future__ import annotations

import os

from tests.support.fixtures import clock, connect, faults, still, templates, trial, worker

__all__ = ["clock", "connect", "faults", "still", "templates", "trial", "worker"]

# Locks and a full disk are brought about by means of SQLite and Linux.
collect_ignore = [] if os.environ.get("TEST_DATABASE_URL", "sqlite:").startswith("sqlite:") else ["test_hard_times.py"]
