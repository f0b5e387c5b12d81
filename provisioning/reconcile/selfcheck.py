"""Whether Argo is as the portal needs it: each check with its text, and a remedy where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import structlog

from provisioning.argo import ArgoError, Health, NotFound
from provisioning.argo.rights import Right, check_rights
from provisioning.config import the_catalog
from provisioning.reconcile import status
from provisioning.reconcile.context import Context
from provisioning.workflows.sameness import same_template
from provisioning.workflows.templates import workflow_templates

log = structlog.get_logger(__name__)

INSTALL = "Install the portal's templates: `manage.py cluster_setup | kubectl apply --server-side -f -`."
_MOST_DIFFERENCES = 3
# Before, a template names its one lock in another way.
FIRST_WITH_MUTEXES = (3, 6, 0)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the self-check; `key` is stable."""

    key: str
    title: str
    ok: bool
    text: str
    remedy: str = ""


def run(context: Context) -> list[Check]:
    """All checks, written for the pages. Raises nothing of Argo's: that it fails is the result."""
    found = list(checks(context))
    version = next((check.text for check in found if check.key == "connection" and check.ok), "")
    status.checked([asdict(check) for check in found], version, context.now())
    for check in found:
        if not check.ok:
            log.warning("check failed", check=check.key, text=check.text, remedy=check.remedy)
    return found


def checks(context: Context) -> Iterator[Check]:
    """Stops after the first that makes the others pointless."""
    health, connection = _connection(context)
    yield connection
    if health is None:
        return
    yield _version(health)
    rights = [_right(right) for right in check_rights(context.client)]
    yield from rights
    if all(right.ok for right in rights):
        yield from _templates(context)


def _connection(context: Context) -> tuple[Health | None, Check]:
    try:
        health = context.client.health_check()
    except ArgoError as error:
        return None, Check("connection", "Connection", ok=False, text=error.cause, remedy=error.remedy)
    return health, Check("connection", "Connection", ok=True, text=health.version)


def _version(health: Health) -> Check:
    text = health.advice or f"{health.version} is supported and has no known holes."
    good = health.supported and health.safe
    return Check("version", "Version", ok=good, text=text, remedy="" if good else "Upgrade Argo Workflows.")


def _right(right: Right) -> Check:
    """The version answers any token; only a call that needs a right proves it."""
    key, title = f"right-{right.name.replace(' ', '-')}", f"Right to {right.name}"
    if right.allowed:
        return Check(key, title, ok=True, text="The token has it.")
    error = right.error
    return Check(key, title, ok=False, text=error.cause if error else "", remedy=error.remedy if error else "")


def _templates(context: Context) -> Iterator[Check]:
    old = context.client.version().numbers < FIRST_WITH_MUTEXES
    for shipped in workflow_templates(the_catalog().cluster, argo="3.5" if old else ""):
        name = str(shipped["metadata"]["name"])
        key, title = f"template-{name}", f"Template {name}"
        try:
            differences = same_template(context.ask(context.client.get_template, name), shipped)
        except NotFound as error:
            yield Check(key, title, ok=False, text=error.cause, remedy=INSTALL)
        except ArgoError as error:
            yield Check(key, title, ok=False, text=error.cause, remedy=error.remedy)
        else:
            shown = "; ".join(differences[:_MOST_DIFFERENCES])
            text = f"It is not the shipped one: {shown}." if differences else "It is there, as shipped."
            yield Check(key, title, ok=not differences, text=text, remedy=INSTALL if differences else "")
