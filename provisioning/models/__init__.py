"""Rows and their constraints; no procedures. `provisioning.lifecycle` is what changes them."""

from provisioning.models.audit import AuditEvent, AuditHead
from provisioning.models.check import OPEN_CHECKS, Check, CheckState, ClusterListing
from provisioning.models.namespace import LeaseNotice, Namespace, NamespaceRevision, NamespaceStatus
from provisioning.models.people import Membership, Team, User
from provisioning.models.platform import ArgoStatus, WorkerLease
from provisioning.models.request import (
    LIVE,
    MOVING,
    SETTLED,
    TERMINAL,
    UNDECIDED,
    Decision,
    IdempotencyKey,
    Kind,
    Phase,
    Request,
)
from provisioning.models.run import STEP_ENDED, LogChunk, Run, RunState, Step, StepLog, StepPhase
from provisioning.models.token import ApiToken, Scope

__all__ = [
    "LIVE",
    "MOVING",
    "OPEN_CHECKS",
    "SETTLED",
    "STEP_ENDED",
    "TERMINAL",
    "UNDECIDED",
    "ApiToken",
    "ArgoStatus",
    "AuditEvent",
    "AuditHead",
    "Check",
    "CheckState",
    "ClusterListing",
    "Decision",
    "IdempotencyKey",
    "Kind",
    "LeaseNotice",
    "LogChunk",
    "Membership",
    "Namespace",
    "NamespaceRevision",
    "NamespaceStatus",
    "Phase",
    "Request",
    "Run",
    "RunState",
    "Scope",
    "Step",
    "StepLog",
    "StepPhase",
    "Team",
    "User",
    "WorkerLease",
]
