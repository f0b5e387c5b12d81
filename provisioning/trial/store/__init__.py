"""What the trial remembers: workflows, their templates, pods' logs, and the cluster's conditions."""

from __future__ import annotations

from .objects import AlreadyExists, Event, NotFound, Snapshot, StoreError, TooOld
from .records import LogLine, Pod
from .records import Records as Store

__all__ = [
    "AlreadyExists",
    "Event",
    "LogLine",
    "NotFound",
    "Pod",
    "Snapshot",
    "Store",
    "StoreError",
    "TooOld",
]
