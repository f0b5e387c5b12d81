"""What an answer of Argo Server says when it is not a success, and which error that is."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from provisioning.argo.errors import (
    AlreadyCompleted,
    AlreadyExists,
    ArgoError,
    BadAnswer,
    Forbidden,
    NotFound,
    Refused,
    RefusedByPolicy,
    ResourceVersionTooOld,
    ServerError,
    StreamEnded,
    TlsFailed,
    TooManyRequests,
    Unauthorized,
    What,
)

_REDIRECTS, _TROUBLE = 3, 5  # the first digit of the status
_RIGHT = re.compile(r'cannot (\w+) resource "([\w./]+)".*?(?:in the namespace "([^"]*)"|at the cluster scope)')
_LIST_RIGHT = re.compile(r'not allowed to (\w+) (\w+) in namespace "([^"]*)"')
_POOR_RIGHT = re.compile(r"unknown \((\w+) ([\w.]+)\)")
_POLICY = re.compile(r"denied (?:the )?request: *(.+)", re.DOTALL)
_TOO_OLD = re.compile(r"too old|\bexpired\b", re.IGNORECASE)
_MISSING = re.compile(r'\A(\w+)(?:\.argoproj\.io)? "[^"]*" not found')


@dataclass(frozen=True, slots=True)
class Problem:
    """An unsuccessful answer. `code` is the gRPC number when Argo itself spoke, None when somebody else did."""

    status: int
    code: int | None
    message: str
    content_type: str = ""
    location: str = ""
    retry_after: float | None = None


def read_problem(status: int, headers: Mapping[str, str], body: str, now: dt.datetime) -> Problem:
    """Both of Argo's error shapes, `{"code", "message"}` and the streams' `{"error": {…}}`, and any other text."""
    code, message = _shape(body)
    return Problem(
        status=status,
        code=code,
        message=message,
        content_type=headers.get("Content-Type", ""),
        location=headers.get("Location", ""),
        retry_after=retry_after(headers.get("Retry-After", ""), now),
    )


def stream_problem(error: object) -> Problem:
    """The `error` object inside a stream, where the HTTP status was sent long before."""
    if not isinstance(error, dict):
        return Problem(500, None, str(error))
    status, code = error.get("http_code"), error.get("grpc_code")
    return Problem(
        status=status if isinstance(status, int) else 500,
        code=code if isinstance(code, int) else None,
        message=str(error.get("message", "")),
    )


def _shape(body: str) -> tuple[int | None, str]:
    text = body.strip().removeprefix("data:").strip()
    try:
        value = json.loads(text)
    except ValueError:
        return None, text
    if not isinstance(value, dict):
        return None, text
    error = value.get("error")
    inner = error if isinstance(error, dict) else value
    code = inner.get("grpc_code", inner.get("code"))
    if not isinstance(code, int) or "message" not in inner:
        return None, text
    return code, str(inner["message"])


def retry_after(text: str, now: dt.datetime) -> float | None:
    """Seconds, or a date. Argo Server's limiter sends a date ending in "UTC", other servers one ending in "GMT"."""
    text = text.strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - now).total_seconds())


def error_of(problem: Problem, purpose: str, namespace: str) -> ArgoError:
    """The error for `problem`. `purpose` completes the sentence "Argo refused to …"; 2xx and 3xx too."""
    if problem.status // 100 == _REDIRECTS:
        return _redirect(problem)
    if problem.status // 100 < _REDIRECTS:
        return BadAnswer(f"The call to {purpose} was answered with HTTP {problem.status}.", status=problem.status)
    if problem.code is None:
        return _foreign(problem, purpose)
    sort = _BY_STATUS.get(problem.status, _server_error if problem.status // 100 >= _TROUBLE else _refused)
    return sort(problem, purpose, namespace)


def _redirect(problem: Problem) -> ArgoError:
    target = problem.location.split("?", 1)[0] or "nowhere"
    return BadAnswer(
        f"The server redirects to {target} (HTTP {problem.status}); a redirect is never followed.",
        "Write the final address into ARGO_WORKFLOWS_URL: https instead of http, no login page, no double slash.",
        status=problem.status,
    )


def _foreign(problem: Problem, purpose: str) -> ArgoError:
    """An error that Argo did not write: of a gateway, a rate limiter, a TLS listener."""
    status, seen = problem.status, f"HTTP {problem.status}{_told(problem)}"
    if "HTTP request to an HTTPS server" in problem.message:
        return TlsFailed("Argo Server speaks TLS.", "Write https:// in ARGO_WORKFLOWS_URL.", status=status)
    if status // 100 >= _TROUBLE or status == HTTPStatus.REQUEST_TIMEOUT:
        return ServerError(f"The call to {purpose} failed: {seen}.", status=status, retry_after=problem.retry_after)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _limit(problem, purpose, "")
    if status == HTTPStatus.FORBIDDEN:
        return Forbidden(
            f"A gateway refused the call to {purpose}: {seen}.",
            "Allow the portal to pass the gateway before Argo Server, or use Argo Server's own address.",
            status=status,
        )
    plain: dict[int, type[ArgoError]] = {401: Unauthorized, 413: Refused}
    if status in plain:
        return plain[status](f"A server before Argo refused the call to {purpose}: {seen}.", status=status)
    # An ingress whose backend restarts answers 404 with a page: it must not read as "the workflow is gone"
    return BadAnswer(f"The answer to the call to {purpose} is not Argo's: {seen}.", status=status, retryable=True)


def _told(problem: Problem) -> str:
    if "html" in problem.content_type.lower() or problem.message.lstrip().startswith("<"):
        return " with an HTML page"
    return f" {problem.message[:200]}" if problem.message.strip() else " without a text"


def _bad_request(problem: Problem, purpose: str, namespace: str) -> ArgoError:
    text = problem.message
    if _TOO_OLD.search(text):
        return ResourceVersionTooOld(f"Argo cannot go on from there: {text}.", status=problem.status)
    if "denied request" in text:
        return _policy(problem, purpose)
    if "exceeded quota" in text:
        return _quota(problem, purpose)
    return _refused(problem, purpose, namespace)


def _refused(problem: Problem, purpose: str, _namespace: str) -> ArgoError:
    return Refused(f"Argo refused to {purpose}: {problem.message}", status=problem.status)


def _policy(problem: Problem, purpose: str) -> ArgoError:
    said = _POLICY.search(problem.message)
    return RefusedByPolicy(
        f"An admission policy of the cluster refused to {purpose}: {said.group(1) if said else problem.message}",
        status=problem.status,
    )


def _quota(problem: Problem, purpose: str) -> ArgoError:
    return Forbidden(
        f"A quota of the cluster refused to {purpose}: {problem.message}",
        "Raise the ResourceQuota of Argo's namespace, or wait until runs have ended.",
        status=problem.status,
        retryable=True,
        whole_server=False,
    )


def _unauthorized(problem: Problem, purpose: str, _namespace: str) -> ArgoError:
    if problem.message.startswith("token not valid"):
        return Unauthorized(
            f"Argo Server got no token it can use when asked to {purpose}.",
            "Set ARGO_TOKEN or ARGO_TOKEN_FILE, and check that Argo Server runs with --auth-mode client.",
            status=problem.status,
        )
    return Unauthorized(
        f"The cluster refused the token when asked to {purpose}: it is unknown or has expired.",
        status=problem.status,
    )


def _forbidden(problem: Problem, purpose: str, namespace: str) -> ArgoError:
    text = problem.message
    if "exceeded quota" in text:
        return _quota(problem, purpose)
    if "denied" in text and "request" in text and "cannot" not in text:
        return _policy(problem, purpose)
    right = missing_right(text, namespace)
    remedy = f"Grant the portal's service account the right to {right}" if right else ""
    return Forbidden(
        f"The token's account may not {purpose}: {text}",
        remedy and f"{remedy} (`manage.py cluster_setup` prints the Role).",
        status=problem.status,
    )


def missing_right(text: str, namespace: str) -> str:
    """`list workflows in namespace argo`, read out of a 403 of any version; empty when the text does not say."""
    for pattern in (_RIGHT, _LIST_RIGHT):
        if found := pattern.search(text):
            where = f" in namespace {found.group(3)}" if found.group(3) else " in the whole cluster"
            return f"{found.group(1)} {found.group(2)}{where}"
    if found := _POOR_RIGHT.search(text):
        # Argo 3.5 says "get" for a refused watch, whatever the verb was
        return f"get, list and watch {found.group(2)} in namespace {namespace}"
    return ""


def _not_found(problem: Problem, _purpose: str, namespace: str) -> ArgoError:
    found = _MISSING.search(problem.message)
    what = _WHATS.get(found.group(1) if found else "", "")
    remedies = {
        "template": "Install the portal's WorkflowTemplates (`manage.py cluster_setup` prints them).",
        "namespace": f"ARGO_NAMESPACE is {namespace}: correct it, or create that namespace.",
    }
    return NotFound(
        f"Argo says: {problem.message}.",
        remedies.get(what, ""),
        status=problem.status,
        whole_server=what in {"template", "namespace"},
        what=what,
    )


_WHATS: dict[str, What] = {"workflows": "workflow", "workflowtemplates": "template", "namespaces": "namespace"}


def _conflict(problem: Problem, purpose: str, _namespace: str) -> ArgoError:
    return AlreadyExists(f"Argo refused to {purpose}: {problem.message}.", status=problem.status)


def _limit(problem: Problem, purpose: str, _namespace: str) -> ArgoError:
    # a watch that ended by itself before its first message gets this as its HTTP status (argo-workflows #12075)
    if problem.message == "EOF":
        return StreamEnded("The watch came to its ordinary end.", status=problem.status, reason="eof")
    return TooManyRequests(
        f"A rate limit stopped the call to {purpose}: {problem.message}",
        status=problem.status,
        retry_after=problem.retry_after,
    )


def _server_error(problem: Problem, purpose: str, _namespace: str) -> ArgoError:
    if "cannot shutdown a completed workflow" in problem.message:
        return AlreadyCompleted(f"Argo says: {problem.message}.", status=problem.status)
    if "request is too large" in problem.message:
        return Refused(
            f"The cluster cannot store it: {problem.message}.",
            "A workflow may have about 1.5 MiB: shorten what the request holds.",
            status=problem.status,
        )
    return ServerError(
        f"Argo failed to {purpose}: {problem.message}", status=problem.status, retry_after=problem.retry_after
    )


def _unknown_call(problem: Problem, purpose: str, _namespace: str) -> ArgoError:
    return BadAnswer(
        f"The server does not know the call to {purpose}: {problem.message}.",
        "Check the path in ARGO_WORKFLOWS_URL and the version of Argo Server.",
        status=problem.status,
    )


_BY_STATUS: dict[int, Callable[[Problem, str, str], ArgoError]] = {
    400: _bad_request,
    401: _unauthorized,
    403: _forbidden,
    404: _not_found,
    408: _server_error,
    409: _conflict,
    410: _bad_request,
    429: _limit,
    501: _unknown_call,
}
