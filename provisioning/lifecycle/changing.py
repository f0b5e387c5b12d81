"""Changing a namespace that exists: tier, features, access; its lease; or applying once more what is in force."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from provisioning import access, audit, manifests, policy
from provisioning.catalog import Tier
from provisioning.catalog.quantities import format_bytes, format_number, parse_quantity, readable
from provisioning.config import the_catalog
from provisioning.inventory import Inventory
from provisioning.lifecycle import opening
from provisioning.lifecycle.drafting import facts_of, identity_of_namespace, stored
from provisioning.lifecycle.errors import Conflict, Forbidden, Invalid
from provisioning.lifecycle.options import Options, renewed
from provisioning.lifecycle.transition import move
from provisioning.models import Kind, Namespace, NamespaceRevision, Phase, Request, User
from provisioning.spec import NamespaceSpec, validate

# Of a namespace that exists nobody asks any more whether its name may be taken, and a lease is renewed, not changed.
_SETTLED_FIELDS = ("name", "team")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDraft:
    """A change as it would be asked now."""

    spec: NamespaceSpec
    verdict: policy.Verdict
    headroom: policy.Headroom
    rendered: manifests.Rendered
    facts: policy.Facts
    options: Options
    changes: tuple[manifests.ObjectChange, ...]  # from what is in force
    warnings: tuple[str, ...]

    @property
    def meanings(self) -> list[str]:
        """The changes in words: “pods 10 → 20”, “internet egress opened”."""
        return manifests.meanings(self.changes, the_catalog())

    @property
    def is_same(self) -> bool:
        """Nothing would be different from what is in force, and no lease longer."""
        return not self.changes and not self.options.lease_ends_at


def draft_change(
    namespace: Namespace,
    spec: NamespaceSpec | None = None,
    *,
    by: User,
    repair: bool = False,
    to_revision: int | None = None,
    renew_days: int | None = None,
    request: Request | None = None,
) -> ChangeDraft:
    """What `open_change` would store. `request` is one that is being edited. Raises Invalid (field -> sentences)."""
    options = Options(base=namespace.revision, repair=repair)
    if to_revision == namespace.revision:
        options = options.replace(repair=True)
    elif to_revision is not None:
        options = options.replace(to_revision=to_revision)
    if renew_days is not None:
        options = renewed(
            Options.of(request).replace(base=options.base) if request else options, renew_days, timezone.now()
        )
    wanted = _wanted(namespace, spec, options, renew_days)
    if not options.repair and (errors := _problems(namespace, wanted, renewal=renew_days is not None)):
        raise Invalid(errors)
    return _drafted(namespace, wanted, options, by, request)


def open_change(
    namespace: Namespace,
    spec: NamespaceSpec | None = None,
    *,
    by: User,
    repair: bool = False,
    to_revision: int | None = None,
    instead_of: Request | None = None,
) -> Request:
    """Ask for `spec` in place of what is in force; or for what is in force once more (`repair`), which puts right what
    somebody changed in the cluster; or for what an earlier revision granted.

    `instead_of` is a failed request about this namespace: it is given up in the same moment. Raises Forbidden, Invalid,
    or Conflict with the request that is open.
    """
    _refuse_strangers(namespace, by)

    def write() -> Request:
        held = opening.lock_namespace(namespace)
        opening.lock_team(held.team_id)
        give_up_for(instead_of, held, by)
        made = draft_change(held, spec, by=by, repair=repair, to_revision=to_revision)
        return insert_change(held, made, by)

    return opening.at_once(namespace.name, write)


def insert_change(namespace: Namespace, made: ChangeDraft, by: User) -> Request:
    """Inside the transaction that holds the namespace."""
    opening.refuse_if_busy(namespace.name)
    if made.is_same and not made.options.repair:
        raise Invalid({"__all__": ["This is what is in force: nothing would change."]})
    request = Request(kind=Kind.CHANGE, name=namespace.name, team=namespace.team, requester=by, namespace=namespace)
    opening.insert(request, opening.columns_of(made, made.options), by=by, note="; ".join(made.meanings))
    return request


def judged_again(request: Request, spec: NamespaceSpec) -> dict[str, Any]:
    """An edit of a change, as columns; inside the caller's transaction."""
    if request.namespace is None:
        raise Conflict("There is no namespace to change.", request)
    namespace = opening.lock_namespace(request.namespace)
    opening.lock_team(namespace.team_id)
    made = draft_change(
        namespace,
        spec,
        by=request.requester,
        renew_days=spec.lease_days if request.is_renewal else None,
        request=request,
    )
    if made.is_same:
        raise Invalid({"__all__": ["This is what is in force: nothing would change."]})
    return opening.columns_of(made, made.options) | {"options": Options.of(request).edited(made.options).to_json()}


def give_up_for(failed: Request | None, namespace: Namespace, by: User) -> None:
    """End a failed request about this namespace, as another takes its place."""
    if failed is None:
        return
    if failed.name != namespace.name:
        raise Invalid({"__all__": ["That request is about another namespace."]})
    move(
        failed, Phase.CANCELLED, expected=[Phase.FAILED], message=f"Given up by {by.display_name} for another request."
    )
    namespace.refresh_from_db()
    audit.record(
        "request.given-up",
        by=by,
        request=failed,
        before={"phase": Phase.FAILED.value},
        after={"phase": failed.phase},
    )


def difference(request: Request) -> list[manifests.ObjectChange]:
    """What the request makes of what was in force when it was asked; of nothing, for a new namespace."""
    if request.kind in {Kind.DELETE, Kind.ADOPT}:
        return []
    before: list[dict[str, Any]] = []
    if request.kind == Kind.CHANGE:
        base = NamespaceRevision.objects.filter(namespace=request.namespace_id, number=Options.of(request).base).first()
        before = manifests.objects_of(base.rendered) if base else []
    return manifests.diff(before, manifests.objects_of(request.rendered))


def warnings(namespace: Namespace, spec: NamespaceSpec) -> list[str]:
    """What shrinking to `spec` would collide with, with the numbers of the last check. Kubernetes evicts nothing for
    it: what runs goes on running, and nothing new is admitted."""
    catalog = the_catalog()
    hard = _hard(manifests.render(spec, manifests.Identity("", "2000-01-01T00:00:00Z", ""), catalog).quota)
    smaller = _smaller(_hard(stored(namespace.current_revision.rendered).quota), hard)
    if not smaller:
        return []
    check = namespace.checks.done().filter(inventory__isnull=False).first()
    if check is None or check.inventory is None:
        return [f"This is less than now ({', '.join(smaller)}), and what is in use is not known: check it first."]
    taken = Inventory.from_json(check.inventory)
    return [*_over_quota(taken, hard), *_large_volumes(taken, catalog.tiers[spec.tier])]


def _smaller(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The quota's resources of which there will be less."""
    return [
        key for key, value in after.items() if key in before and parse_quantity(value) < parse_quantity(before[key])
    ]


def _hard(quota: list[dict[str, Any]]) -> dict[str, str]:
    return dict(next(item for item in quota if item["kind"] == "ResourceQuota")["spec"]["hard"])


def _over_quota(taken: Inventory, hard: dict[str, str]) -> list[str]:
    found = []
    for resource, limit in hard.items():
        used = taken.used(resource)
        if used is not None and used > parse_quantity(limit):
            found.append(
                f"{resource}: {_amount(used, limit)} in use, {readable(limit)} allowed from then on. "
                "What runs goes on running; nothing new is admitted."
            )
    return found


def _amount(used: Decimal, like: str) -> str:
    return readable(format_bytes(used)) if like.endswith("i") else format_number(used)


def _large_volumes(taken: Inventory, tier: Tier) -> list[str]:
    limit = parse_quantity(tier.pvc_max)
    found = []
    for item in taken.of("PersistentVolumeClaim"):
        if item.storage and parse_quantity(item.storage) > limit:
            sizes = f"{readable(item.storage)}, more than the {readable(tier.pvc_max)} of a new one"
            found.append(f"Volume {item.name} has {sizes}: it stays as it is.")
    return found


# ── the parts of a draft ─────────────────────────────────────────────────────────────────────────────────────


def _refuse_strangers(namespace: Namespace, by: User) -> None:
    if not access.may_steer(by, namespace):
        raise Forbidden("Only the team's leads and platform admins can ask for a change.")


def _wanted(
    namespace: Namespace, spec: NamespaceSpec | None, options: Options, renew_days: int | None
) -> NamespaceSpec:
    if options.repair:
        return namespace.spec
    if renew_days is not None:
        return namespace.spec.replace(lease_days=renew_days)
    if options.to_revision:
        found = namespace.revisions.filter(number=options.to_revision).first()
        if found is None:
            raise Invalid({"__all__": [f"There is no revision {options.to_revision} of {namespace.name}."]})
        return NamespaceSpec.from_json(found.spec_json).replace(lease_days=namespace.spec.lease_days)
    if spec is None:
        raise Invalid({"__all__": ["Say what should change."]})
    return spec


def _problems(namespace: Namespace, spec: NamespaceSpec, *, renewal: bool) -> dict[str, list[str]]:
    errors = {key: texts for key, texts in validate(spec, the_catalog()).items() if key not in _SETTLED_FIELDS}
    if (spec.name, spec.team) != (namespace.name, namespace.team.name):
        errors["name"] = ["Name and team of a namespace stay as they are."]
    if renewal:
        return errors
    errors.pop("lease_days", None)
    if spec.lease_days != namespace.spec.lease_days:
        errors["lease_days"] = ["The lease is not part of a change: renew it."]
    return errors


def _drafted(
    namespace: Namespace, spec: NamespaceSpec, options: Options, by: User, request: Request | None
) -> ChangeDraft:
    before = namespace.current_revision.rendered
    if options.repair:
        rendered = stored(before)
    else:
        rendered = manifests.render(spec, identity_of_namespace(namespace, options), the_catalog())
    kind: policy.Kind = "renew" if options.lease_ends_at else "change"
    facts = facts_of(spec, kind, namespace.team, by, namespace=namespace, without=request)
    return ChangeDraft(
        spec=spec,
        verdict=policy.decide(facts, the_catalog()),
        headroom=facts.headroom,
        rendered=rendered,
        facts=facts,
        options=options,
        changes=tuple(manifests.diff(manifests.objects_of(before), rendered.objects)),
        warnings=tuple([] if options.repair else warnings(namespace, spec)),
    )
