"""What the portal's token may do, found out by real calls that change nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioning.argo.client import ArgoWorkflowsClient
from provisioning.argo.errors import ArgoError, Forbidden, NotFound, RefusedByPolicy, StreamEnded, Unauthorized

PROBE = "portal-rights-check"
_NOTHING = f"platform.io/{PROBE}=none"
# Argo validates before Kubernetes decides about rights, so the probe has to be a valid workflow
_TEMPLATE = {"name": "main", "container": {"image": "none", "command": ["true"]}}
_WORKFLOW: dict[str, Any] = {
    "metadata": {"name": PROBE},
    "spec": {"entrypoint": "main", "templates": [_TEMPLATE]},
}


@dataclass(frozen=True, slots=True)
class Right:
    """`allowed` is None when the call failed for another reason; `error` then says which."""

    name: str
    allowed: bool | None
    error: ArgoError | None = None


def check_rights(client: ArgoWorkflowsClient) -> tuple[Right, ...]:
    """One authorised call each. Stop, terminate and logs cannot be tried without a run, so they are not here."""
    calls: tuple[tuple[str, Callable[[], object]], ...] = (
        ("list workflows", lambda: client.list_workflows(_NOTHING, limit=1, pages=1)),
        ("get workflows", lambda: client.get_workflow(PROBE)),
        ("watch workflows", lambda: list(client.watch_workflows(_NOTHING, timeout_seconds=1))),
        ("create workflows", lambda: client.submit_workflow(_WORKFLOW, server_dry_run=True)),
        ("list workflowtemplates", client.list_templates),
    )
    return tuple(_tried(name, call) for name, call in calls)


def _tried(name: str, call: Callable[[], object]) -> Right:
    try:
        call()
    except (Forbidden, Unauthorized) as error:
        # a quota refuses only what was allowed before
        return Right(name, allowed=not error.whole_server, error=error)
    except NotFound as error:
        return Right(name, allowed=None if error.what == "namespace" else True, error=error)
    except RefusedByPolicy as error:
        # a policy is asked only after the right was found; what Argo's own validation refuses was never asked about
        return Right(name, allowed=True, error=error)
    except StreamEnded as error:
        return Right(name, allowed=True if error.reason in {"eof", "closed"} else None, error=error)
    except ArgoError as error:
        return Right(name, allowed=None, error=error)
    return Right(name, allowed=True)
