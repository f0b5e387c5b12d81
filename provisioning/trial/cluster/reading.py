"""`kubectl get`."""

from __future__ import annotations

from typing import Any

from provisioning.trial.cluster import printers, selectors, targets
from provisioning.trial.cluster.api import Api, Target
from provisioning.trial.cluster.arguments import Command
from provisioning.trial.cluster.errors import ApiError, KubectlError, NotFound
from provisioning.trial.cluster.kinds import Kind
from provisioning.trial.cluster.outcome import Outcome

Object = dict[str, Any]


def get(api: Api, command: Command) -> Outcome:
    """Raises KubectlError for what stops it before anything is looked up."""
    printer = printers.printer(command.output)
    selection = targets.select(command.words, command.namespace)
    outcome = Outcome()
    if selection.targets:
        found = _by_name(api, selection.targets, command, outcome)
    else:
        found = _by_kind(api, selection.kinds, command, outcome)
    alone = len(selection.targets) == 1
    if not found and (command.flag("ignore-not-found") or alone):
        return outcome
    outcome.stdout = printer(found[0] if alone else printers.as_list(found))
    return outcome


def _by_name(api: Api, wanted: tuple[Target, ...], command: Command, outcome: Outcome) -> list[Object]:
    if "selector" in command.values:
        raise KubectlError.plain("name cannot be provided when a selector is specified")
    found = []
    for target in wanted:
        try:
            found.append(api.get(target))
        except NotFound as error:
            if not command.flag("ignore-not-found"):
                outcome.errors.append(error)
        except ApiError as error:
            outcome.errors.append(error)
    return found


def _by_kind(api: Api, kinds: tuple[Kind, ...], command: Command, outcome: Outcome) -> list[Object]:
    selector = command.values.get("selector", "")
    found = []
    for kind in kinds:
        try:
            items = api.every(kind, command.namespace)
            matches = _selector(kind, selector)
        except ApiError as error:
            outcome.errors.append(error)
            continue
        found += [item for item in items if matches(item["metadata"].get("labels", {}))]
    return found


def _selector(kind: Kind, text: str) -> selectors.Test:
    try:
        return selectors.parse(text)
    except selectors.BadSelector as error:
        where = f"{kind.group}/{kind.version}, Resource={kind.plural}"
        message = f'Unable to find "{where}" that match label selector "{text}", field selector "": {error.message}'
        raise ApiError("BadRequest", message) from error
