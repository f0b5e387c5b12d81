"""`kubectl annotate`."""

from __future__ import annotations

from provisioning.trial.cluster import targets
from provisioning.trial.cluster.api import Api
from provisioning.trial.cluster.arguments import Command
from provisioning.trial.cluster.errors import KubectlError
from provisioning.trial.cluster.outcome import Outcome

Changes = dict[str, str | None]


def annotate(api: Api, command: Command) -> Outcome:
    words, changes = _split(command.words)
    if not changes:
        raise KubectlError.plain("at least one annotation update is required")
    if command.output is not None:
        raise KubectlError.plain("the trial cluster's kubectl annotates without -o")
    wanted = targets.select(words, command.namespace).targets
    if not wanted:
        raise KubectlError.plain("the trial cluster's kubectl annotates objects by name only")
    outcome = Outcome()
    for target in wanted:
        try:
            present = api.get(target)["metadata"].get("annotations", {})
            if not command.flag("overwrite"):
                _refuse_overwriting(present, changes)
            api.annotate(target, changes, command.values.get("field-manager", "kubectl-annotate"))
        except KubectlError as error:
            outcome.errors.append(error)
            continue
        outcome.stdout += f"{target.kind.type_name}/{target.name} annotated\n"
    outcome.warnings = api.warnings
    return outcome


def _split(words: list[str]) -> tuple[list[str], Changes]:
    """Objects, and annotations (`KEY=VALUE`, `KEY-`); of a key twice the last counts."""
    names: list[str] = []
    changes: Changes = {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            changes[key] = value
        elif word.endswith("-") and names:
            changes[word[:-1]] = None
        else:
            names.append(word)
    return names, changes


def _refuse_overwriting(present: dict[str, str], changes: Changes) -> None:
    taken = [
        f"'{key}' already has a value ({present[key]})"
        for key, value in changes.items()
        if value is not None and key in present and present[key] != value
    ]
    if taken:
        text = "--overwrite is false but found the following declared annotation(s): "
        raise KubectlError.plain(text + "; ".join(taken))
