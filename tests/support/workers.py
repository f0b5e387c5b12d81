"""The worker in three shapes: passes driven by a test, the whole loop in a thread, and a process that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from provisioning.argo import ArgoWorkflowsClient
from provisioning.models import WorkerLease
from provisioning.reconcile import status
from provisioning.reconcile.context import Context
from provisioning.reconcile.copier import Copier
from provisioning.reconcile.loop import Loop
from provisioning.reconcile.mailbox import Mailbox
from provisioning.reconcile.worker import Worker
from tests.support.trials import NS, Trial
from tests.support.waiting import until

T = TypeVar("T")

BASE = Path(__file__).resolve().parents[2]
CAP = 64 * 1024
# Between two passes so much time goes by that whatever is done now and then is due.
ALWAYS_DUE = 100.0


class Clock:
    """Now, and as much later as a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return timezone.now() + self.ahead

    def pass_by(self, **how_long: float) -> None:
        self.ahead += timedelta(**how_long)


class Hurried:
    """A monotonic clock on which a lot of time passes between two passes, and little within one."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead

    def hurry(self) -> None:
        self.ahead += ALWAYS_DUE


def client_of(url: str, token: str, **given: Any) -> ArgoWorkflowsClient:
    return ArgoWorkflowsClient(url, NS, **{"token": token, "timeout_ms": 10_000, **given})


class Passes:
    """A worker without threads: nothing happens but in `work`, and everything that is done now and then is done in
    each pass, the self-check apart, which takes a second. `clock` is the worker's time of day."""

    def __init__(self, client: ArgoWorkflowsClient, name: str = "worker-1", clock: Clock | None = None) -> None:
        self.client = client
        self.clock = clock or Clock()
        self._hurried = Hurried()
        copier = Copier(0, cap_bytes=CAP, clock=self._hurried)
        self.context = Context(client, name, copier, 10.0, now=self.clock)
        copier.start(self.context)
        status.begin(client.url, client.namespace)
        self.worker = Worker(self.context, copier, Mailbox(), None, clock=self._hurried)

    def work(self) -> bool:
        """One pass; whether there was anything to do."""
        self._hurried.hurry()
        self.worker._check.done()
        return self.worker.work()

    def settle(self) -> None:
        """Passes until there is nothing to do at this moment."""
        while self.work():
            pass

    def until(self, condition: Callable[[], T], trial: Trial, seconds: float = 30.0, what: str = "") -> T:
        """Passes until `condition`; between two, wait for the trial to do something."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or condition}"
            if not self.work():
                trial.news(0.05)
        return found


class Background:
    """The product's own loop in a thread, with its watch and its copying threads."""

    def __init__(self, client: ArgoWorkflowsClient, name: str = "worker-1") -> None:
        self.loop = Loop(client, name=name)
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self.loop.run()
        finally:
            connections.close_all()

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.stop()
        self.thread.join(20)
        assert not self.thread.is_alive(), "the worker did not stop"


class Process:
    """`manage.py reconcile` as it runs in production, against this test's database."""

    def __init__(self, url: str, token: str, **environment: str) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ARGO_", "DJANGO_"))},
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
            "HTTPS": "false",
            "DATABASE_URL": database_url(),
            "ARGO_WORKFLOWS_URL": url,
            "ARGO_NAMESPACE": NS,
            "ARGO_TOKEN": token,
            "ARGO_TIMEOUT": "5000",
            "RESYNC_SECONDS": "1",
            "WORKER_LEASE_SECONDS": "2",
            "LOG_LEVEL": "INFO",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.output = b""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()
        if error is not None:
            sys.stderr.write(self.output.decode(errors="replace")[-20_000:])

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "reconcile"],
            cwd=BASE,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self.output += line

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal_kill(self) -> None:
        """SIGKILL, without waiting for its end: from any thread."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """After a kill."""
        self.kill()
        self.start()

    def kill(self) -> None:
        """SIGKILL: it does nothing any more, at whatever point it was."""
        if self._process is not None:
            self._process.kill()
            self._ended()

    def terminate(self) -> int:
        """SIGTERM, and the exit code once it has ended."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        assert self._process is not None
        code = self._process.wait(20)
        self._reader.join(20)
        return code

    def wait_elected(self) -> None:
        until(lambda: f":{self.pid}:" in WorkerLease.current().holder, 20, "the worker took the lease")


def database_url() -> str:
    """For another process, the database that this test uses."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    host = f"{given['HOST'] or 'localhost'}:{given['PORT'] or 5432}"
    return f"postgresql://{given['USER']}:{given['PASSWORD']}@{host}/{given['NAME']}"


@contextmanager
def resync_every(seconds: float) -> Iterator[None]:
    """For loops in this process."""
    before = settings.RESYNC_SECONDS
    settings.RESYNC_SECONDS = seconds
    try:
        yield
    finally:
        settings.RESYNC_SECONDS = before
