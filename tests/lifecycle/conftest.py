from __future__ import annotations

import pytest

from provisioning.models import Namespace, User
from tests.lifecycle import life
from tests.support.fixtures import clock, connect, templates, trial, worker

__all__ = ["clock", "connect", "namespace", "prod", "templates", "trial", "worker"]


@pytest.fixture
def namespace(alice: User, dana: User) -> Namespace:
    """payments-dev: small, so that a rule grants it."""
    return life.made(alice, dana, name="payments-dev", tier="small")


@pytest.fixture
def prod(alice: User, dana: User) -> Namespace:
    """payments-prod: large, in production, granted by Dana."""
    return life.made(alice, dana)
