"""The worker: submits approved runs to Argo, follows them, copies their logs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from provisioning.reconcile.connection import client_from_settings
from provisioning.reconcile.loop import Loop, install_signals


class Command(BaseCommand):
    help = "Run the worker until SIGTERM or SIGINT. Any number may run: one is elected, the others stand by."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is to do at this moment, then end")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        try:
            loop = Loop(client_from_settings())
        except ValueError as error:
            raise CommandError(str(error)) from error
        install_signals(loop)
        if options["once"]:
            loop.once()
        else:
            loop.run()
