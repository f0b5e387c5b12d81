"""HTTP/1.1 on a loopback socket: accepting, reading requests, writing answers and streams as Go's server does."""

from __future__ import annotations

import io
import selectors
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHUNK_ABOVE = 2048  # Go gives a length only to what fits into the buffer of its response writer
BODY_LIMIT = 100 * 2**20  # GRPC_MESSAGE_SIZE


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is still percent-encoded; `query` holds the pairs of the URL in order."""

    method: str
    path: str
    raw_query: str
    headers: Any
    body: bytes

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.raw_query, keep_blank_values=True)


class Connection(BaseHTTPRequestHandler):
    """One client's connection; every request on it goes to the application."""

    protocol_version = "HTTP/1.1"
    server: Wire  # type: ignore[assignment]  # only its application is asked of it

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        self.command, self.requestline, self.request_version = "", "", "HTTP/1.1"
        if not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        # `self.path` has lost a double slash at its beginning
        target = self.requestline.split()[1]
        path, _, query = target.partition("?")
        self.server.application(Request(self.command, path, query, self.headers, body), self)

    def _body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            self.plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length.isdigit() else HTTPStatus.BAD_REQUEST, {})
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _chunks(self) -> bytes | None:
        body = io.BytesIO()
        while line := self.rfile.readline(1024).split(b";")[0].strip():
            size = int(line, 16) if all(char in b"0123456789abcdefABCDEF" for char in line) else -1
            if size < 0 or body.tell() + size > BODY_LIMIT:
                return None
            if size == 0:
                while self.rfile.readline(65537).strip():
                    pass
                return body.getvalue()
            body.write(self.rfile.read(size))
            self.rfile.readline(3)
        return None

    def plain(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """A whole answer."""
        pairs = _ordered(headers)
        if self._chunks_allowed() and len(body) > CHUNK_ABOVE and "Content-Length" not in headers:
            framed = b"".join((b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n"))
            self._send(status, [*pairs, ("Transfer-Encoding", "chunked")], framed)
        else:
            length = [] if "Content-Length" in headers else [("Content-Length", str(len(body)))]
            self._send(status, [*pairs, *length], b"" if self.command == "HEAD" else body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of a stream; parts follow by `part`, then `finish`."""
        framing = [("Transfer-Encoding", "chunked")] if self._chunks_allowed() else []
        self.close_connection |= not framing
        self._send(status, [*_ordered(headers), *framing], b"")

    def part(self, data: bytes) -> None:
        if self._chunks_allowed():
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self.wfile.write(data)

    def finish_stream(self) -> None:
        if self._chunks_allowed():
            self.wfile.write(b"0\r\n\r\n")

    def gone(self) -> bool:
        """Whether the client has closed the connection (or the server has cut it)."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _chunks_allowed(self) -> bool:
        return self.request_version != "HTTP/1.0"

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        version = "HTTP/1.0" if self.request_version == "HTTP/1.0" else "HTTP/1.1"
        lines = [f"{version} {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers)]
        if self.close_connection and version == "HTTP/1.1":
            lines.append("Connection: close")
        self.wfile.write("\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What Go's server answers to a request that it can't read."""
        self.close_connection = True
        phrase = f"{code} {HTTPStatus(code).phrase}"
        self.plain(code, {"Content-Type": "text/plain; charset=utf-8"}, phrase.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged: the portal polls."""


def _ordered(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """As Go writes them: sorted by name, then the date, which the server itself adds."""
    return sorted(headers.items(), key=lambda pair: (pair[0] == "Date", pair[0]))


class Wire:
    """The listening socket and its connections. `application` answers each request on the connection given."""

    def __init__(self, application: Callable[[Request, Connection], None], host: str, port: int) -> None:
        self.application = application
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._address = (host, port)
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._wake: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def host(self) -> str:
        return self._address[0]

    def open(self) -> None:
        """Listen and answer. Raises OSError when the port is taken."""
        listener = socket.socket(self._family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(self._address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        self._address = (self._address[0], listener.getsockname()[1])
        self._wake, woken = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, args=(listener, woken), name="trial-http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuse new connections and cut the ones that are open, in the middle of what they carry.

        Their threads end a little later: `join` waits for them.
        """
        if self._wake is not None and self._thread is not None:
            self._wake.close()
            self._thread.join()
            self._wake = self._thread = None
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        """Wait until nobody is being answered."""
        with self._lock:
            threads = [*self._connections.values()]
        for thread in threads:
            thread.join()

    def _accept(self, listener: socket.socket, woken: socket.socket) -> None:
        with listener, woken, selectors.DefaultSelector() as ready:
            ready.register(listener, selectors.EVENT_READ)
            ready.register(woken, selectors.EVENT_READ)
            while woken not in (key.fileobj for key, _ in ready.select()):
                with suppress(OSError):
                    connection, address = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    thread = threading.Thread(target=self._serve, args=(connection, address), daemon=True)
                    with self._lock:
                        self._connections[connection] = thread
                    thread.start()

    def _serve(self, connection: socket.socket, address: object) -> None:
        try:
            with suppress(OSError):
                Connection(connection, address, self)  # type: ignore[arg-type]
        finally:
            with self._lock:
                del self._connections[connection]
            with suppress(OSError):
                connection.close()
