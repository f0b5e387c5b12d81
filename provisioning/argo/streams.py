"""Argo's endless answers: one JSON object per line, bare or as server-sent events."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Generator, Iterator
from typing import Any

import requests

from provisioning.argo.answers import error_of, stream_problem
from provisioning.argo.errors import ArgoError, BadAnswer, Ending, StreamEnded, Timeout
from provisioning.argo.failures import NETWORK
from provisioning.argo.transport import CHUNK, HTTP_OK, Call, Transport

# Only this exact value makes the server send a sign of life every 15 s; without it an idle stream is mute
EVENT_STREAM = "text/event-stream"
SILENCE_SECONDS = 45.0
# a workflow has at most some MiB; a log line of 1 MiB may grow sixfold by JSON's escapes
LONGEST_LINE = 64 * 1024 * 1024
_QUEUE = 64
_LOOK_SECONDS = 0.2

Message = dict[str, Any] | None  # None is a sign of life
_NOTHING: dict[str, Any] = {}  # by identity: nothing came while we looked


class Stream:
    """One stream: `messages` reads it, `abort` wakes up whoever is blocked in reading it."""

    def __init__(self, transport: Transport, call: Call, silence_seconds: float) -> None:
        self._transport = transport
        self._call = call
        self._silence = silence_seconds
        self._response: requests.Response | None = None

    def messages(self) -> Generator[Message, None, None]:
        """The `result` of each message, and None for each sign of life.

        Returns when the server ended the stream properly. Raises StreamEnded when it broke or fell silent,
        the error the server sent inside the stream, and what `Transport.stream` raises.
        """
        self._response = response = self._open()
        try:
            yield None
            yield from read(_lines(self._transport, self._call, response), self._transport, self._call)
        finally:
            response.close()

    def abort(self) -> None:
        # a response that is over, or has no socket of its own, raises one of these
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            if self._response is not None:
                self._response.raw.shutdown()

    def _open(self) -> requests.Response:
        try:
            response = self._transport.stream(self._call, self._silence)
        except Timeout as error:
            raise StreamEnded(f"No sign of life when asked to {self._call.purpose}.", reason="silent") from error
        if "html" in response.headers.get("Content-Type", "").lower():
            response.close()
            raise BadAnswer(f"The answer to the call to {self._call.purpose} is an HTML page.", status=HTTP_OK)
        return response


def _lines(transport: Transport, call: Call, response: requests.Response) -> Iterator[tuple[bytes, bool]]:
    """Each line with whether its end was seen: an error comes without, and so does a line that was cut."""
    buffer = bytearray()
    while piece := _piece(transport, call, response):
        searched = len(buffer)
        buffer += piece
        while (end := buffer.find(b"\n", searched)) >= 0:
            yield bytes(buffer[:end]), True
            del buffer[: end + 1]
            searched = 0
        if len(buffer) > LONGEST_LINE:
            raise BadAnswer(f"A line of more than {LONGEST_LINE} bytes came when asked to {call.purpose}.")
    if buffer.strip():
        yield bytes(buffer), False


def _piece(transport: Transport, call: Call, response: requests.Response) -> bytes:
    try:
        return bytes(response.raw.read1(CHUNK, decode_content=True) or b"")
    except NETWORK as error:
        failure = transport.failure(error, call)
        reason: Ending = "silent" if isinstance(failure, Timeout) else "cut"
        raise StreamEnded(failure.cause, reason=reason) from None


def read(lines: Iterator[tuple[bytes, bool]], transport: Transport, call: Call) -> Iterator[Message]:
    """The messages in `lines`, of either framing: `{…}`, `data: {…} `, and `:` as a sign of life."""
    for raw, whole in lines:
        line = raw.strip()
        if line.startswith(b":"):
            yield None
        elif line and not line.startswith((b"event:", b"id:", b"retry:")):
            yield _message(line.removeprefix(b"data:"), transport, call, whole=whole)


def _message(line: bytes, transport: Transport, call: Call, *, whole: bool) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        if not whole:
            raise StreamEnded("The stream broke in the middle of a line.", reason="cut") from None
        raise BadAnswer(f"A line that is not JSON came when asked to {call.purpose}.") from None
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        return dict(value["result"])
    if isinstance(value, dict) and "error" in value:
        raise transport.hidden(error_of(stream_problem(value["error"]), call.purpose, transport.namespace))
    # `{}`: an error that the call's own `fields` have emptied
    raise StreamEnded(f"A message without content came when asked to {call.purpose}.", reason="closed")


class _End:
    """The stream came to its proper end."""


class Pump:
    """Reads a stream in a thread of its own, as a read that waits for the next byte cannot be told to stop."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._queue: queue.Queue[Message | ArgoError | _End] = queue.Queue(_QUEUE)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="argo-stream", daemon=True)

    def messages(self, stop: threading.Event) -> Generator[Message, None, None]:
        """What the stream yields, until it ends, raises, or `stop` is set (then returns at once)."""
        self._thread.start()
        try:
            while not stop.is_set():
                item = self._next()
                if isinstance(item, _End):
                    return
                if isinstance(item, ArgoError):
                    raise item
                if item is not _NOTHING:
                    yield item
        finally:
            self._closed.set()
            self._stream.abort()

    def _next(self) -> Message | ArgoError | _End:
        try:
            return self._queue.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            return _NOTHING

    def _run(self) -> None:
        end: ArgoError | _End = StreamEnded("The reader of the stream failed.", reason="cut")
        try:
            with contextlib.closing(self._stream.messages()) as messages:
                for message in messages:
                    if not self._put(message):
                        break
            end = _End()
        except ArgoError as error:
            end = error
        finally:
            self._put(end)

    def _put(self, item: Message | ArgoError | _End) -> bool:
        """False when nobody listens any more. A slow listener slows the reading, so little is kept in memory."""
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=_LOOK_SECONDS)
                return True
        return False
