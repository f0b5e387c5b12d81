"""gRPC status codes, the HTTP codes that the gateway makes of them, and the two shapes of an error's body."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

CANCELED, UNKNOWN, INVALID, DEADLINE, NOT_FOUND, EXISTS, DENIED, EXHAUSTED = range(1, 9)
PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED = range(9, 17)
HTTP = {
    CANCELED: 408, UNKNOWN: 500, INVALID: 400, DEADLINE: 504, NOT_FOUND: 404, EXISTS: 409, DENIED: 403,
    EXHAUSTED: 429, PRECONDITION: 400, ABORTED: 409, OUT_OF_RANGE: 400, UNIMPLEMENTED: 501, INTERNAL: 500,
    UNAVAILABLE: 503, DATA_LOSS: 500, UNAUTHENTICATED: 401,
}  # fmt: skip


class Status(Exception):
    """An answer that is not OK. `before_grpc` marks what the gateway refuses by itself: undecodable bodies and
    queries, unknown paths. Such answers carry no `Grpc-*` headers and have the unary shape on streams too."""

    def __init__(self, code: int, message: str, *, before_grpc: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.before_grpc = before_grpc

    @property
    def http(self) -> int:
        return HTTP[self.code]

    def unary(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message}

    def stream(self) -> dict[str, Any]:
        return {
            "error": {
                "grpc_code": self.code,
                "http_code": self.http,
                "message": self.message,
                "http_status": HTTPStatus(self.http).phrase,
            }
        }


def undecodable(message: str) -> Status:
    return Status(INVALID, message, before_grpc=True)


def not_implemented(what: str) -> Status:
    """For what Argo has and the trial doesn't."""
    return Status(UNIMPLEMENTED, f"trial: {what} is not implemented")
