"""`manage.py trial`: the switches by name, and the templates that `serve` installs."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from provisioning.management.commands.trial import SWITCHES, write_templates
from provisioning.trial.engine import validate
from provisioning.trial.server.installing import install
from provisioning.trial.server.machine import Machine, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django import Settings as DjangoSettings

    from provisioning.trial.store import Store


@pytest.fixture
def machine(tmp_path: Path, settings: DjangoSettings) -> Iterator[Machine]:
    settings.TRIAL_STATE = str(tmp_path / "state")
    with Machine(Settings(state=tmp_path / "state", port=0)) as running:
        yield running


def trial(*arguments: str) -> str:
    out = StringIO()
    call_command("trial", *arguments, stdout=out)
    return out.getvalue()


def test_conditions_are_set_and_told(machine: Machine) -> None:
    trial("refuse", "NetworkPolicy", "default-deny", "--message", "not today")
    trial("image-pull-fails")
    trial("unschedulable", "apply-rbac")
    trial("foreign-namespace", "payments-dev")
    trial("stop-argo", "--seconds", "3600")
    status = json.loads(trial("status"))
    assert status["refused"] == [["networkpolicies", "default-deny", "not today"]]
    assert (status["image_pull_fails"], status["unschedulable"], status["argo_away"]) == ("*", "apply-rbac", True)
    trial("image-pull-works")
    trial("schedulable")
    trial("allow", "NetworkPolicy", "default-deny")
    status = json.loads(trial("status"))
    assert (status["refused"], status["image_pull_fails"], status["unschedulable"]) == ([], None, None)


def test_a_refusal_of_the_trial_is_the_commands_error(machine: Machine) -> None:
    with pytest.raises(CommandError, match="there is no namespace nope"):
        trial("seed-workload", "nope")


def test_without_a_trial_the_command_says_how_to_start_one(tmp_path: Path, settings: DjangoSettings) -> None:
    settings.TRIAL_STATE = str(tmp_path)
    with pytest.raises(CommandError, match=r"no trial is running .*make run"):
        trial("status")


def test_every_switch_has_a_help_text() -> None:
    assert all(text for text, _, _ in SWITCHES.values())


def test_the_portals_templates_are_installed_with_their_settings_filled_in(tmp_path: Path, store: Store) -> None:
    directory = write_templates(tmp_path)
    names = ["namespace-audit", "namespace-deletion", "namespace-provisioning", "namespace-update"]
    assert install(store, validate, directory, "argo") == names
    assert "<cluster." not in "".join(path.read_text() for path in directory.iterdir())
    assert install(store, validate, directory, "argo") == []
