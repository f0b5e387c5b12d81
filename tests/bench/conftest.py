from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.generator import Generator
from tests.support.fixtures import connect

__all__ = ["connect"]


@pytest.fixture
def argo() -> Iterator[Generator]:
    with Generator() as generator:
        yield generator
