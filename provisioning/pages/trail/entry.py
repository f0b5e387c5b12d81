"""One event: what was before and after, side by side, and the event as it was hashed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provisioning.audit import digest
from provisioning.models import AuditEvent
from provisioning.pages import story

MOST_ROWS = 200
LONGEST = 2_000
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Change:
    """One value; None where that side has none."""

    path: str
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Entry:
    row: AuditEvent

    @property
    def told(self) -> story.Told:
        return story.told(self.row)

    @property
    def fits(self) -> bool:
        """Whether its hash is that of its content and of the hash before it."""
        return self.row.hash == digest(self.row)

    @property
    def changes(self) -> list[Change]:
        before, after = dict(_flat(self.row.before)), dict(_flat(self.row.after))
        paths = list(dict.fromkeys([*before, *after]))[:MOST_ROWS]
        return [Change(path, before.get(path), after.get(path)) for path in paths]

    @property
    def compares(self) -> bool:
        """Whether there is a before to compare with."""
        return bool(self.row.before)

    @property
    def json(self) -> str:
        return json.dumps(as_json(self.row), indent=2, ensure_ascii=False)


def as_json(row: AuditEvent) -> dict[str, Any]:
    """All columns, by which the hash can be computed again (see `provisioning.audit.digest`)."""
    return {
        "id": row.pk,
        "at": row.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "action": row.action,
        "actor": row.actor_id,
        "actor_name": row.actor_name,
        "actor_role": row.actor_role,
        "request": str(row.request_id or ""),
        "subject": row.subject,
        "before": row.before,
        "after": row.after,
        "note": row.note,
        "previous_hash": row.previous_hash,
        "hash": row.hash,
    }


def _flat(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(dotted path, text) of every value; a list is one text."""
    if isinstance(value, dict) and depth < DEEPEST:
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key), depth + 1)
    else:
        yield path or "value", _text(value)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[:LONGEST]}…" if len(text) > LONGEST else text
