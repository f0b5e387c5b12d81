"""A plain HTTP client that changes nothing of what it is told to send, and sees everything that comes back."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """`headers` as pairs in order; `raw` without its framing."""

    status: int
    headers: list[tuple[str, str]]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def text(self) -> str:
        return self.raw.decode()

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


class Client:
    """`tokens` by account; every call is made as `argo-server` unless it brings an Authorization of its own."""

    def __init__(self, port: int, tokens: Mapping[str, str]) -> None:
        self.port = port
        self.tokens = tokens

    def bearer(self, account: str = "argo-server") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[account]}"}

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`body` is sent as JSON unless it is bytes; `headers` replace the token."""
        with self.open(method, path, body, query=query, headers=headers) as response:
            return Answer(response.status, response.getheaders(), response.read())

    def get(self, path: str, **query: Any) -> Answer:
        return self.call("GET", path, query={key.replace("__", "."): value for key, value in query.items()})

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        with self.begin(method, path, body, query=query, headers=headers) as connection:
            yield connection.getresponse()

    @contextmanager
    def begin(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[http.client.HTTPConnection]:
        """The request is sent, the answer not awaited."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(method, path + (f"?{urlencode(query)}" if query else ""), skip_accept_encoding=True)
            for name, value in (self.bearer() if headers is None else headers).items():
                connection.putheader(name, value)
            data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            yield connection
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """All bytes of the answer to these bytes; the server must close."""
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS) as connection:
            connection.sendall(request)
            received = b""
            while part := connection.recv(65536):
                received += part
            return received
