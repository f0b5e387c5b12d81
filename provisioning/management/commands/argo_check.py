"""The integration test with whatever Argo Server is configured."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from provisioning.reconcile.connection import client_from_settings
from provisioning.reconcile.context import Context
from provisioning.reconcile.copier import Copier
from provisioning.reconcile.integration import IntegrationTest


class Command(BaseCommand):
    help = (
        "Test the connection with Argo: health, list, submit, status until it ends, log, and the templates. "
        "Exit code 1, with a cause and a remedy, when something fails."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - it is for finding out what is wrong

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--timeout", type=float, default=120.0, help="seconds to wait for the run's end (120)")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        try:
            client = client_from_settings()
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Argo Server {client.url}, namespace {client.namespace}")
        context = Context(client, "argo_check", Copier(0, cap_bytes=0), settings.ARGO_TIMEOUT / 1000)
        test = IntegrationTest(context, self.stdout.write, timeout_seconds=options["timeout"])
        try:
            good = test.run()
        finally:
            client.close()
        if not good:
            sys.exit(1)
