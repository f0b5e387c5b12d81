"""What is particular about a request by its kind, for its page and its approver's."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from django.urls import reverse

from provisioning import access, lifecycle
from provisioning.inventory import Inventory
from provisioning.models import MOVING, UNDECIDED, Check, Kind, NamespaceRevision, Phase, Request, User
from provisioning.pages.life import looks, told

UNTIL_APPROVED = {
    Kind.CREATE: "Nothing is created before somebody approves.",
    Kind.CHANGE: "Nothing is changed before somebody approves.",
    Kind.DELETE: "Nothing is deleted before somebody approves.",
    Kind.ADOPT: "Nothing is touched before somebody approves.",
}
CANCELLING = {
    Kind.CREATE: "Cancelling stops the run; what it has made so far is removed.",
    Kind.CHANGE: "Cancelling stops the run; what it has changed so far stays, until it is repaired or changed again.",
    Kind.DELETE: "Cancelling stops the run; what is deleted by then is gone.",
    Kind.ADOPT: "Cancelling stops the run; what it has added so far stays.",
}
GIVING_UP = {
    Kind.CREATE: "Ends the request as Cancelled and frees the name. History and logs stay.",
    Kind.CHANGE: "Ends the request as Cancelled. What is in force stays; a repair applies it once more.",
    Kind.DELETE: "Ends the request as Cancelled. What is left of the namespace stays.",
    Kind.ADOPT: "Ends the request as Cancelled. The namespace stays as it is.",
}


@dataclass
class KindView:
    row: Request
    user: User

    @property
    def kind(self) -> Kind:
        return Kind(self.row.kind)

    @property
    def until_approved(self) -> str:
        return UNTIL_APPROVED[self.kind]

    @property
    def cancelling(self) -> str:
        if self.row.phase == Phase.PROVISIONING:
            return CANCELLING[self.kind]
        if self.row.phase == Phase.APPROVED:
            return "Cancelling ends it before anything is done, or stops the run."
        if self.kind == Kind.CREATE:
            return "Cancelling takes the request back and frees its name."
        return "Cancelling takes the request back."

    @property
    def giving_up(self) -> str:
        return GIVING_UP[self.kind]

    @property
    def again_url(self) -> str:
        """Where somebody asks for something else after it ended without success; "" where there is nothing to ask."""
        if self.kind == Kind.CREATE:
            return f"{reverse('request_new')}?from={self.row.pk}"
        if self.kind == Kind.ADOPT:
            return reverse("adopt") if access.may_adopt(self.user) else ""
        if not self.may_steer:
            return ""
        return reverse("namespace_delete" if self.kind == Kind.DELETE else "namespace_change", args=[self.row.name])

    @functools.cached_property
    def may_steer(self) -> bool:
        """Its namespace, if that exists."""
        namespace = self.row.namespace
        return namespace is not None and namespace.deleted_at is None and access.may_steer(self.user, namespace)

    # ── a change ──

    @functools.cached_property
    def difference(self) -> told.Difference | None:
        return told.of_request(self.row)

    @property
    def made_revision(self) -> NamespaceRevision | None:
        """What came into force by it; nothing, by a repair."""
        return NamespaceRevision.objects.filter(request=self.row).only("number", "at").first()

    @property
    def may_go_back(self) -> bool:
        """Apply what is in force once more, in place of a change that failed."""
        return self.kind == Kind.CHANGE and self.row.phase == Phase.FAILED and self.may_steer

    # ── a deletion ──

    @functools.cached_property
    def inventory(self) -> Inventory | None:
        return lifecycle.inventory_of(self.row)

    @property
    def kinds(self) -> list[looks.KindTold]:
        return looks.kinds_of(self.inventory) if self.inventory else []

    @functools.cached_property
    def later(self) -> Check | None:
        """A look since the one that was asked with, as long as the deletion is to be decided. Its inventory counts
        for nothing but the approver's eyes: the decision is about what was asked."""
        if self.inventory is None or self.row.namespace is None or self.row.phase not in UNDECIDED:
            return None
        return self.row.namespace.checks.done().filter(finished_at__gt=self.row.waiting_since).first()

    @property
    def later_words(self) -> str:
        """What that look saw inside."""
        if self.later is None:
            return ""
        return Inventory.from_json(self.later.inventory).words if self.later.inventory else "nothing"

    @property
    def may_ask_again(self) -> bool:
        """A deletion that failed can be asked for again, with what is inside now."""
        return self.kind == Kind.DELETE and self.row.phase == Phase.FAILED and self.may_steer

    # ── an adoption ──

    @property
    def consent(self) -> str:
        """The command that a cluster administrator runs; "" when none is needed, or any more."""
        wanted = self.row.phase in UNDECIDED | MOVING | {Phase.FAILED}
        return lifecycle.consent_command(self.row) if wanted else ""

    @property
    def findings(self) -> list[looks.ObjectFound]:
        """What adopting changes in the cluster, object by object."""
        return looks.by_object(lifecycle.findings_of(self.row))
