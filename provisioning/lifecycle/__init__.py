"""Every change of a request's phase, each with its event in one transaction. Nothing remote happens in here."""

from provisioning.lifecycle.asking import open_request, resubmit, withdraw
from provisioning.lifecycle.deciding import approve, deny, narrowed, render_granted, request_changes
from provisioning.lifecycle.drafting import Draft, draft, problems, why_not_free, with_requester
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid, LifecycleError
from provisioning.lifecycle.running import (
    cancel,
    claim,
    expire,
    finish,
    give_up,
    hold,
    never_submitted,
    observed,
    refused,
    retry,
    submitted,
    untroubled,
    vanished,
)

__all__ = [
    "Conflict",
    "Draft",
    "Forbidden",
    "Invalid",
    "LifecycleError",
    "approve",
    "cancel",
    "claim",
    "deny",
    "draft",
    "expire",
    "finish",
    "give_up",
    "hold",
    "narrowed",
    "never_submitted",
    "observed",
    "open_request",
    "problems",
    "refused",
    "render_granted",
    "request_changes",
    "resubmit",
    "retry",
    "submitted",
    "untroubled",
    "vanished",
    "why_not_free",
    "with_requester",
    "withdraw",
]
