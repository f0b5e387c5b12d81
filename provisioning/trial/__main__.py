"""`python -m provisioning.trial`: the trial in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.trial.server import NotLoopback, PortTaken
from provisioning.trial.server.installing import InstallError
from provisioning.trial.server.machine import AlreadyRunning, Machine, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CANNOT_START = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 2 when it can't start: port or state in use, an address that others could reach, bad templates."""
    return serve(parse(arguments, os.environ))


def parse(arguments: Sequence[str] | None, environ: Mapping[str, str]) -> Settings:
    """Options, with defaults from TRIAL_… variables."""
    parser = argparse.ArgumentParser(prog="python -m provisioning.trial", description=__doc__)
    add_options(parser, environ)
    found = parser.parse_args(arguments)
    return settings(found)


def settings(found: argparse.Namespace) -> Settings:
    return Settings(
        state=found.state.resolve(),
        host=found.host,
        port=found.port,
        namespace=found.namespace,
        token_file=found.token_file,
        templates=found.templates,
        pod_seconds=found.pod_seconds,
        requeue_seconds=found.requeue_seconds,
        calls_per_second=found.api_rate_limit,
    )


def add_options(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    def option(name: str, kind: type, default: object, text: str) -> None:
        variable = f"TRIAL_{name.upper().replace('-', '_')}"
        # argparse converts a default only when it is a text
        parser.add_argument(f"--{name}", type=kind, default=environ.get(variable, default), help=f"{text} [{variable}]")

    option("state", Path, "var/trial", "directory of everything that is kept")
    option("host", str, "127.0.0.1", "a loopback address")
    option("port", int, 2746, "0 takes a free one")
    option("namespace", str, environ.get("ARGO_NAMESPACE", "argo"), "the namespace of workflows and templates")
    option("token-file", Path, None, "write the token here too, beside STATE/token")
    option("templates", Path, None, "directory of WorkflowTemplates, installed at start")
    option("pod-seconds", float, 1.5, "how long a pod takes to start")
    option("requeue-seconds", float, 0.0, "how late the controller looks at a change; a real one takes 10")
    option("api-rate-limit", int, 1000, "calls per second, 0 for no limit")


def serve(settings: Settings) -> int:
    """Run until a signal asks for the end."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        machine = Machine(settings)
    except (AlreadyRunning, NotLoopback) as problem:
        return _cannot(problem)
    try:
        machine.start()
        _say(f"Argo Server of the trial at {machine.server.url}, namespace {settings.namespace}")
        _say(f"Token in {settings.state / 'token'}; change conditions with: manage.py trial --help")
        ended.wait()
    except (PortTaken, InstallError) as problem:
        return _cannot(problem)
    finally:
        machine.stop()
    return 0


def _cannot(problem: Exception) -> int:
    sys.stderr.write(f"The trial can't start: {problem}\n")
    return CANNOT_START


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
