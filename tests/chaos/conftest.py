from __future__ import annotations

from tests.support.fixtures import connect, templates

__all__ = ["connect", "templates"]
