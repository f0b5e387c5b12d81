"""Asks the worker to look at namespaces in the cluster, and tells what was found."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from provisioning import lifecycle
from provisioning.cluster_view import cluster_view
from provisioning.drift import Finding
from provisioning.models import Check, CheckState, Namespace, WorkerLease

DAY = timedelta(days=1)
POLL_SECONDS = 0.5
ALL = 1_000_000


class Command(BaseCommand):
    help = (
        "Compare namespaces with what was granted, and list what is managed in the cluster: drift, orphans and ghosts. "
        "The worker does it, a few at a time. Without names: the list, and the namespaces that nobody looked at for a "
        "day, those of longest ago first. Nothing is changed in the cluster."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "names", nargs="*", metavar="NAME", help="of a namespace; also one the portal does not know"
        )
        parser.add_argument("--all", action="store_true", help="every namespace, however lately it was looked at")
        parser.add_argument(
            "--wait", action="store_true", help="until it is done, and print what was found; exit code 1 if anything"
        )
        parser.add_argument("--timeout", type=float, default=600.0, help="seconds to wait at most (600)")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        checks = self._ask(options["names"], everything=options["all"])
        if not options["wait"]:
            self.stdout.write(f"{_count(len(checks), 'look')} asked for; the worker takes them up one after the other.")
            return
        self._wait(checks, options["timeout"])
        found = [line for check in _again(checks) for line in _told(check)]
        self.stdout.write("\n".join(line for line, _ in found))
        if not all(good for _, good in found):
            sys.exit(1)

    def _ask(self, names: list[str], *, everything: bool) -> list[Check]:
        if names and everything:
            raise CommandError("Give names, or --all.")
        try:
            if names:
                return [lifecycle.ask_check(name) for name in dict.fromkeys(names)]
            if everything:
                rows = Namespace.objects.existing().order_by("checked_at", "pk").values_list("name", flat=True)
                return [*(lifecycle.ask_check(name) for name in rows), lifecycle.ask_listing()]
        except lifecycle.Invalid as error:
            raise CommandError(str(error)) from error
        lifecycle.plan_checks(timezone.now(), every=DAY, limit=ALL)
        lifecycle.ask_listing()
        return list(Check.objects.open())

    def _wait(self, checks: list[Check], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        mine = Check.objects.open().filter(pk__in=[check.pk for check in checks])
        while count := mine.count():
            if not WorkerLease.current().is_alive:
                raise CommandError("No worker is there to do it: start `manage.py reconcile`.")
            if time.monotonic() >= deadline:
                why = next(iter(mine.exclude(trouble="").values_list("trouble", flat=True)), "")
                raise CommandError(f"{_count(count, 'look')} did not end in time. {why}".strip())
            time.sleep(POLL_SECONDS)


def _again(checks: list[Check]) -> list[Check]:
    """As they are now, in the order in which they were asked."""
    rows = Check.objects.in_bulk([check.pk for check in checks])
    return [rows[check.pk] for check in checks if check.pk in rows]


def _told(check: Check) -> Iterator[tuple[str, bool]]:
    """Lines, each with whether it is good news."""
    if check.is_listing:
        yield from _listing(check)
    elif check.state == CheckState.FAILED:
        yield f"{check.name}: could not be looked at: {check.error}", False
    elif check.namespace_id is None:
        yield f"{check.name}: {'there, and' if check.exists else 'not there, and'} not known here", not check.exists
    else:
        yield from _findings(check)


def _findings(check: Check) -> Iterator[tuple[str, bool]]:
    findings = [Finding.from_json(item) for item in check.findings]
    yield f"{check.name}: {_count(len(findings), 'finding') if findings else 'as granted'}", not findings
    for finding in findings:
        yield f"  {finding.kind}: {finding.sentence}", False
        if finding.command:
            yield f"    {finding.command}", False


def _listing(check: Check) -> Iterator[tuple[str, bool]]:
    if check.state == CheckState.FAILED:
        yield f"The cluster could not be listed: {check.error}", False
        return
    view = cluster_view()
    yield f"{_count(view.count, 'namespace')} managed in the cluster", True
    for ghost in view.ghosts:
        yield f"  ghost: {ghost.namespace.name} is ready here and not in the cluster", False
    for orphan in view.orphans:
        left = "left half-made by a creation" if orphan.half_made else "managed in the cluster, not known here"
        yield f"  orphan: {orphan.name} ({orphan.request_id or 'of no request'}) is {left}", False


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
