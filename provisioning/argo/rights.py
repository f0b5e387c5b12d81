"""What the portal's token may do, found out by real calls that change nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioning.argo.client import ArgoWorkflowsClient
from provisioning.argo.errors import ArgoError, Forbidden, NotFound, RefusedByPolicy, StreamEnded, Unauthorized

PROBE = "portal-rights-check"
# Longer than the 15 s after which Argo gives a sign of life on an idle stream.
WATCH_SECONDS = 20.0
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


def check_rights(client: ArgoWorkflowsClient, *, watch_seconds: float = WATCH_SECONDS) -> tuple[Right, ...]:
    """One authorised call each; the watch is left after `watch_seconds`, whatever the server does.

    Stop, terminate and logs cannot be tried without a run, so they are not here.
    """
    calls: tuple[tuple[str, Callable[[], object]], ...] = (
        ("list workflows", lambda: client.list_workflows(_NOTHING, limit=1, pages=1)),
        ("get workflows", lambda: client.get_workflow(PROBE)),
        ("watch workflows", lambda: _watch(client, watch_seconds)),
        ("create workflows", lambda: client.submit_workflow(_WORKFLOW, server_dry_run=True)),
        ("list workflowtemplates", client.list_templates),
    )
    return tuple(_tried(name, call) for name, call in calls)


def _watch(client: ArgoWorkflowsClient, seconds: float) -> None:
    """Argo ends it after the second that was asked for. A server that does not (a proxy may drop what was asked) would
    keep it open for good. It opens with the first sign of life, after 15 s; that it opened proves the right, too."""
    heard, stop = threading.Event(), threading.Event()
    deadline = threading.Timer(seconds, stop.set)
    deadline.daemon = True
    deadline.start()
    try:
        for _ in client.watch_workflows(_NOTHING, timeout_seconds=1, stop=stop, heard=heard.set):
            pass
    finally:
        deadline.cancel()
    if not heard.is_set():
        raise StreamEnded("The watch was opened and nothing came of it.", reason="silent")


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
