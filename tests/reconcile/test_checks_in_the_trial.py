"""Namespaces compared with what was granted, by runs of the real template on the trial's cluster."""

from __future__ import annotations

import pytest

from tests.reconcile.lives import Life, live_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def life(trial, connect, clock, alice, dana) -> Life:
    return live_of(trial, connect, clock, alice, dana)


def test_what_is_as_granted_has_no_findings_and_tells_what_is_used(life: Life):
    namespace = life.namespace()
    check = life.looked(namespace.name)
    namespace.refresh_from_db()
    assert (check.state, check.error, check.findings) == ("finished", "", [])
