"""One container's process: started in its own group, its output copied as it comes, ended when it must."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from .sandbox import Sandbox

CHUNK = 65536
LONGEST_LINE = 1 << 20  # as the server splits them
POLL_SECONDS = 0.2
RESULT_LIMIT = 256 * 1024

Lines = Callable[[list[str]], None]


def identity(pid: int) -> str:
    """Tells a process from a later one with the same number; "" when there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        return stat.read_text(errors="replace").rpartition(")")[2].split()[19]
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False, text=True)
    return answer.stdout.strip()


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a process group; one that is gone is no trouble."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


class LineCutter:
    """Bytes to lines: invalid UTF-8 becomes U+FFFD, a trailing carriage return goes."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[str]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > LONGEST_LINE:
            lines.append(self.rest)
            self.rest = b""
        return [self._text(line) for line in lines]

    def end(self) -> list[str]:
        rest, self.rest = self.rest, b""
        return [self._text(rest)] if rest else []

    def _text(self, line: bytes) -> str:
        return line.removesuffix(b"\r").decode("utf-8", "replace")


class Process:
    """A running container, which ends with its `with`. One thread makes and awaits it; `terminate` and `kill` may come
    from another."""

    def __init__(self, sandbox: Sandbox, command: list[str]) -> None:
        self._popen = subprocess.Popen(
            command,
            env=sandbox.env,
            cwd=sandbox.work_dir,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.output = b""  # the beginning of stdout, for outputs.result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._popen.returncode is None:
            self.kill()
        with self._popen:  # closes the pipes, and waits
            pass

    @property
    def pid(self) -> int:
        return self._popen.pid

    def begin(self) -> None:
        """Let the script run, which has waited for this."""
        if self._popen.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it was ended before it began
                self._popen.stdin.write(b"\n")
                self._popen.stdin.close()

    def terminate(self) -> None:
        signal_group(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        signal_group(self.pid, signal.SIGKILL)

    def wait(self, lines: Lines) -> int:
        """Hand on every line until the process has ended; returns its exit code, 128 + N for signal N."""
        popen = self._popen
        with selectors.DefaultSelector() as selector:
            for stream in (popen.stdout, popen.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, LineCutter())
            over = False
            while selector.get_map():
                ready = selector.select(POLL_SECONDS)
                for key, _ in ready:
                    self._copy(key, selector, lines)
                if over and not ready:
                    break  # something that has left the group keeps the pipe
                if not over and popen.poll() is not None:
                    over = True
                    self.kill()  # what runs in the background ends with the container
            code = popen.wait()
        self.kill()
        return 128 - code if code < 0 else code

    def _copy(self, key: selectors.SelectorKey, selector: selectors.BaseSelector, lines: Lines) -> None:
        stream: IO[bytes] = key.fileobj  # type: ignore[assignment]
        data = os.read(stream.fileno(), CHUNK)
        if stream is self._popen.stdout and len(self.output) < RESULT_LIMIT:
            self.output += data
        cut = key.data.feed(data) if data else key.data.end()
        if cut:
            lines(cut)
        if not data:
            selector.unregister(stream)
