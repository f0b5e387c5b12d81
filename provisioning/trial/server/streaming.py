"""A stream of messages on a connection: JSON lines or SSE, with Argo's keepalive and its errors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .gojson import dumps
from .status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .fields import Cleaner
    from .wire import Connection

LONGEST_WAIT = 0.25  # seconds until a client that has gone is noticed


class MessageStream:
    """Nothing is written, not even the status line, before the first message or, in SSE, the first keepalive."""

    def __init__(
        self,
        connection: Connection,
        cleaner: Cleaner,
        headers: Callable[[], Mapping[str, str]],
        *,
        keepalive_seconds: float | None,
    ) -> None:
        """`keepalive_seconds` is None in JSON mode. `headers` are those of every answer through gRPC."""
        self._connection = connection
        self._cleaner = cleaner
        self._headers = headers
        self._period = keepalive_seconds
        self._due = time.monotonic() + (keepalive_seconds or 0)
        self._begun = False

    def patience(self) -> float:
        """Seconds that a source of messages may wait before it yields None."""
        if self._period is None:
            return LONGEST_WAIT
        return max(0.0, min(LONGEST_WAIT, self._due - time.monotonic()))

    def run(self, messages: Iterator[Any]) -> None:
        """Send all messages; a None among them is a chance to keep alive and to see whether the client has gone."""
        try:
            for message in messages:
                if message is not None:
                    self._send(self._cleaner.clean({"result": message}))
                elif self._connection.gone():
                    self._connection.close_connection = True
                    return
                self._keep_alive()
        except Status as status:
            self._fail(status)
        self._begin(200)
        self._connection.finish_stream()

    def _keep_alive(self) -> None:
        if self._period is not None and time.monotonic() >= self._due:
            self._due += self._period
            self._begin(200)
            self._connection.part(b":\n")

    def _begin(self, status: int) -> None:
        if not self._begun:
            self._begun = True
            kind = {"Content-Type": "application/json"}
            if self._period is not None:
                kind = {"Content-Type": "text/event-stream", "X-Content-Type-Options": "nosniff"}
            self._connection.begin(status, {**self._headers(), **kind})

    def _send(self, message: Any) -> None:
        self._begin(200)
        sse = self._period is not None
        self._connection.part(b"data: %b \n\n\n" % dumps(message) if sse else dumps(message) + b"\n")

    def _fail(self, status: Status) -> None:
        self._begin(status.http)
        body = dumps(self._cleaner.clean(status.stream()))
        self._connection.part(b"data: %b \n\n" % body if self._period is not None else body)
