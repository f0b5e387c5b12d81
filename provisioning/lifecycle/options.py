"""What a request's column `options` holds: that which belongs to its kind, and what is known of it on its way."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from provisioning.models import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    # change
    base: int = 0  # the revision that was in force when it was asked
    repair: bool = False  # what is in force, once more
    to_revision: int = 0  # back to that one
    lease_from: str = ""  # RFC 3339; of a renewal: from when the days count
    lease_ends_at: str = ""  # RFC 3339; of a renewal: the end that it asks for
    # delete
    force: bool = False
    inventory: dict[str, Any] | None = None
    # adopt
    owner_request_id: str = ""  # that the namespace bears; "" = this request's own
    uid: str = ""
    created_at: str = ""
    requested_by: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)  # what adopting would change
    # how the namespace stood before the run, and whether a run began to change it
    status_before: str = ""
    touched: bool = False

    @classmethod
    def of(cls, request: Request) -> Self:
        known = {item.name for item in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in request.options.items() if key in known})

    def to_json(self) -> dict[str, Any]:
        """Without what is as it is by default."""
        plain = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {key: value for key, value in plain.items() if value}

    def replace(self, **changes: Any) -> Self:
        return dataclasses.replace(self, **changes)

    def edited(self, made: Self) -> Self:
        """`made` in place of these, after an edit; what happened to the namespace stays known."""
        return made.replace(status_before=self.status_before, touched=self.touched)


def rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def lease_end(options: Options) -> datetime | None:
    """The end of the lease that a renewal asks for; None for any other request."""
    return datetime.fromisoformat(options.lease_ends_at) if options.lease_ends_at else None


def renewed(options: Options, days: int, at: datetime) -> Options:
    """With a lease of `days` from when it was first asked for, or from `at`."""
    start = datetime.fromisoformat(options.lease_from) if options.lease_from else at
    return options.replace(lease_from=rfc3339(start), lease_ends_at=rfc3339(start + timedelta(days=days)))
