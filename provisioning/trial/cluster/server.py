"""The socket on which the trial cluster listens for `kubectl` calls: length-framed JSON, one call per connection."""

from __future__ import annotations

import contextlib
import json
import shlex
import socketserver
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioning.trial.cluster.outcome import KubectlResult

FRAME = 4  # bytes of a frame's length, big-endian
POLL_SECONDS = 0.1  # how long a shutdown takes at most
SHIM = Path(__file__).with_name("kubectl_shim.py")
Handler = Callable[[dict[str, Any]], tuple[KubectlResult, bool]]


class Listener(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, handler: Handler) -> None:
        self.handler = handler
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Connection)
        path.chmod(0o600)


class _Connection(socketserver.StreamRequestHandler):
    server: Listener

    def handle(self) -> None:
        size = int.from_bytes(self.rfile.read(FRAME), "big")
        raw = self.rfile.read(size)
        if not raw:
            return  # somebody only looked whether the socket is there
        result, discovered = self.server.handler(json.loads(raw))
        answer = {
            "exit_code": result.exit_code,
            "stdout": result.stdout,
            "stderr": result.stderr,
            "discovered": discovered,
        }
        data = json.dumps(answer).encode()
        with contextlib.suppress(ConnectionError):  # a script that was killed does not wait for its answer
            self.wfile.write(len(data).to_bytes(FRAME, "big") + data)


def listen(path: Path, handler: Handler) -> Listener:
    """Serves in a thread of its own until `shutdown()` and `server_close()` of what it returns."""
    listener = Listener(path, handler)
    threading.Thread(target=listener.serve_forever, args=(POLL_SECONDS,), name="trial-cluster", daemon=True).start()
    return listener


def install(bin_dir: Path) -> None:
    """Writes an executable `kubectl` into `bin_dir`, which is made where it is missing."""
    bin_dir.mkdir(parents=True, exist_ok=True)
    command = bin_dir / "kubectl"
    python, shim = shlex.quote(sys.executable), shlex.quote(str(SHIM))
    command.write_text(f'#!/bin/sh\nexec {python} -S -E {shim} "$@"\n')
    command.chmod(0o755)
