"""The Argo Server's protocol: client, streams, errors, and what its objects mean. Imports nothing of the portal."""

from __future__ import annotations

from provisioning.argo.client import ArgoWorkflowsClient
from provisioning.argo.errors import (
    AlreadyCompleted,
    AlreadyExists,
    ArgoError,
    BadAnswer,
    Forbidden,
    NotFound,
    Refused,
    RefusedByPolicy,
    ResourceVersionTooOld,
    ServerError,
    StreamEnded,
    Timeout,
    TlsFailed,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from provisioning.argo.explain import explain, explain_run
from provisioning.argo.explanations import Explanation
from provisioning.argo.logs import LogLine
from provisioning.argo.nodes import Observation, observe, ours
from provisioning.argo.reasons import Reason
from provisioning.argo.results import Health, ListResult, WatchEvent
from provisioning.argo.steps import Attempt, StepObservation

__all__ = [
    "AlreadyCompleted",
    "AlreadyExists",
    "ArgoError",
    "ArgoWorkflowsClient",
    "Attempt",
    "BadAnswer",
    "Explanation",
    "Forbidden",
    "Health",
    "ListResult",
    "LogLine",
    "NotFound",
    "Observation",
    "Reason",
    "Refused",
    "RefusedByPolicy",
    "ResourceVersionTooOld",
    "ServerError",
    "StepObservation",
    "StreamEnded",
    "Timeout",
    "TlsFailed",
    "TooManyRequests",
    "Unauthorized",
    "Unreachable",
    "WatchEvent",
    "explain",
    "explain_run",
    "observe",
    "ours",
]
