"""The server as a whole: on, off, and away for a while."""

from __future__ import annotations

import errno
import ipaddress
import threading
from typing import TYPE_CHECKING

from .application import Application
from .wire import Wire

if TYPE_CHECKING:
    from .calls import Trial

RETRY_SECONDS = 0.5


class NotLoopback(ValueError):
    pass


class PortTaken(RuntimeError):
    pass


class Server:
    """Serves `trial` on a loopback address. Port 0 takes a free one."""

    def __init__(self, trial: Trial, *, host: str = "127.0.0.1", port: int = 0, calls_per_second: int = 1000) -> None:
        """Raises NotLoopback for any address that others could reach."""
        self.trial = trial
        self._wire = Wire(Application(trial, calls_per_second), loopback(host), port)
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._stopped = False

    @property
    def port(self) -> int:
        return self._wire.port

    @property
    def url(self) -> str:
        host = self._wire.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def away(self) -> bool:
        """Whether `pause` holds."""
        return self._timer is not None

    def start(self) -> None:
        """Raises PortTaken."""
        try:
            self._wire.open()
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            text = f"port {self.port} is in use or not allowed: choose another one with --port or TRIAL_PORT"
            raise PortTaken(text) from None

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._timer is not None:
                self._timer.cancel()
            self._wire.close()
        self._wire.join()

    def pause(self, seconds: float) -> None:
        """Refuse connections and cut those that are open; come back by itself. A second call replaces the first;
        0 comes back at once."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._wire.close()
            self._timer = self._return_after(seconds)

    def _return_after(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self._return)
        timer.daemon = True
        timer.start()
        return timer

    def _return(self) -> None:
        with self._lock:
            if self._stopped or threading.current_thread() is not self._timer:
                return
            try:
                self._wire.open()
            except OSError:  # somebody took the port meanwhile: keep trying
                self._timer = self._return_after(RETRY_SECONDS)
            else:
                self._timer = None


def loopback(host: str) -> str:
    """The address to listen on. Raises NotLoopback."""
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        good = ipaddress.ip_address(address).is_loopback
    except ValueError:
        good = False
    if not good:
        raise NotLoopback(f"{host} is not a loopback address: the trial serves this machine only")
    return address
