"""The worker's edge: the one place where any exception is caught, so that one row's trouble is that row's alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError

from provisioning.argo import ArgoError
from provisioning.lifecycle import Conflict

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Trouble with Argo or the database is nobody's row: the loop ends its pass and waits.
DATABASE_AWAY = (OperationalError, InterfaceError)


def attempt(work: Callable[[], T], **about: object) -> T | None:
    """What `work` returns, or None after logging its exception with the traceback and `about`."""
    try:
        return work()
    except Exception:
        log.exception("failed", **about)
        return None


def attempt_row(work: Callable[[], T], **about: object) -> tuple[T | None, Exception | None]:
    """As `attempt`, with the exception. ArgoError and an absent database pass through: they are not the row's.

    That somebody else was first is no trouble at all.
    """
    try:
        return work(), None
    except (ArgoError, *DATABASE_AWAY):
        raise
    except Conflict as conflict:
        log.info("somebody was first", why=str(conflict), **about)
        return None, None
    except Exception as error:
        log.exception("failed", **about)
        return None, error
