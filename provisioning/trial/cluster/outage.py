"""An API server that does not answer, or answers with an error: what kubectl prints then.

A first call of a `HOME` asks for the server's API groups and logs each failed try; later calls have them cached.
`apply` reads the schema first, so whatever goes wrong there reads `error validating`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from provisioning.trial.cluster import clientcheck, manifests
from provisioning.trial.cluster.applying import read
from provisioning.trial.cluster.arguments import Command
from provisioning.trial.cluster.errors import KubectlError
from provisioning.trial.cluster.outcome import Input, KubectlResult

SERVER = "10.96.0.1:443"
CREDENTIALS = "the server has asked for the client to provide credentials"


@dataclass(frozen=True, slots=True)
class Mode:
    """How the server fails. `dial`: nothing of it is reached, so the error names the URL that was asked."""

    error: str
    last: str
    schema: str = ""  # as the check of `apply` says it, where it differs
    dial: bool = False
    discovery: bool = True  # whether asking for API groups fails, too


def _answered(reason: str, message: str, schema: str = "") -> Mode:
    bracket = f" ({reason})" if reason else ""
    return Mode(message, f"Error from server{bracket}: {message}", schema, discovery=False)


REFUSED = "refused"
SILENT = "silent"
UNAUTHORIZED = "unauthorized"
MODES = {
    REFUSED: Mode(
        f"dial tcp {SERVER}: connect: connection refused",
        f"The connection to the server {SERVER} was refused - did you specify the right host or port?",
        dial=True,
    ),
    SILENT: Mode(
        "net/http: TLS handshake timeout",
        "Unable to connect to the server: net/http: TLS handshake timeout",
        dial=True,
    ),
    UNAUTHORIZED: Mode(CREDENTIALS, "error: You must be logged in to the server (Unauthorized)"),
    "429": _answered(
        "TooManyRequests", "the server has received too many requests and has asked us to try again later"
    ),
    "500": _answered(
        "",
        "etcdserver: request timed out",
        'an error on the server ("unknown") has prevented the request from succeeding',
    ),
    "503": _answered("ServiceUnavailable", "the server is currently unable to handle the request"),
    "504": _answered(
        "Timeout",
        "request did not complete within the allotted timeout",
        "the server was unable to return a response in the time allotted, but may still be processing the request",
    ),
}
TRIES_BY_NAME, TRIES_BY_SLASH, TRIES_BY_KIND, TRIES_OF_GROUP = 5, 4, 6, 5


def answer(mode: Mode, command: Command, given: Input, *, discovered: bool, time: str) -> KubectlResult:
    """What the call prints while the server fails in this way. `time` is that of klog: `1124 15:14:16.000000`."""
    if command.verb == "apply":
        return _unchecked(mode, command, given)
    if "raw" in command.values or not mode.discovery:
        return KubectlResult(1, "", f"{mode.last}\n")
    tries = _tries_later(command) if discovered else _tries_first(command)
    asked = f'Get \\"https://{SERVER}/api?timeout=32s\\": ' if mode.dial else ""
    line = (
        f'E{time} {threading.get_native_id() % 100000:7d} memcache.go:265] "Unhandled Error"'
        f' err="couldn\'t get current server API group list: {asked}{mode.error}"\n'
    )
    last = mode.last.replace("Unauthorized", CREDENTIALS) if tries else mode.last
    return KubectlResult(1, "", line * tries + f"{last}\n")


def _tries_first(command: Command) -> int:
    if command.verb == "annotate":
        return TRIES_BY_NAME
    if command.verb == "delete" or any("/" in word for word in command.words):
        return TRIES_BY_SLASH
    return TRIES_BY_NAME if len(command.words) > 1 else TRIES_BY_KIND


def _tries_later(command: Command) -> int:
    """A type with its group is looked up again although everything is cached."""
    listed = command.verb == "get" and len(command.words) == 1 and "/" not in command.words[0]
    return TRIES_OF_GROUP if listed and "." in command.words[0] else 0


def _unchecked(mode: Mode, command: Command, given: Input) -> KubectlResult:
    try:
        text, source = read(command, given)
        first: object = next(manifests.documents(text, source), {})
    except KubectlError as error:
        return KubectlResult(1, "", f"{error.single}\n")
    alone = not (isinstance(first, dict) and clientcheck.is_list(first))
    asked = f'Get "https://{SERVER}/openapi/v2?timeout=32s": ' if mode.dial else ""
    reason = f"{'failed to download openapi: ' if alone else ''}{asked}{mode.schema or mode.error}"
    return KubectlResult(
        1,
        "",
        f'error: error validating "{source}": error validating data: {reason}; if you choose to ignore these errors,'
        " turn validation off with --validate=false\n",
    )
