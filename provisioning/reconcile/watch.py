"""One stream for all runs, in a thread of its own. It only makes things quicker: the list sees what it misses."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog
from django.utils import timezone

from provisioning.argo import ArgoError, ArgoWorkflowsClient, ResourceVersionTooOld, StreamEnded
from provisioning.reconcile.backoff import LONGEST_FOR_THE_SERVER, seconds
from provisioning.reconcile.guard import attempt
from provisioning.reconcile.mailbox import Mailbox

log = structlog.get_logger(__name__)

# All that the portal starts.
SELECTOR = "platform.io/type"
# A stream that ended sooner than this has not been one.
_SHORT = 1.0
# An idle stream says nothing, not even that it is open, before its first sign of life after 15 seconds.
_OPENS_WITHIN = 20.0


class Watcher:
    """`follow` tells it from where to watch; `wants_list` says that it needs to be told again."""

    def __init__(
        self,
        client: ArgoWorkflowsClient,
        mailbox: Mailbox,
        *,
        heard: Callable[[], None] = lambda: None,
        wake: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        self._client = client
        self._mailbox = mailbox
        self._heard = heard
        self._wake = wake
        self._now = now
        self._starts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._restart = threading.Event()
        self._failures = 0
        self._began: float | None = None
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.since: datetime | None = None
        self.version = ""
        self.wants_list = True

    @property
    def is_well(self) -> bool:
        """Open, or about to be: `since` is set by the first sign of life."""
        opening = self._began is not None and time.monotonic() - self._began < _OPENS_WITHIN
        return self.since is not None or opening

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        self._stop.set()
        self._restart.set()
        self._starts.put(None)
        self._thread.join(timeout)

    def follow(self, resource_version: str) -> None:
        """Watch from the version of a list; a stream that is open is closed first."""
        self.wants_list = False
        self._restart.set()
        self._starts.put(resource_version)

    def _run(self) -> None:
        while not self._stop.is_set():
            version = self._starts.get()
            self._restart.clear()
            if version is not None:
                attempt(partial(self._follow, version), doing="watch workflows")
            self.since = None

    def _follow(self, version: str) -> None:
        """Connect again and again from where it was; give up when only a list can help."""
        while not self._restart.is_set():
            self._began = began = time.monotonic()
            version = self._read(version) or ""
            self.since = self._began = None
            if not version:
                break
            self._failures = 0 if time.monotonic() - began >= _SHORT else self._failures + 1
            if self._failures:
                self._restart.wait(seconds(self._failures - 1, LONGEST_FOR_THE_SERVER))
        if not self._restart.is_set():
            self.wants_list = True
            self._wake()

    def _read(self, version: str) -> str | None:
        """Read one stream to its end. From where to go on, None when that is not known."""
        self.version = version
        try:
            self._receive(version)
        except StreamEnded as error:
            log.info("watch ended", reason=error.reason, version=self.version)
            return self.version if error.reason != "silent" else None
        except ResourceVersionTooOld:
            log.info("watch too old", version=self.version)
        except ArgoError as error:
            log.warning("watch failed", cause=error.cause)
        return None

    def _receive(self, version: str) -> None:
        stream = self._client.watch_workflows(SELECTOR, version or None, stop=self._restart, heard=self._alive)
        for event in stream:
            self.version = event.resource_version or self.version
            name = event.object.get("metadata", {}).get("name")
            if event.type != "BOOKMARK" and name:
                self._mailbox.put(str(name), event, self._restart)

    def _alive(self) -> None:
        if self.since is None:
            self.since = self._now()
            log.info("watch open", version=self.version)
            self._wake()
        self._heard()
