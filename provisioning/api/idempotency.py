"""`Idempotency-Key`: whoever got no answer asks again with the same key, and gets the request that was opened."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from provisioning.api.errors import RefusedError
from provisioning.lifecycle import Invalid
from provisioning.models import IdempotencyKey, Request, User

HEADER = "Idempotency-Key"
KEY = re.compile(r"\A[!-~]{1,255}\Z")
OTHER_BODY = "This key was used for another body. Each request needs a key of its own."
BAD_KEY = "1 to 255 printable characters of ASCII without blanks."


def key_of(request: HttpRequest) -> str:
    """'' when none was sent. Raises RefusedError for one that can't be kept."""
    key = request.headers.get(HEADER, "")
    if HEADER in request.headers and not KEY.match(key):
        raise RefusedError({HEADER: [BAD_KEY]})
    return key


def digest_of(body: dict[str, Any]) -> str:
    """Of what was said, however it was spaced."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def once(user: User, key: str, digest: str, make: Callable[[], Request]) -> tuple[Request, bool]:
    """What `make` opens, the first time; afterwards what it opened then, and True.

    The key and the request come into being in one transaction. Of two at once one loses, by the name that both ask
    for or by the key's unique constraint; its transaction is undone, and it finds what the other made.
    """
    if found := _known(user, key, digest):
        return found, True
    try:
        with transaction.atomic():
            request = make()
            IdempotencyKey.objects.create(user=user, key=key, body_digest=digest, request=request)
    except (IntegrityError, Invalid, RefusedError):
        if found := _known(user, key, digest):
            return found, True
        raise
    return request, False


def _known(user: User, key: str, digest: str) -> Request | None:
    row = IdempotencyKey.objects.filter(user=user, key=key).select_related("request__team").first()
    if row is None:
        return None
    if row.body_digest != digest:
        raise RefusedError({HEADER: [OTHER_BODY]})
    return row.request
