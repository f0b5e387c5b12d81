"""Who calls: bearer tokens, the service accounts behind them, and what these may do (Argo's auth mode `client`)."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from .status import DENIED, UNAUTHENTICATED, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ISSUER = "https://kubernetes.default.svc.cluster.local"
NO_TOKEN = "token not valid. see https://argo-workflows.readthedocs.io/en/latest/faq/"  # noqa: S105
ANONYMOUS_REVIEW = (
    'selfsubjectaccessreviews.authorization.k8s.io is forbidden: User "system:anonymous" cannot create resource '
    '"selfsubjectaccessreviews" in API group "authorization.k8s.io" at the cluster scope'
)
ALL_VERBS = frozenset({"create", "get", "list", "watch", "patch", "update", "delete"})
READ_VERBS = frozenset({"get", "list", "watch"})
RIGHTS = {"all": ALL_VERBS, "readonly": READ_VERBS, "none": frozenset()}


@dataclass(frozen=True, slots=True)
class Account:
    """A service account; its verbs hold for workflows, templates and pods in `namespaces` (None: everywhere)."""

    name: str
    namespace: str
    verbs: frozenset[str] = ALL_VERBS
    namespaces: frozenset[str] | None = None

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    def may(self, verb: str, namespace: str) -> bool:
        return verb in self.verbs and (self.namespaces is None or namespace in self.namespaces)


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's credential. `account` is None when Kubernetes doesn't know the token."""

    account: Account | None
    claims: Mapping[str, Any]
    anonymous: bool = False

    @property
    def label(self) -> str:
        """The value of the creator and actor labels: the subject, made safe for a label; "" without claims."""
        subject = str(self.claims.get("sub", ""))
        safe = "".join(char if char.isascii() and (char.isalnum() or char in "_.-") else "-" for char in subject)
        return safe[-63:].strip("_.-")

    def require(self, verb: str, resource: str, namespace: str, name: str = "") -> None:
        """Raises Status: 401 for a token that Kubernetes doesn't know, 403 with its words for a missing right."""
        if self.account is None and not self.anonymous:
            raise Status(UNAUTHENTICATED, "Unauthorized")
        if self.account is None or not self.account.may(verb, namespace):
            raise Status(DENIED, self._forbidden(verb, resource, namespace, name))

    def require_list(self, namespace: str) -> None:
        """A list of workflows asks by SelfSubjectAccessReview and has words of its own."""
        if self.account is not None and not self.account.may("list", namespace):
            raise Status(
                DENIED,
                f'Permission denied, you are not allowed to list workflows in namespace "{namespace}". Maybe you '
                f"want to specify a namespace with query parameter `.namespace={namespace}`?",
            )
        if self.anonymous:
            raise Status(DENIED, ANONYMOUS_REVIEW)
        self.require("list", "workflows", namespace)

    def _forbidden(self, verb: str, resource: str, namespace: str, name: str) -> str:
        user = self.account.user if self.account else "system:anonymous"
        group = "" if resource in {"events", "pods"} else "argoproj.io"
        what = f"{resource}.{group}".rstrip(".") + (f' "{name}"' if name else "")
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        return f'{what} is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group "{group}" {where}'


class Accounts:
    """The tokens that Kubernetes would know."""

    def __init__(self) -> None:
        self._by_token: dict[str, Account] = {}

    def add(self, account: Account) -> str:
        """A new token for it: like a service account's a JWT, of which Argo reads the claims unverified."""
        claims = {
            "iss": ISSUER,
            "sub": account.user,
            "kubernetes.io": {"namespace": account.namespace, "serviceaccount": {"name": account.name}},
        }
        token = f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{_encode(claims)}.{secrets.token_urlsafe(24)}"
        self._by_token[token] = account
        return token

    def caller(self, authorization: str | None, cookies: Iterable[str]) -> Caller:
        """Raises Status (401) when nothing that was sent looks like a credential."""
        candidates = [authorization] if authorization is not None else _cookie_values(cookies)
        for value in candidates:
            scheme, space, credential = value.partition(" ")
            if space and scheme == "Bearer":
                return Caller(self._by_token.get(credential), _claims(credential))
            if space and scheme == "Basic":
                return Caller(None, {}, anonymous=True)
        raise Status(UNAUTHENTICATED, NO_TOKEN)


def userinfo(claims: Mapping[str, Any]) -> dict[str, Any]:
    """What `/api/v1/userinfo` tells of a token's claims."""
    bound = claims.get("kubernetes.io") or {}
    found = {
        "issuer": claims.get("iss"),
        "subject": claims.get("sub"),
        "serviceAccountName": (bound.get("serviceaccount") or {}).get("name"),
        "serviceAccountNamespace": bound.get("namespace"),
    }
    return {key: value for key, value in found.items() if value}


def _cookie_values(headers: Iterable[str]) -> list[str]:
    found = []
    for pair in "; ".join(headers).split(";"):
        name, _, value = pair.strip().partition("=")
        if name == "authorization":
            found.append(_unquote(value))
    return found


def _unquote(value: str) -> str:
    try:
        return next(iter(SimpleCookie(f"a={value}").values())).value if value.startswith('"') else value
    except (CookieError, StopIteration):
        return value


def _encode(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
