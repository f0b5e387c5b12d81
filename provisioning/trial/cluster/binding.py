"""The right to bind a role: RBAC lets nobody grant what he does not hold, or may `bind` by name."""

from __future__ import annotations

from typing import Any

from provisioning.trial.cluster.errors import ApiError, Forbidden, NotFound
from provisioning.trial.cluster.kinds import RBAC, ROLE_BINDING
from provisioning.trial.cluster.rbac import ADMIN, CLUSTER_ROLES, User, groups_text

Object = dict[str, Any]


def check(user: User, name: str, old: Object | None, new: Object) -> None:
    """Raises ApiError unless `user` may bind the role that the binding refers to."""
    role = new.get("roleRef", {})
    if user.account == ADMIN:
        return
    if role.get("kind") == "ClusterRole" and user.may("bind", RBAC, "clusterroles", role.get("name", "")):
        return
    if old is not None and all(old.get(part) == new.get(part) for part in ("roleRef", "subjects")):
        return
    if role.get("kind") not in ("ClusterRole", "Role"):
        raise ApiError("", f'unsupported role reference kind: "{role.get("kind", "")}"')
    if role["kind"] == "Role" or role.get("name") not in CLUSTER_ROLES:
        raise NotFound(ROLE_BINDING.resource, role.get("name", ""))
    rules = "\n".join(CLUSTER_ROLES[role["name"]])
    raise Forbidden(
        ROLE_BINDING.resource,
        name,
        f'user "{user.name}" (groups={groups_text(user)}) is attempting to grant RBAC permissions not currently'
        f" held:\n{rules}",
    )
