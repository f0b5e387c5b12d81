"""The cast and what every test may want. Alice leads payments, Bob is on her team, Carol leads search and has no
business with payments, Dana and Erin are platform admins, Frank audits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from provisioning import lifecycle
from provisioning.models import Membership, Request, Team, User
from provisioning.spec import NamespaceSpec

LEAD, MEMBER = Membership.Role.LEAD, Membership.Role.MEMBER


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Django empties tables after a test with real transactions by DELETE on SQLite, which the audit trail's trigger
    refuses. `tests/test_audit.py` migrates a database of its own to prove that the trigger is there."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER IF EXISTS audit_event_no_delete")


@pytest.fixture
def payments(db: None) -> Team:
    return Team.objects.create(name="payments", title="Payments")


@pytest.fixture
def search(db: None) -> Team:
    return Team.objects.create(name="search", title="Search")


def _person(username: str, **columns: Any) -> User:
    first = username.capitalize()
    user = User(username=username, email=f"{username}@example.com", first_name=first, **columns)
    user.set_password(username)
    user.save()
    return user


@pytest.fixture
def alice(payments: Team) -> User:
    user = _person("alice")
    Membership.objects.create(user=user, team=payments, role=LEAD)
    return user


@pytest.fixture
def bob(payments: Team) -> User:
    user = _person("bob")
    Membership.objects.create(user=user, team=payments, role=MEMBER)
    return user


@pytest.fixture
def carol(search: Team) -> User:
    user = _person("carol")
    Membership.objects.create(user=user, team=search, role=LEAD)
    return user


@pytest.fixture
def dana(db: None) -> User:
    return _person("dana", is_platform_admin=True)


@pytest.fixture
def erin(db: None) -> User:
    return _person("erin", is_platform_admin=True)


@pytest.fixture
def frank(db: None) -> User:
    return _person("frank", is_auditor=True)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    def make(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make


def make_spec(**changes: Any) -> NamespaceSpec:
    """A large namespace of payments, which a person has to approve; change what the test is about."""
    values: dict[str, Any] = {
        "name": "payments-prod",
        "team": "payments",
        "tier": "large",
        "features": ("logging", "monitoring"),
        "admins": (),
        "editors": (),
        "viewers": (),
        "purpose": "Card payments",
        "lease_days": 90,
        "options": {},
    }
    return NamespaceSpec(**{**values, **changes})


@pytest.fixture
def spec() -> Callable[..., NamespaceSpec]:
    return make_spec


@pytest.fixture
def open_request(alice: User) -> Callable[..., Request]:
    """Open a request as Alice (or `by`), with the spec's fields changed as given."""

    def make(by: User | None = None, **changes: Any) -> Request:
        return lifecycle.open_request(make_spec(**changes), by=by or alice)

    return make
