"""One way to the server: a session, reads repeated inside the total timeout, and every outcome an `ArgoError`."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from provisioning.argo.answers import error_of, read_problem
from provisioning.argo.credentials import Bearer, Credentials
from provisioning.argo.errors import (
    ArgoError,
    BadAnswer,
    ResourceVersionTooOld,
    StreamEnded,
    Timeout,
    Unreachable,
)
from provisioning.argo.failures import NETWORK, failure_of
from provisioning.argo.urls import base_url, is_loopback

CONNECT_SECONDS = 5.0
MOST_TRIES = 4
FIRST_PAUSE_SECONDS = 0.25
# Argo Server itself sends at most 100 MiB (GRPC_MESSAGE_SIZE)
LARGEST_ANSWER = 256 * 1024 * 1024
LARGEST_ERROR = 64 * 1024
CHUNK = 64 * 1024

# the same question would get the same answer: the caller has to ask another one
NOT_BY_ITSELF = (ResourceVersionTooOld, StreamEnded)
HTTP_OK = HTTPStatus.OK.value
HTTP_UNAUTHORIZED = HTTPStatus.UNAUTHORIZED.value

Params = Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `purpose` completes "Argo refused to …"; `repeat` says that asking twice does no harm."""

    method: str
    path: str
    purpose: str
    params: Params
    body: bytes | None = None
    accept: str = "application/json"
    repeat: bool = False


class Transport:
    """`answer` gives parsed JSON, `stream` an open response. Safe to use from several threads.

    `clock` gives seconds that never go back, `sleep` pauses between two tries: a worker passes its stop event's
    `wait`, so that no pause outlives it.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        credentials: Credentials,
        *,
        timeout_seconds: float,
        ca_file: str | None = None,
        verify_tls: bool = True,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.url = base_url(url)
        self.namespace = namespace
        self.timeout = timeout_seconds
        self.credentials = credentials
        self.clock = clock
        self._sleep = sleep
        self._verify = _verification(ca_file, verify_tls=verify_tls)
        self._proxies = {} if is_loopback(self.url) else dict(get_environ_proxies(self.url))
        self._session = session or _session()
        # else `requests` would send a password of ~/.netrc in place of our token, and use proxies for loopback
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def answer(self, call: Call, heard: Callable[[Mapping[str, str]], None] | None = None) -> Any:
        """The JSON of a 200; `heard` is given its headers. Raises ArgoError within `timeout_seconds`."""
        deadline = self.clock() + self.timeout

        def once() -> Any:
            response = self._open(call, deadline)
            try:
                value = self._json(response, call, deadline)
            finally:
                response.close()
            if heard:
                heard(response.headers)
            return value

        return self._tried(call, once, deadline)

    def stream(self, call: Call, silence_seconds: float) -> requests.Response:
        """An open response with status 200, to be read and closed by the caller. `silence_seconds` bounds each read."""
        deadline = self.clock() + self.timeout
        return self._tried(call, lambda: self._open(call, deadline, silence_seconds), deadline)

    def failure(self, error: Exception, call: Call) -> ArgoError:
        """The ArgoError for a network exception, without the token should a library have repeated it."""
        return self.hidden(failure_of(error, self.url, call.purpose))

    def _tried(self, call: Call, once: Callable[[], T], deadline: float) -> T:
        pause, tries = FIRST_PAUSE_SECONDS, 1
        while True:
            try:
                return once()
            except ArgoError as error:
                wait = max(error.retry_after or 0.0, pause)
                again = call.repeat and error.retryable and not isinstance(error, NOT_BY_ITSELF)
                hopeless = not again or tries == MOST_TRIES
                if hopeless or self.clock() + wait >= deadline:
                    raise
            self._sleep(wait)
            pause, tries = pause * 2, tries + 1

    def _open(self, call: Call, deadline: float, silence_seconds: float | None = None) -> requests.Response:
        bearer = self.credentials.bearer()
        response = self._send(call, bearer, deadline, silence_seconds)
        if response.status_code == HTTP_UNAUTHORIZED:
            # a mounted token may have been replaced between reading the file and the server's look at it;
            # a refused call has done nothing, so even a write may be sent again
            fresh = self.credentials.bearer()
            if fresh is not None and not fresh.same_as(bearer):
                response.close()
                response = self._send(call, fresh, deadline, silence_seconds)
        if response.status_code != HTTP_OK:
            raise self._refusal(response, call, deadline)
        return response

    def _send(
        self, call: Call, bearer: Bearer | None, deadline: float, silence_seconds: float | None
    ) -> requests.Response:
        left = deadline - self.clock()
        if left <= 0:
            raise Timeout(f"The time for the call to {call.purpose} is used up.")
        headers = {"Accept": call.accept}
        if silence_seconds is not None:
            headers["Accept-Encoding"] = "identity"  # compression would hold lines back
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self._session.request(
                call.method,
                self.url + call.path,
                params=dict(call.params),
                data=call.body,
                headers=headers,
                auth=bearer,
                timeout=(min(CONNECT_SECONDS, left), silence_seconds or left),
                allow_redirects=False,
                proxies=self._proxies,
                verify=self._verify,
                stream=True,
            )
        except NETWORK as error:
            raise self.failure(error, call) from None

    def _refusal(self, response: requests.Response, call: Call, deadline: float) -> ArgoError:
        """The error an answer other than 200 stands for; the response is closed."""
        try:
            body = self._body(response, call, deadline, LARGEST_ERROR)
        finally:
            response.close()
        text = body.decode(errors="replace")
        problem = read_problem(response.status_code, response.headers, text, dt.datetime.now(dt.UTC))
        return self.hidden(error_of(problem, call.purpose, self.namespace))

    def _json(self, response: requests.Response, call: Call, deadline: float) -> Any:
        body = self._body(response, call, deadline, LARGEST_ANSWER)
        if len(body) >= LARGEST_ANSWER:
            raise BadAnswer(f"The answer to the call to {call.purpose} is larger than {LARGEST_ANSWER} bytes.")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise self.hidden(_not_json(body, call)) from None

    def _body(self, response: requests.Response, call: Call, deadline: float, largest: int) -> bytes:
        """Up to `largest` bytes. Read piece by piece, as a server that drips would outlast the socket's timeout."""
        body = bytearray()
        try:
            while len(body) < largest:
                piece = response.raw.read1(CHUNK, decode_content=True)
                if not piece:
                    break
                body += piece
                if self.clock() > deadline:
                    raise Timeout(f"The answer to the call to {call.purpose} did not arrive in time.")
        except NETWORK as error:
            raise self.failure(error, call) from None
        return bytes(body)

    def hidden(self, error: ArgoError) -> ArgoError:
        """`error` without the token, should the server have repeated it."""
        error.rewrite(self.credentials.hide)
        return error


def _not_json(body: bytes, call: Call) -> ArgoError:
    start = body[:200].decode(errors="replace").lstrip()
    if start.startswith(("{", "[")):
        return Unreachable(f"The answer to the call to {call.purpose} was cut off or damaged on the way.")
    kind = "an HTML page" if start.startswith("<") else "not JSON"
    return BadAnswer(f"The answer to the call to {call.purpose} is {kind}, with HTTP 200.", status=HTTP_OK)


def _verification(ca_file: str | None, *, verify_tls: bool) -> str | bool:
    """What `requests` calls `verify`. The variables are those `requests` itself honours."""
    if not verify_tls:
        # said once, on /status/ and in the log at the start, not at each call
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        return False
    return ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def _session() -> requests.Session:
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=32)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers["User-Agent"] = "namespace-portal"
    # a cookie of some gateway must not outlive its answer, nor tie threads together
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session
