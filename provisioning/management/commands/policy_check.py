"""What another catalogue would have decided on the requests so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from provisioning.catalog import CatalogError, load
from provisioning.lifecycle.simulating import Judged, Simulation, simulate

if TYPE_CHECKING:
    from argparse import ArgumentParser

DIFFERENT, WRONG = 1, 2
WORDS = {"auto": "automatic", "approve": "one approver", "two": "two approvers", "refuse": "refused"}


class Command(BaseCommand):
    help = (
        "Judges every past request by the policy of another catalogue, and says which verdicts it would have changed. "
        "Changes nothing. Ends with 0 when no result would be another, 1 when some would, 2 when FILE is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a catalogue, as catalog.yaml")
        parser.add_argument("--limit", type=int, default=50, help="so many requests are listed at most (50)")
        parser.add_argument("--reasons", action="store_true", help="list those, too, whose reasons alone would differ")

    def handle(self, *, file: str, limit: int, reasons: bool, **_options: Any) -> None:
        try:
            catalog = load(file)
        except CatalogError as error:
            raise CommandError(str(error), returncode=WRONG) from error
        found = simulate(catalog)
        self._summarise(found)
        self._list("It would have changed these verdicts:", found.differing, limit)
        if reasons:
            self._list("With the same result, but for other reasons:", found.other_reasons, limit)
        for item in found.not_judged[:limit]:
            self.stdout.write(f"not judged: {_name(item)}: {item.why_not}")
        if found.differing:
            raise SystemExit(DIFFERENT)

    def _summarise(self, found: Simulation) -> None:
        self.stdout.write(f"{found.total} requests, {len(found.differing)} with another result.")
        for (before, after), count in sorted(found.changes.items()):
            self.stdout.write(f"  {WORDS[before]} → {WORDS[after]}: {count}")
        if found.other_reasons:
            self.stdout.write(f"{len(found.other_reasons)} with the same result for other reasons.")
        if found.not_judged:
            self.stdout.write(f"{len(found.not_judged)} could not be judged.")
        if found.without_room:
            self.stdout.write(f"{found.without_room} of before the room was kept: judged as if there was enough.")

    def _list(self, title: str, items: list[Judged], limit: int) -> None:
        if not items:
            return
        self.stdout.write(f"\n{title}")
        for item in items[:limit]:
            self.stdout.write(f"{_name(item)}")
            self.stdout.write(f"  was:      {item.before.sentence} [{item.before.rule}]")
            if item.after:
                self.stdout.write(f"  would be: {item.after.sentence} [{item.after.rule}]")
        if len(items) > limit:
            self.stdout.write(f"… and {len(items) - limit} more (--limit)")


def _name(item: Judged) -> str:
    request = item.request
    when = f"{request.created_at:%Y-%m-%d}"
    return (
        f"{when} {request.get_kind_display()} {request.name}, team {request.team.name}, by {request.requester.username}"
    )
