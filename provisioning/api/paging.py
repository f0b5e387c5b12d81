"""Keyset pages: a cursor holds the key of the last row shown, so a page costs the same wherever it is."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import uuid
from collections.abc import Iterable
from typing import Annotated, TypeVar

from django.db.models import Model, Q
from pydantic import Field

from provisioning.api.errors import RefusedError

MOST = 100
USUAL = 50
M = TypeVar("M", bound=Model)
Limit = Annotated[int, Field(ge=1, le=MOST, description=f"At most so many on a page, {MOST} being the most.")]
Cursor = Annotated[
    str, Field(max_length=400, description="`nextCursor` of the page before. What is in it may change at any time.")
]
BAD_CURSOR = "This is no cursor that was given out here. Begin anew without it."


def encode(*key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode(cursor: str, length: int) -> list[str]:
    """The key of the last row shown. Raises RefusedError for what `encode` did not make."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise RefusedError({"cursor": [BAD_CURSOR]}) from error
    if not isinstance(key, list) or len(key) != length or not all(_is_text(part) for part in key):
        raise RefusedError({"cursor": [BAD_CURSOR]})
    return key


def _is_text(part: object) -> bool:
    return isinstance(part, str) and part.isprintable()


def after_newest(cursor: str) -> Q:
    """The rows after that one, newest first, the id deciding between those of the same moment."""
    at, pk = decode(cursor, 2)
    try:
        moment, identity = dt.datetime.fromisoformat(at), uuid.UUID(pk)
        moment = moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise RefusedError({"cursor": [BAD_CURSOR]}) from error
    return Q(created_at__lt=moment) | Q(created_at=moment, id__lt=identity)


def cut(rows: Iterable[M], limit: int) -> tuple[list[M], M | None]:
    """Of `limit + 1` rows at most: those of this page, and its last when others follow."""
    found = list(rows)
    page = found[:limit]
    return page, page[-1] if len(found) > limit else None
