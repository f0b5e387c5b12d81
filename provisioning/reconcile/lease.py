"""One row elects the worker that works, so that several don't do the same work. Nothing depends on it but economy."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import close_old_connections, connections
from django.db.models import Q
from django.utils import timezone

from provisioning.models import WorkerLease
from provisioning.reconcile.guard import attempt

log = structlog.get_logger(__name__)


def worker_name() -> str:
    """`host:pid:random`, as it stands in rows and logs."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(3)}"


class Lease:
    """`renew` takes or keeps the lease. Between the beats of its thread `held` may be old by a third of `seconds`."""

    def __init__(self, name: str, seconds: float, *, now: Callable[[], datetime] = timezone.now) -> None:
        self.name = name
        self._seconds = seconds
        self._now = now
        self._until: datetime | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        return self._until is not None and self._until > self._now()

    def renew(self) -> bool:
        """Whether this worker is the one. One compare-and-set; a lease that ran out belongs to whoever is first."""
        now = self._now()
        until = now + timedelta(seconds=self._seconds)
        WorkerLease.objects.get_or_create(pk=1, defaults={"expires_at": now})
        mine = WorkerLease.objects.filter(pk=1, holder=self.name)
        if mine.filter(expires_at__gt=now).update(heartbeat_at=now, expires_at=until) == 1:
            self._until = until
            return True
        free = WorkerLease.objects.filter(Q(pk=1), Q(holder="") | Q(holder=self.name) | Q(expires_at__lte=now))
        taken = free.update(holder=self.name, acquired_at=now, heartbeat_at=now, expires_at=until) == 1
        self._until = until if taken else None
        return taken

    def release(self) -> None:
        """Let another worker begin at once."""
        self._until = None
        WorkerLease.objects.filter(pk=1, holder=self.name).update(holder="", expires_at=self._now())

    def beat(self) -> None:
        """Renew in a thread of its own, as one unit of work may last longer than the lease."""
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and release."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=self._seconds)
        self.release()

    def _beat(self) -> None:
        while not self._stop.wait(self._seconds / 3):
            held = self.held
            close_old_connections()
            attempt(self.renew, doing="renew the lease", worker=self.name)
            if held and not self.held:
                log.warning("lease lost", worker=self.name)
        connections.close_all()
