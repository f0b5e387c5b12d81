"""A server on a real socket that answers with the very bytes a test wants, well-behaved or not."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from provisioning.argo import ArgoError

T = TypeVar("T")


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """Bytes to send one after the other; between two the server waits until `gate` is set, if there is one.

    `end`: "close" closes properly, "reset" aborts the connection, "hang" keeps it open until the test is over.
    """

    pieces: Iterable[bytes]
    end: str = "close"
    gate: threading.Event | None = None


def http(status: int = 200, body: object = b"", headers: Iterable[tuple[str, str]] = (), **how: Any) -> Reply:
    """An answer with Content-Length. `body`: bytes, text, or something to write as JSON."""
    raw = as_bytes(body)
    kept = [(k, v) for k, v in headers if k.lower() not in {"content-length", "transfer-encoding", "trailer"}]
    if not isinstance(body, bytes | str) and not any(k.lower() == "content-type" for k, _ in kept):
        kept.append(("Content-Type", "application/json"))
    head = head_of(status, [*kept, ("Content-Length", str(len(raw))), ("Connection", "close")])
    return Reply([head + raw], **how)


def chunked(
    status: int, pieces: Iterable[bytes], headers: Iterable[tuple[str, str]] = (), *, whole: bool = True, **how: Any
) -> Reply:
    """A chunked answer, one chunk a piece; without its last chunk when not `whole`."""
    kept = [(k, v) for k, v in headers if k.lower() not in {"content-length", "transfer-encoding", "trailer"}]
    head = head_of(status, [*kept, ("Transfer-Encoding", "chunked"), ("Connection", "close")])
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece]
    return Reply([head, *chunks, *([b"0\r\n\r\n"] if whole else [])], **how)


def head_of(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *(f"{key}: {value}" for key, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def as_bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body, separators=(",", ":")).encode()


def drained(source: Iterable[T]) -> tuple[list[T], ArgoError | None]:
    """All that `source` gives, and the error it ends with."""
    found: list[T] = []
    try:
        for one in source:
            found.append(one)  # noqa: PERF402 -- what came before the error counts
    except ArgoError as error:
        return found, error
    return found, None


def problem(code: int, message: str) -> dict[str, object]:
    return {"code": code, "message": message}


@dataclass
class Server:
    """Each connection serves one request. `answers` are used up in order, the last one again and again."""

    answers: list[Reply | Callable[[Seen], Reply]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def will(self, *answers: Reply | Callable[[Seen], Reply]) -> None:
        with self._lock:
            self.answers = list(answers)
            self.seen.clear()

    def close(self) -> None:
        if self._over.is_set():
            return
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            request = _read(connection)
            if request is None:
                connection.close()
                return
            self._reply(connection, self._next(request))
        except OSError:
            pass  # the client was not interested any more

    def _next(self, request: Seen) -> Reply:
        with self._lock:
            self.seen.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Reply) else answer(request)

    def _reply(self, connection: socket.socket, reply: Reply) -> None:
        for piece in reply.pieces:
            connection.sendall(piece)
            if reply.gate is not None and not reply.gate.wait(30):
                return
        if reply.end == "reset":
            # with unread bytes and a linger of zero seconds the kernel sends RST instead of FIN
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        if reply.end == "hang":
            self._over.wait(30)
        connection.close()


def _read(connection: socket.socket) -> Seen | None:
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = connection.recv(65536)
        if not piece:
            return None
        raw += piece
        if raw[:1] == b"\x16":
            return None  # a TLS handshake: this server speaks plain HTTP
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    while len(body) < int(headers.get("Content-Length", "0")):
        body += connection.recv(65536)
    return Seen(method, target, headers, body)
