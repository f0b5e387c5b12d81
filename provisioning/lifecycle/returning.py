"""Giving a namespace back: a deletion that its requester has to name, and somebody else decides on."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from provisioning import access, audit, policy
from provisioning.config import the_catalog
from provisioning.inventory import Inventory
from provisioning.lifecycle import opening
from provisioning.lifecycle.changing import give_up_for
from provisioning.lifecycle.drafting import facts_of, live_request
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid
from provisioning.lifecycle.options import Options
from provisioning.models import UNDECIDED, Kind, Namespace, Request, User

# An inventory is of just before: what it says is what the approver decides on.
FRESH = timedelta(hours=1)
# No sign-in takes such a name, so nobody can be mistaken for it.
PORTAL = "(portal)"


def open_delete(
    namespace: Namespace,
    *,
    by: User,
    inventory: Inventory,
    typed_name: str,
    force: bool = False,
    instead_of: Request | None = None,
) -> Request:
    """Ask for a namespace to be deleted, with what `inventory` says is in it.

    `force` takes along workloads, volumes and services, without it the deletion stops before any. `instead_of` as in
    `open_change`. Raises Forbidden, Invalid (typed_name, force, inventory, or `__all__` for a protected namespace), or
    Conflict with the request that is open.
    """
    if not access.may_steer(by, namespace):
        raise Forbidden("Only the team's leads and platform admins can give a namespace back.")
    if errors := _problems(namespace, inventory, typed_name, force=force):
        raise Invalid(errors)

    def write() -> Request:
        held = opening.lock_namespace(namespace)
        give_up_for(instead_of, held, by)
        return _insert(held, by, inventory, force=force, actor=by, note="")

    return opening.at_once(namespace.name, write)


def open_lease_delete(namespace: Namespace, inventory: Inventory) -> Request | None:
    """The delete request of a lease that is over, by the portal itself and without force: a person decides on it. None
    when there is an open request, or the namespace is protected, gone or going."""
    try:
        with transaction.atomic():
            held = opening.lock_namespace(namespace)
            note = f"Its lease ended on {held.lease_ends_at:%Y-%m-%d}."
            if held.protected or not held.lease_is_over:
                return None
            return _insert(held, the_portal(), inventory, force=False, actor=audit.WORKER, note=note)
    except Conflict:
        return None


def the_portal() -> User:
    """The requester of what the portal asks by itself. Nobody can sign in as it."""
    user, _ = User.objects.get_or_create(
        username=PORTAL, defaults={"first_name": "The portal", "is_active": False, "password": make_password(None)}
    )
    return user


def inventory_of(request: Request) -> Inventory | None:
    """What was in the namespace when its deletion was asked; None for other kinds."""
    data = Options.of(request).inventory
    return Inventory.from_json(data) if data else None


def protect(namespace: Namespace, protected: bool, *, by: User) -> Namespace:  # noqa: FBT001 - the state, not a switch
    """A protected namespace refuses to be deleted. Raises Forbidden, or Conflict when its deletion is approved."""
    if not access.may_steer(by, namespace):
        raise Forbidden("Only the team's leads and platform admins can protect a namespace.")
    with transaction.atomic():
        held = opening.lock_namespace(namespace)
        live = live_request(held.name)
        if protected and live is not None and live.kind == Kind.DELETE and live.phase not in UNDECIDED:
            raise Conflict("Its deletion is approved already: cancel that first.", live)
        if held.protected == protected:
            return held
        Namespace.objects.filter(pk=held.pk).update(protected=protected, version=F("version") + 1)
        audit.record(
            "namespace.protected" if protected else "namespace.unprotected",
            by=by,
            request=held.current_revision.request,
            subject=held.name,
            before={"protected": held.protected},
            after={"protected": protected},
        )
        held.refresh_from_db()
    return held


def _problems(namespace: Namespace, inventory: Inventory, typed_name: str, *, force: bool) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if namespace.protected:
        errors["__all__"] = [f"{namespace.name} is protected against deletion."]
    if typed_name != namespace.name:
        errors["typed_name"] = [f"Type {namespace.name}, exactly."]
    if not _is_fresh(inventory):
        errors["inventory"] = ["What is in it was looked at too long ago: check it again."]
    if not inventory.is_empty and not force:
        errors["force"] = [f"It holds {inventory.words}: say that all of it may be deleted."]
    return errors


def _is_fresh(inventory: Inventory) -> bool:
    return bool(inventory.taken_at) and datetime.fromisoformat(inventory.taken_at) > timezone.now() - FRESH


def _insert(
    namespace: Namespace, requester: User, inventory: Inventory, *, force: bool, actor: audit.Actor, note: str
) -> Request:
    opening.refuse_if_busy(namespace.name)
    if namespace.protected:
        raise Invalid({"__all__": [f"{namespace.name} is protected against deletion."]})
    spec = namespace.spec
    facts = facts_of(spec, "delete", namespace.team, requester, namespace=namespace)
    options = Options(force=force, inventory=inventory.to_json())
    verdict, digest = policy.decide(facts, the_catalog()), _digest(namespace, options)
    values = opening.columns(spec, verdict, facts, options, parameters={}, digest=digest)
    request = Request(
        kind=Kind.DELETE, name=namespace.name, team=namespace.team, requester=requester, namespace=namespace
    )
    opening.insert(request, values, by=actor, note=note)
    return request


def _digest(namespace: Namespace, options: Options) -> str:
    """A deletion renders no objects: the decision is bound to which namespace it is, and to what was seen in it."""
    told: dict[str, Any] = {
        "name": namespace.name,
        "owner": str(namespace.owner_request_id),
        "uid": namespace.uid,
        **options.to_json(),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
