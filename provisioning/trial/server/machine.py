"""The whole trial in one process: store, cluster, engine, HTTP server and control socket."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from provisioning.trial.cluster import Cluster
from provisioning.trial.engine import Engine, validate
from provisioning.trial.store import Store

from .accounts import Account, Accounts
from .calls import Trial
from .controlling import ControlSocket
from .installing import install
from .service import Server, loopback

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_SOCKET_PATH = 90  # of the 104 to 108 bytes that a unix socket's path may have
POINTER = "control.path"


class AlreadyRunning(RuntimeError):
    """A second trial on the same state."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`pod_seconds`: how long a pod takes to start; `requeue_seconds`: how late the controller looks at a change (a
    real one 10); `calls_per_second`: Argo's --api-rate-limit, 0 for none; `templates`: a directory of WorkflowTemplates
    in YAML or JSON."""

    state: Path
    port: int = 2746
    host: str = "127.0.0.1"
    namespace: str = "argo"
    token_file: Path | None = None
    templates: Path | None = None
    pod_seconds: float = 1.5
    requeue_seconds: float = 0.0
    calls_per_second: int = 1000


class Machine:
    """A trial; `start` and `stop` it, or use it in a `with`. Raises AlreadyRunning when its state is in use."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        loopback(settings.host)
        state = settings.state
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(state)
        self._sockets = _socket_directory(state)
        self.store = Store(state / "store.sqlite3", clock=clock)
        self.cluster = Cluster(state / "cluster.sqlite3", clock=clock)
        self.engine = Engine(
            self.store,
            self.cluster,
            pod_seconds=settings.pod_seconds,
            requeue_seconds=settings.requeue_seconds,
            clock=clock,
        )
        self.accounts = Accounts()
        everywhere = frozenset({settings.namespace})
        self.token = self.accounts.add(Account("platform-portal", settings.namespace, namespaces=everywhere))
        trial = Trial(self.store, validate, self.accounts, settings.namespace, clock)
        self.server = Server(trial, host=settings.host, port=settings.port, calls_per_second=settings.calls_per_second)
        self.control = ControlSocket(self, self._sockets / "control.sock")

    def start(self) -> Self:
        """Serve. Raises PortTaken, and InstallError for templates that can't be installed."""
        if self.settings.templates is not None:
            install(self.store, validate, self.settings.templates, self.settings.namespace)
        for path in filter(None, (self.settings.state / "token", self.settings.token_file)):
            write_secret(path, self.token)
        self.server.start()
        self.control.start()
        (self.settings.state / POINTER).write_text(str(self.control.path))
        self.engine.start()
        return self

    def stop(self) -> None:
        """Close everything; the state stays."""
        self.control.stop()
        self.server.stop()
        self.engine.stop()
        self.cluster.close()
        self.store.close()
        if self._sockets != self.settings.state:
            shutil.rmtree(self._sockets, ignore_errors=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_exception: object) -> None:
        self.stop()


def write_secret(path: Path, text: str) -> None:
    """A file that only this user reads; whoever reads it meanwhile sees the old text or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    Path(temporary).replace(path)


def _locked(state: Path) -> int:
    """A lock that the kernel gives back however this process ends. Raises AlreadyRunning."""
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
        os.close(descriptor)
        raise AlreadyRunning(f"a trial is already running on {state} (process {holder}): stop it first") from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _socket_directory(state: Path) -> Path:
    """The state directory, or a private one with a shorter name."""
    if len(os.fsencode(state)) <= LONGEST_SOCKET_PATH - len("/control.sock"):
        return state
    return Path(tempfile.mkdtemp(prefix="trial-"))
