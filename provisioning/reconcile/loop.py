"""The worker's loop: elected by the lease, woken by the watch, ended by a signal."""

from __future__ import annotations

import contextlib
import queue
import signal
from types import FrameType

import structlog
from django.conf import settings
from django.db import close_old_connections, connections

from provisioning.argo import ArgoWorkflowsClient
from provisioning.reconcile import status
from provisioning.reconcile.connection import client_from_settings
from provisioning.reconcile.context import Context
from provisioning.reconcile.copier import Copier
from provisioning.reconcile.guard import attempt
from provisioning.reconcile.lease import Lease, worker_name
from provisioning.reconcile.mailbox import Mailbox
from provisioning.reconcile.outage import Outage
from provisioning.reconcile.watch import Watcher
from provisioning.reconcile.worker import Worker

log = structlog.get_logger(__name__)

# How often the database is looked at for something new to do.
POLL_SECONDS = 0.5
# How often a worker that is not elected looks whether the lease is free.
STANDBY_SECONDS = 2.0
COPIER_THREADS = 4
PASSES_AT_MOST = 1_000


class Loop:
    """`run` works until `stop` is called, from a signal's handler or another thread."""

    def __init__(self, client: ArgoWorkflowsClient | None = None, *, name: str = "") -> None:
        self.name = name or worker_name()
        self._client = client or client_from_settings()
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._lease = Lease(self.name, settings.WORKER_LEASE_SECONDS)
        self._trouble = Outage()

    def stop(self) -> None:
        """Set the flag and cut the wait short. SimpleQueue may be used in a signal's handler, an Event may not."""
        self._stopping = True
        self._wakes.put(None)

    def wake(self) -> None:
        self._wakes.put(None)

    def is_stopping(self) -> bool:
        return self._stopping

    def run(self) -> None:
        log.info("worker starts", worker=self.name, argo=self._client.url, namespace=self._client.namespace)
        self._lease.beat()
        try:
            while not self._stopping:
                close_old_connections()
                if attempt(self._lease.renew, doing="take the lease", worker=self.name):
                    self._work_while_elected()
                else:
                    self._wait(STANDBY_SECONDS)
        finally:
            attempt(self._lease.close, doing="release the lease")
            self._client.close()
            connections.close_all()
            log.info("worker stopped", worker=self.name)

    def once(self) -> None:
        """Work until there is nothing to do at this moment, in this thread, without watch or lease."""
        worker = self._worker(threads=0)
        for _ in range(PASSES_AT_MOST):
            if self._stopping or not worker.work(self.is_stopping):
                break

    def _worker(self, *, threads: int) -> Worker:
        """With `threads` that copy logs there is a watch, too."""
        status.begin(self._client.url, self._client.namespace)
        mailbox = Mailbox(self.wake)
        copier = Copier(threads, cap_bytes=settings.LOG_CAP_KIB * 1024, wake=self.wake)
        context = Context(self._client, self.name, copier, settings.ARGO_TIMEOUT / 1000)
        copier.start(context)
        watcher = Watcher(self._client, mailbox, heard=context.hear, wake=self.wake) if threads else None
        return Worker(context, copier, mailbox, watcher)

    def _work_while_elected(self) -> None:
        log.info("worker is elected", worker=self.name)
        worker = attempt(lambda: self._worker(threads=COPIER_THREADS), doing="begin")
        if worker is None:
            self._wait(STANDBY_SECONDS)
            return
        worker.begin()
        try:
            while not self._stopping and self._lease.held:
                self._pass(worker)
        finally:
            worker.close()

    def _pass(self, worker: Worker) -> None:
        close_old_connections()
        busy = attempt(lambda: worker.work(self._stops), doing="a pass", worker=self.name)
        if busy is None:
            # the database is away, or a mistake of ours: neither gets better by hurry
            self._trouble.failed()
            self._wait(self._trouble.seconds_left)
            return
        self._trouble.over()
        if not busy:
            self._wait(POLL_SECONDS)

    def _stops(self) -> bool:
        return self._stopping or not self._lease.held

    def _wait(self, seconds: float) -> None:
        """Until somebody wakes it. Ten wakes at once are one."""
        with contextlib.suppress(queue.Empty):
            self._wakes.get(timeout=seconds)
            while True:
                self._wakes.get_nowait()


def install_signals(loop: Loop) -> None:
    """SIGTERM and SIGINT end the loop after the unit it is in."""

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        loop.stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
