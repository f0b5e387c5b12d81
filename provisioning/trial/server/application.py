"""From a request to its handler and back: paths, decoding, credentials, the two kinds of answers."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

from . import pages
from .accounts import Caller
from .calls import Call
from .gojson import SyntaxFault, dumps, loads
from .query import Query
from .ratelimit import RateLimit, http_date
from .routes import find, unknown
from .status import EXHAUSTED, Status, undecodable
from .streaming import MessageStream
from .types import TypeFault, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .calls import Object, Trial
    from .routes import Route
    from .wire import Connection, Request

FORM = "application/x-www-form-urlencoded"
GRPC = {"Grpc-Metadata-Content-Type": "application/grpc"}
NOBODY = Caller(None, {})
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]", ""}


class Application:
    """Answers requests for one trial."""

    def __init__(self, trial: Trial, calls_per_second: int = 1000) -> None:
        self._trial = trial
        self._limit = RateLimit(calls_per_second, trial.clock)

    def __call__(self, request: Request, connection: Connection) -> None:
        if _host(request) not in LOOPBACK_NAMES:
            # a page in a browser could reach a loopback port under a name of its own (DNS rebinding)
            self._plain(connection, 403, pages.text("trial: only localhost, 127.0.0.1 and [::1] are answered\n"))
        elif not self._limit.take():
            retry = self._limit.headers()["X-Ratelimit-Reset"]
            self._plain(connection, 429, pages.text("Too Many Requests\n", {"Retry-After": retry}))
        elif (path := unquote(request.path, errors="replace")) != (clean := _cleaned(path)):
            self._redirect(request, connection, clean)
        elif path.startswith("/api/"):
            self._api(request, connection, path)
        else:
            self._plain(connection, *pages.answer(self._trial, request, path))

    def _plain(self, connection: Connection, status: int, page: tuple[Mapping[str, str], bytes]) -> None:
        headers, body = page
        connection.plain(status, self._headers(headers), body)

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**self._limit.headers(), "Date": http_date(self._trial.clock()), **more}

    def _redirect(self, request: Request, connection: Connection, path: str) -> None:
        target = quote(path, safe="/:@!$&'()*+,;=~-._") + (f"?{request.raw_query}" if request.raw_query else "")
        headers, body = {"Location": target}, b""
        if request.method in {"GET", "HEAD"}:
            headers["Content-Type"] = "text/html; charset=utf-8"
            body = f'<a href="{target}">Temporary Redirect</a>.\n\n'.encode() if request.method == "GET" else b""
        self._plain(connection, 307, (headers, body))

    def _api(self, request: Request, connection: Connection, path: str) -> None:
        try:
            route, params, form = _route(request, path)
        except Status as status:
            self._refuse(connection, status)
            return
        sse = request.headers.get("Accept") == "text/event-stream"
        try:
            query = Query(_pairs(request, form=form), route.query)
            message = _message(route, request, params)
        except Status as status:
            self._refuse(connection, status)
            return
        if route.stream:
            self._stream(route, request, connection, Call(self._trial, NOBODY, params, query, message), sse=sse)
        else:
            self._unary(route, request, connection, Call(self._trial, NOBODY, params, query, message))

    def _unary(self, route: Route, request: Request, connection: Connection, call: Call) -> None:
        try:
            answer = self._admitted(route, request, call)
        except Status as status:
            self._refuse(connection, status)
            return
        version = {"Grpc-Metadata-Argo-Version": self._trial.version}
        body = dumps(answer)
        connection.plain(200, self._headers({"Content-Type": "application/json", **GRPC, **version}), body)

    def _stream(self, route: Route, request: Request, connection: Connection, call: Call, *, sse: bool) -> None:
        period = self._trial.keepalive_seconds if sse else None
        stream = MessageStream(connection, call.cleaner, lambda: self._headers(GRPC), keepalive_seconds=period)
        call.patience = stream.patience

        def messages() -> Any:
            yield from self._admitted(route, request, call)

        stream.run(messages())

    def _admitted(self, route: Route, request: Request, call: Call) -> Any:
        """The handler's answer, after gRPC's interceptors. Raises Status."""
        if not self._limit.take():
            raise Status(EXHAUSTED, f"/{route.rpc} is rejected by grpc_ratelimit middleware, please retry later.")
        authorization = request.headers.get("Authorization")
        call.caller = self._trial.accounts.caller(authorization, request.headers.get_all("Cookie", []))
        return route.handler(call)

    def _refuse(self, connection: Connection, status: Status) -> None:
        headers = {"Content-Type": "application/json", **({} if status.before_grpc else GRPC)}
        connection.plain(status.http, self._headers(headers), dumps(status.unary()))


def _host(request: Request) -> str:
    host = str(request.headers.get("Host", "")).strip().lower()
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]


def _cleaned(path: str) -> str:
    """Go's path.Clean, with the slash at the end kept."""
    if not path.startswith("/"):
        return path
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def _route(request: Request, path: str) -> tuple[Route, dict[str, str], bool]:
    """The route, its parameters, and whether the body is a form that stands for the query. Raises Status."""
    form = request.method == "POST" and request.headers.get("Content-Type") == FORM
    method = request.headers.get("X-HTTP-Method-Override", "") if form else ""
    found = find(method or request.method, path)
    if found is None and form:
        found = find("GET", path)
    if found is None:
        raise unknown(path)
    return (*found, form and found[0].method == "GET")


def _pairs(request: Request, *, form: bool) -> list[tuple[str, str]]:
    body = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True) if form else []
    return [*body, *request.pairs]


def _message(route: Route, request: Request, params: Mapping[str, str]) -> Object:
    """The body as the route's message, with the path's parameters in it. Raises Status (400)."""
    if route.message is None:
        return {}
    try:
        message = decode(route.message, loads(request.body)) or {}
    except (SyntaxFault, TypeFault) as fault:
        raise undecodable(str(fault)) from None
    return {**message, **params}
