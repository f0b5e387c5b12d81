"""Keeps one of `make run`'s processes alive: `python -m portal.keep worker` starts the worker again when it dies.

An end that was asked for (exit code 0, or a signal to this process) is an end. So is dying at once at the very first
start: that is a mistake in the settings, and starting again would only repeat it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

COMMANDS = {
    "web": ["-m", "gunicorn", "-c", "portal/gunicorn_conf.py", "portal.wsgi"],
    "worker": ["manage.py", "reconcile"],
    "trial": ["manage.py", "trial", "serve"],
}
SETTLED_SECONDS = 3.0
LONGEST_PAUSE = 10.0


def keep(command: list[str], *, settled: float = SETTLED_SECONDS, stop: threading.Event | None = None) -> int:
    """Run until it ends by itself or `stop` is set; its exit code. The signals' handlers set `stop`."""
    asked = stop or threading.Event()
    first, pause = True, 0.5
    while True:
        began = time.monotonic()
        process = subprocess.Popen(command)
        code = _wait(process, asked)
        lived = time.monotonic() - began
        if asked.is_set() or code == 0 or (first and lived < settled):
            return abs(code) if code else 0
        first = False
        pause = 0.5 if lived > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
        print(f"ended with {code}; started again in {pause:g} s", flush=True)
        if asked.wait(pause):
            return 0


def _wait(process: subprocess.Popen[bytes], asked: threading.Event) -> int:
    """Its exit code; when the end was asked for, it is told, and given time."""
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            if asked.is_set():
                process.terminate()
                return process.wait(timeout=30)


def main() -> int:
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return keep([sys.executable, *COMMANDS[sys.argv[1]]], stop=asked)


if __name__ == "__main__":
    sys.exit(main())
