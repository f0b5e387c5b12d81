"""Every change of a request's phase, each with its event in one transaction. Nothing remote happens in here.

All of it goes the same way: a request (of kind create, change, delete or adopt), a verdict of the policy, a decision,
a run, its end. Every function here checks who asks, and raises Forbidden (who), Invalid (`.errors`: field ->
sentences) or Conflict (`.request`: the one that stands against it, or the same as it is by now).

A new namespace: `draft`, `open_request`. A change of one that exists: `draft_change` (.verdict .changes .meanings
.warnings), `open_change`, which also repairs (`repair=True`) and goes back (`to_revision=n`); `difference(request)`
shows it. `instead_of` gives a failed request up for the new one. The lease: `renewal` says what `renew` would meet,
`renew` does it at once or gives back the request. Giving back: `open_delete` with the inventory of a check of just
before (`fresh_inventory`), `protect`. Taking over: `ask_check` of the name, `proposal(check)`, `draft_adoption`,
`open_adoption`, `consent_command(request)`. All are edited by `resubmit`, taken back by `withdraw`, decided by
`approve`, `deny` and `request_changes`; and a failed run goes on by `retry` or ends by `give_up`.

For the worker. Runs: `claim`, `submitted`, `observed`, `hold`, `finish` …; the namespace's status follows by itself.
Checks: `checks_due`, `claim_check`, `check_submitted`, `hold_check`, then `finish_check(check, outputs)` with the texts
`live` and `inventory` of the step's outputs, or `fail_check`; `plan_checks` asks for the nightly ones, `ask_listing`
for the list of all. Leases: for each of `namespaces_with_lease_steps(now, limit)`, `take_lease_steps(namespace, now)`
does what is due and gives back what people have to be told.
"""

from provisioning.lifecycle.adopting import (
    AdoptionDraft,
    consent_command,
    draft_adoption,
    findings_of,
    needs_consent,
    open_adoption,
    proposal,
)
from provisioning.lifecycle.asking import open_request, resubmit, withdraw
from provisioning.lifecycle.changing import ChangeDraft, difference, draft_change, open_change, warnings
from provisioning.lifecycle.checking import (
    ask_check,
    ask_listing,
    check_submitted,
    checks_due,
    claim_check,
    fail_check,
    finish_check,
    fresh_inventory,
    hold_check,
    plan_checks,
)
from provisioning.lifecycle.deciding import approve, deny, request_changes
from provisioning.lifecycle.drafting import (
    Draft,
    base_spec,
    draft,
    live_request,
    problems,
    why_not_free,
    with_requester,
)
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid, LifecycleError
from provisioning.lifecycle.leasing import (
    lease_step_done,
    lease_steps,
    namespaces_with_lease_steps,
    next_lease_step,
    renew,
    renewal,
    take_lease_steps,
    writes_lease_end,
)
from provisioning.lifecycle.narrowing import narrowed, render_granted
from provisioning.lifecycle.options import Options
from provisioning.lifecycle.returning import inventory_of, open_delete, open_lease_delete, protect
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
    "AdoptionDraft",
    "ChangeDraft",
    "Conflict",
    "Draft",
    "Forbidden",
    "Invalid",
    "LifecycleError",
    "Options",
    "approve",
    "ask_check",
    "ask_listing",
    "base_spec",
    "cancel",
    "check_submitted",
    "checks_due",
    "claim",
    "claim_check",
    "consent_command",
    "deny",
    "difference",
    "draft",
    "draft_adoption",
    "draft_change",
    "expire",
    "fail_check",
    "findings_of",
    "finish",
    "finish_check",
    "fresh_inventory",
    "give_up",
    "hold",
    "hold_check",
    "inventory_of",
    "lease_step_done",
    "lease_steps",
    "live_request",
    "namespaces_with_lease_steps",
    "narrowed",
    "needs_consent",
    "never_submitted",
    "next_lease_step",
    "observed",
    "open_adoption",
    "open_change",
    "open_delete",
    "open_lease_delete",
    "open_request",
    "plan_checks",
    "problems",
    "proposal",
    "protect",
    "refused",
    "render_granted",
    "renew",
    "renewal",
    "request_changes",
    "resubmit",
    "retry",
    "submitted",
    "take_lease_steps",
    "untroubled",
    "vanished",
    "warnings",
    "why_not_free",
    "with_requester",
    "withdraw",
    "writes_lease_end",
]
