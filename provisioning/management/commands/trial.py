"""`manage.py trial`: run the trial, and bring about the conditions in which requests fail."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from provisioning.config import the_catalog
from provisioning.trial.__main__ import add_options, serve
from provisioning.trial.__main__ import settings as trial_settings
from provisioning.trial.control import Control, ControlError
from provisioning.trial.server import RIGHTS
from provisioning.workflows import templates

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    Action = Callable[[Control, Namespace], object]

# name: (help, arguments as (name, options), what to do)
SWITCHES: dict[str, tuple[str, tuple[tuple[str, dict[str, Any]], ...], Action]] = {
    "status": (
        "where the trial is, what it runs, and which conditions are set",
        (),
        lambda trial, _: trial.status(),
    ),
    "refuse": (
        "let the cluster refuse an object, as an admission policy would",
        (
            ("kind", {"help": "e.g. NetworkPolicy, or * for every kind"}),
            ("name", {"help": "the object's name, or * for every name"}),
            ("--message", {"default": "refused by the trial", "help": "what the cluster says"}),
        ),
        lambda trial, given: trial.refuse(given.kind, given.name, given.message),
    ),
    "allow": (
        "take such a refusal back",
        (("kind", {}), ("name", {})),
        lambda trial, given: trial.allow(given.kind, given.name),
    ),
    "foreign-namespace": (
        "make a namespace that is not the platform's",
        (("name", {}),),
        lambda trial, given: trial.foreign_namespace(given.name),
    ),
    "label-namespace": (
        "what `kubectl label namespace` of a cluster administrator does, e.g. to consent to an adoption",
        (("name", {}), ("label", {"metavar": "KEY=VALUE"})),
        lambda trial, given: trial.label_namespace(given.name, given.label),
    ),
    "remove-namespace": (
        "delete a namespace of the trial's cluster past the portal",
        (("name", {}),),
        lambda trial, given: trial.remove_namespace(given.name),
    ),
    "image-pull-fails": (
        "let pods not get their image",
        (("image", {"nargs": "?", "default": "*", "help": "this image; without it any"}),),
        lambda trial, given: trial.image_pull_fails(given.image),
    ),
    "image-pull-works": (
        "let them get it again",
        (),
        lambda trial, _: trial.image_pull_fails(None),
    ),
    "unschedulable": (
        "let no node take the pods of a step",
        (("step", {"nargs": "?", "default": "*", "help": "this step; without it any"}),),
        lambda trial, given: trial.unschedulable(given.step),
    ),
    "schedulable": (
        "let nodes take them again",
        (),
        lambda trial, _: trial.unschedulable(None),
    ),
    "stop-argo": (
        "let Argo refuse connections for a while",
        (("--seconds", {"type": float, "default": 60.0, "help": "60; 0 brings it back at once"}),),
        lambda trial, given: trial.stop_argo(given.seconds),
    ),
    "stop-kubernetes": (
        "let the cluster fail the scripts' kubectl for a while",
        (
            ("--seconds", {"type": float, "default": 60.0, "help": "60"}),
            ("--mode", {"default": "refused", "help": "how it fails"}),
        ),
        lambda trial, given: trial.stop_kubernetes(given.seconds, given.mode),
    ),
    "seed-workload": (
        "put pods, claims and services into a namespace, as a team would",
        (("namespace", {}),),
        lambda trial, given: trial.seed_workload(given.namespace),
    ),
    "hold": (
        "keep a namespace from going once it is deleted",
        (("namespace", {}),),
        lambda trial, given: trial.hold(given.namespace),
    ),
    "release": (
        "let it go",
        (("namespace", {}),),
        lambda trial, given: trial.release(given.namespace),
    ),
    "token": (
        "print a token with fewer rights than the portal's",
        (("rights", {"choices": sorted(RIGHTS)}),),
        lambda trial, given: trial.token(given.rights),
    ),
    "reset": (
        "every condition back to normal; objects and workflows stay",
        (),
        lambda trial, _: trial.reset(),
    ),
}


class Command(BaseCommand):
    help = "The trial: an embedded Argo Server with a tiny cluster, for trying the portal without Kubernetes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True, metavar="command")
        run = commands.add_parser("serve", help="run the trial in the foreground")
        add_options(run, {"TRIAL_STATE": settings.TRIAL_STATE, "ARGO_NAMESPACE": settings.ARGO_NAMESPACE, **os.environ})
        for name, (text, arguments, _) in SWITCHES.items():
            command = commands.add_parser(name, help=text)
            for argument, options in arguments:
                command.add_argument(argument, **options)

    def handle(self, *_args: Any, **options: Any) -> None:
        given = Namespace(**options)
        if given.command == "serve":
            self._serve(given)
            return
        try:
            answer = SWITCHES[given.command][2](Control(settings.TRIAL_STATE), given)
        except ControlError as error:
            raise CommandError(str(error)) from error
        if isinstance(answer, dict):
            answer = json.dumps(answer, indent=2)
        if answer is not None:
            self.stdout.write(str(answer))

    def _serve(self, given: Namespace) -> None:
        given.templates = given.templates or write_templates(given.state)
        if code := serve(trial_settings(given)):
            raise SystemExit(code)


def write_templates(state: Path) -> Path:
    """The portal's WorkflowTemplates with its catalogue's settings filled in, as files for the trial to install."""
    directory = state / "templates"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for template in templates.workflow_templates(the_catalog().cluster):
        (directory / f"{template['metadata']['name']}.json").write_text(
            json.dumps(template, indent=1, ensure_ascii=False), encoding="utf-8"
        )
    return directory
