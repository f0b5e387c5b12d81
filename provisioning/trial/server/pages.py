"""What Argo serves outside `/api/`: the user interface, sign-in, metrics, artifacts. The trial has none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ratelimit import http_date
from .status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .calls import Trial
    from .wire import Request

    Page = tuple[Mapping[str, str], bytes]

INDEX = (
    '<!DOCTYPE html><html><head><base href="/"><title>Argo</title></head><body><div id="app">'
    "This is the trial's Argo Server. It has no user interface.</div></body></html>\n"
)
# path segments of a whole address, the first one included
ARTIFACTS = {
    "artifacts": 5,
    "input-artifacts": 5,
    "artifacts-by-uid": 4,
    "input-artifacts-by-uid": 4,
    "artifact-files": 7,
}


def text(body: str, headers: Mapping[str, str] | None = None) -> Page:
    plain = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return {**plain, **(headers or {})}, body.encode()


def answer(trial: Trial, request: Request, path: str) -> tuple[int, Page]:
    """Status, and headers with body."""
    segments = path.strip("/").split("/")
    if segments[0] == "oauth2":
        return 501, ({}, b"")
    if path == "/metrics":
        return (404, text("trial: metrics are not implemented\n")) if _known(trial, request) else (403, ({}, b""))
    if segments[0] in ARTIFACTS:
        return _artifact(trial, request, segments)
    return 200, _index(trial)


def _known(trial: Trial, request: Request) -> bool:
    try:
        caller = trial.accounts.caller(request.headers.get("Authorization"), request.headers.get_all("Cookie", []))
    except Status:
        return False
    return caller.account is not None


def _artifact(trial: Trial, request: Request, segments: list[str]) -> tuple[int, Page]:
    """The trial keeps no artifacts: every one of them is unknown."""
    if len(segments) < ARTIFACTS[segments[0]]:
        return 400, text("Bad Request\n")
    if not _known(trial, request):
        return 401, text("Unauthorized\n")
    return 500, text("Internal Server Error\n")


def _index(trial: Trial) -> Page:
    body = INDEX.encode()
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(len(body)),
        "Content-Security-Policy": "default-src 'self' 'unsafe-inline'; img-src 'self' data:",
        "Content-Type": "text/html; charset=utf-8",
        "Last-Modified": http_date(trial.clock()),
        "X-Frame-Options": "DENY",
    }
    return headers, body
