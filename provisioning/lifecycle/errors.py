from __future__ import annotations

from collections.abc import Mapping

from provisioning.models import Request


class LifecycleError(Exception):
    """Something that people ask for and that cannot be done; its text is for them."""


class Conflict(LifecycleError):
    """Somebody was first, or the request is no longer what was shown. `request` is the row as it now is."""

    def __init__(self, message: str, request: Request) -> None:
        super().__init__(message)
        self.request = request


class Forbidden(LifecycleError):
    """This person may not do this; the text says why."""


class Invalid(LifecycleError):
    """What was sent breaks a rule. `errors`: field -> sentences; `__all__` for what belongs to no field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(" ".join(text for texts in errors.values() for text in texts))
        self.errors = {field: list(texts) for field, texts in errors.items()}
