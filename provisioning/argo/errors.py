"""What can go wrong between the portal and Argo, each with its cause and a remedy an admin can act on.

Two questions a caller has to answer are answered by every error: would asking again help (`retryable`), and
would every other call go wrong in the same way (`whole_server`: end the pass, keep the rows as they are)?
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

LONGEST_TEXT = 1_000

What = Literal["workflow", "template", "namespace", ""]
Ending = Literal["eof", "closed", "cut", "silent"]


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` on at most `longest` characters: what comes from outside may be of any size."""
    text = text.strip()
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


class ArgoError(Exception):
    """Base of everything this room raises. Its text never holds a token.

    `status` is the HTTP status, None when no answer came; `retry_after` are the seconds the server asked to
    wait, None when it asked for nothing.
    """

    retryable: bool = False
    whole_server: bool = False
    default_remedy: str = ""

    def __init__(
        self,
        cause: str,
        remedy: str = "",
        *,
        status: int | None = None,
        retryable: bool | None = None,
        whole_server: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.cause = cut(cause)
        self.remedy = remedy or self.default_remedy
        self.status = status
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable
        if whole_server is not None:
            self.whole_server = whole_server
        super().__init__(self.cause)

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Pass cause and remedy through `change`, e.g. to hide a token."""
        self.cause, self.remedy = change(self.cause), change(self.remedy)
        self.args = (self.cause,)

    def __str__(self) -> str:
        return f"{self.cause} {self.remedy}".strip()


class Unreachable(ArgoError):
    """No connection, or it broke before the answer was whole. A write may have been done all the same."""

    retryable = True
    whole_server = True
    default_remedy = "Check ARGO_WORKFLOWS_URL, that Argo Server runs, and the network between it and the portal."


class Timeout(ArgoError):
    """No whole answer within ARGO_TIMEOUT. A write may have been done all the same."""

    retryable = True
    whole_server = True
    default_remedy = "Check the load of Argo Server and of the Kubernetes API, or raise ARGO_TIMEOUT."


class TlsFailed(ArgoError):
    """The two sides do not agree on TLS, or the certificate is not trusted."""

    whole_server = True
    default_remedy = "Give the CA that signed Argo Server's certificate in ARGO_CA_FILE."


class Unauthorized(ArgoError):
    """The token is missing, malformed, expired or unknown."""

    whole_server = True
    default_remedy = "Give a valid token of the portal's service account in ARGO_TOKEN or ARGO_TOKEN_FILE."


class Forbidden(ArgoError):
    """The token is good, the right is missing; or a quota or an admission policy refuses (then not `whole_server`)."""

    whole_server = True
    default_remedy = "Grant the portal's service account the missing right (`manage.py cluster_setup` prints the Role)."


class NotFound(ArgoError):
    """Argo itself says that the thing is not there. `what` says which: only "workflow" means a vanished run."""

    default_remedy = "It was deleted, or never was: nothing can be done about it in Argo."

    def __init__(
        self,
        cause: str,
        remedy: str = "",
        *,
        status: int | None = 404,
        whole_server: bool | None = None,
        what: What = "",
    ) -> None:
        self.what = what
        super().__init__(cause, remedy, status=status, whole_server=whole_server)


class AlreadyExists(ArgoError):
    """409 to a submit: the name is taken, or Kubernetes saw a conflict (argo-workflows #14106).

    It does not prove that the workflow is ours: read it and ask `nodes.ours`.
    """

    default_remedy = "Read the workflow of that name and compare its request id."


class Refused(ArgoError):
    """Argo or the cluster does not accept what was sent. The same again will be refused again."""

    default_remedy = "The message says what was refused; the request has to change, or the rule that refuses it."


class RefusedByPolicy(Refused):
    """An admission policy of the cluster refused what the account itself may do."""

    default_remedy = "Compare the policy with what the portal sends (`manage.py cluster_setup` prints the policies)."


class TooManyRequests(ArgoError):
    """A rate limit, of Argo Server (`--api-rate-limit`) or of a proxy before it."""

    retryable = True
    whole_server = True
    default_remedy = "It passes by itself; if it comes often, raise Argo Server's --api-rate-limit."


class ServerError(ArgoError):
    """Argo, the Kubernetes API behind it or a gateway before it is in trouble (5xx, or a conflicting write)."""

    retryable = True
    whole_server = True
    default_remedy = "It often passes by itself; if not, read the log of Argo Server and of the gateway before it."


class BadAnswer(ArgoError):
    """Somebody answered, but not as Argo Server does: HTML, a redirect, JSON of another shape, 201 instead of 200."""

    whole_server = True
    default_remedy = "Check that ARGO_WORKFLOWS_URL is the address of Argo Server itself, without a login page between."


class AlreadyCompleted(ArgoError):
    """stop or terminate came too late: the workflow is over. Read it again and believe its phase."""

    default_remedy = "Nothing to do: the run is over."


class ResourceVersionTooOld(ArgoError):
    """The watch cannot go on from there: list again and watch from the list's version."""

    retryable = True
    default_remedy = "Nothing to do: the list is read again."


class StreamEnded(ArgoError):
    """A stream is over before the caller was done with it: reconnect.

    `reason`: "eof" is the ordinary end of a Kubernetes watch, "closed" a clean end without a word, "cut" a
    connection that broke, "silent" no byte for too long (then list first: the server may be another one).
    """

    retryable = True
    default_remedy = "Nothing to do: the portal connects again."

    def __init__(
        self,
        cause: str,
        remedy: str = "",
        *,
        status: int | None = None,
        reason: Ending = "closed",
    ) -> None:
        self.reason = reason
        super().__init__(cause, remedy, status=status)
