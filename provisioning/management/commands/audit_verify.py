from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from provisioning import audit


class Command(BaseCommand):
    help = "Walk the audit trail's chain of hashes; exit code 1 and the first event that does not fit if it is broken."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        result = audit.verify()
        if not result.ok:
            where = f"event {result.broken_at}" if result.broken_at else "the end"
            raise CommandError(
                f"The trail is broken at {where}: {result.reason}. {result.count} events before it are sound."
            )
        self.stdout.write(f"{result.count} events, the chain is whole.")
