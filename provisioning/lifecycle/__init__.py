"""Every change of a request's phase, each with its event in one transaction. Nothing remote happens in here.

New namespaces: `draft`, `open_request`, `resubmit`, `withdraw`; decisions: `approve`, `deny`, `request_changes`; runs:
see `running`. The rest of a namespace's life, for pages, API and worker:

Change (kind `change`; name and team stay)
    draft_change(namespace, spec, *, by, repair=False, to_revision=None, request=None) -> ChangeDraft
        .spec .verdict .headroom .rendered .changes (manifests.ObjectChange) .meanings .warnings (sentences) .is_same
    open_change(namespace, spec=None, *, by, repair=False, to_revision=None, instead_of=None) -> Request
        `repair`: what is in force once more; `to_revision`: as it was then; `instead_of`: a failed request about this
        namespace that is given up in the same transaction. Raises Forbidden, Invalid, Conflict (a request is open).
    difference(request) -> list[ObjectChange]      what in force, or in the cluster, becomes what is asked
    warnings(namespace, spec) -> list[str]         shrinking below what is in use; blocks nothing
    resubmit(request, spec, by=, revision=)        edits a change or an adoption, too

Lease
    renew(namespace, days, *, by) -> Request | None     None: renewed at once; else the change request that asks for it
    renewal(namespace, days, *, by) -> Verdict          what `renew` would meet, for the button
    lease_steps(namespace, now) -> list[LeaseStep]      what is due: remind, escalate, delete-request; see provisioning.lease
    namespaces_with_lease_steps(now, limit) -> list[Namespace]
    lease_step_done(namespace, step) -> bool            claims it, once: False when it is done already. Act in the same
                                                        transaction (a mail's row), or after it
    open_lease_delete(namespace, inventory) -> Request | None   the delete request of a lease that is over, by the portal

Give back (kind `delete`)
    open_delete(namespace, *, by, inventory, typed_name, force=False, instead_of=None) -> Request
    protect(namespace, protected, *, by)                a protected namespace refuses to be deleted
    inventory_of(request) -> Inventory | None           as it was shown when asked

Checks (an audit run each; name "" lists every managed namespace)
    ask_check(name, *, by=None, why="") -> Check        an open one of this name is given back
    checks_due(now, limit) -> list[Check]               to submit; then workflow.build_audit(check.name, str(check.pk), …)
    claim_check(check, worker) -> bool
    check_submitted(check, *, uid, adopted=False) -> bool
    hold_check(check, trouble, *, until)
    finish_check(check, outputs) -> bool                outputs: {"live": text, "inventory": text} of the audit's step
    fail_check(check, error) -> bool                    it ended without them
    plan_checks(now, *, every, limit) -> int            asks for checks of those not checked for so long, oldest first
    ask_listing(*, by=None) -> Check                    the list of all; ghosts and orphans are in ClusterListing.latest()

Adopt (kind `adopt`)
    draft_adoption(check, spec, *, by) -> AdoptionDraft     .verdict .headroom .rendered .findings (what would change)
    open_adoption(check, spec, *, by) -> Request            check: a finished one of that namespace, with what lives there
    proposal(check) -> adoption.Proposal                    team, tier, features, access as labels and quota suggest
    consent_command(request) -> str                         what a cluster administrator runs; "" when nothing is needed
"""

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
