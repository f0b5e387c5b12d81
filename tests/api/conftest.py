from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from provisioning.api.throttle import THROTTLE
from provisioning.models import ApiToken, Scope, User

ALL_SCOPES = [scope.value for scope in Scope]
API = "/api/v1"


@pytest.fixture(autouse=True)
def _nobody_has_called_yet() -> Iterator[None]:
    """Primary keys begin anew in each test, so the callers of one would be throttled for those of another."""
    THROTTLE.forget()
    yield
    THROTTLE.forget()


def make_token(user: User, *scopes: str, **columns: Any) -> str:
    token, text = ApiToken.issue(user, "test", list(scopes or ALL_SCOPES), timezone.now() + timedelta(days=1))
    if columns:
        ApiToken.objects.filter(pk=token.pk).update(**columns)
    return text


class Caller:
    """Calls as a program does: by a token, with JSON."""

    def __init__(self, token: str | None) -> None:
        self.client = Client(raise_request_exception=True)
        self.headers = {"Authorization": f"Bearer {token}"} if token is not None else {}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data: Any = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(
            method, API + path, data, content_type="application/json", headers={**self.headers, **named}
        )

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def delete(self, path: str) -> Any:
        return self("DELETE", path)


@pytest.fixture
def caller() -> Callable[..., Caller]:
    """`caller(alice)` has a token with all scopes, `caller(alice, "read")` with that one, `caller()` none."""

    def make(user: User | None = None, *scopes: str, **columns: Any) -> Caller:
        return Caller(make_token(user, *scopes, **columns) if user else None)

    return make


def asked(**changes: Any) -> dict[str, Any]:
    """What a person has to approve; change what the test is about."""
    body = {
        "namespaceName": "payments-prod",
        "team": "payments",
        "resourceTier": "large",
        "features": ["logging", "monitoring"],
        "rbac": {"admins": [], "editors": [{"kind": "Group", "name": "payments-devs"}], "viewers": ["bob@example.com"]},
        "purpose": "Card payments",
        "leaseDays": 90,
    }
    return {**body, **changes}
