"""Who may do what: the ClusterRoles of the platform's service accounts, and the right to bind roles."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.trial.cluster.errors import Forbidden
from provisioning.trial.cluster.installation import Installation
from provisioning.trial.cluster.kinds import NETWORKING, RBAC, Kind

ADMIN = "admin"
CORE = ""
MONITORING = "monitoring.coreos.com"
WRITE = ("get", "list", "create", "patch", "delete")
READ = ("get", "list")


@dataclass(frozen=True, slots=True)
class Rule:
    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def allows(self, verb: str, group: str, resource: str, name: str) -> bool:
        return (
            group == self.group
            and resource in self.resources
            and verb in self.verbs
            and (not self.names or name in self.names)
        )


PROVISIONER = (
    Rule(CORE, ("namespaces",), WRITE),
    Rule(CORE, ("serviceaccounts", "resourcequotas", "limitranges", "configmaps"), WRITE),
    Rule(NETWORKING, ("networkpolicies",), WRITE),
    Rule(RBAC, ("rolebindings",), WRITE),
    Rule(MONITORING, ("servicemonitors",), WRITE),
)
# What is in a namespace: never Secrets.
CONTENT = (
    Rule(CORE, ("pods", "persistentvolumeclaims", "services"), READ),
    Rule("apps", ("deployments", "statefulsets", "daemonsets"), READ),
    Rule("batch", ("jobs", "cronjobs"), READ),
    Rule(NETWORKING, ("ingresses",), READ),
)
DECOMMISSIONER = (Rule(CORE, ("namespaces",), (*READ, "patch", "delete")), *CONTENT)
AUDITOR = (
    Rule(CORE, ("namespaces", "resourcequotas", "limitranges"), READ),
    Rule(CORE, ("configmaps",), ("get",), ("monitoring-config",)),
    Rule(CORE, ("serviceaccounts",), ("get",), ("platform-user",)),
    Rule(NETWORKING, ("networkpolicies",), READ),
    Rule(RBAC, ("rolebindings",), READ),
    Rule(MONITORING, ("servicemonitors",), READ),
    *CONTENT,
)


def rules(account: str, installation: Installation) -> tuple[Rule, ...]:
    """The rights of a service account; nobody else has any."""
    bind = Rule(RBAC, ("clusterroles",), ("bind",), installation.roles)
    return {
        installation.provisioner: (*PROVISIONER, bind),
        installation.decommissioner: DECOMMISSIONER,
        installation.auditor: AUDITOR,
    }.get(account, ())


# Rights of the roles that somebody may try to bind, as the refusal prints them.
CLUSTER_ROLES: dict[str, tuple[str, ...]] = {
    "cluster-admin": (
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
        '{NonResourceURLs:["*"], Verbs:["*"]}',
    ),
    "admin": ('{APIGroups:[""], Resources:["pods" "secrets" "services"], Verbs:["*"]}',),
    "edit": ('{APIGroups:[""], Resources:["pods" "secrets" "services"], Verbs:["create" "delete" "patch"]}',),
    "view": ('{APIGroups:[""], Resources:["pods" "services"], Verbs:["get" "list" "watch"]}',),
}


@dataclass(frozen=True, slots=True)
class User:
    """An account by its short name: one of the platform's service accounts, or `admin` (system:masters)."""

    account: str
    installation: Installation

    @property
    def name(self) -> str:
        if self.account == ADMIN:
            return "kubernetes-admin"
        return f"system:serviceaccount:{self.installation.namespace}:{self.account}"

    @property
    def groups(self) -> tuple[str, ...]:
        if self.account == ADMIN:
            return ("system:masters", "system:authenticated")
        return (
            "system:serviceaccounts",
            f"system:serviceaccounts:{self.installation.namespace}",
            "system:authenticated",
        )

    def may(self, verb: str, group: str, resource: str, name: str = "") -> bool:
        if self.account == ADMIN:
            return True
        return any(rule.allows(verb, group, resource, name) for rule in rules(self.account, self.installation))


def authorize(user: User, verb: str, kind: Kind, namespace: str, name: str = "") -> None:
    """Raises Forbidden in the words of the API server."""
    if user.may(verb, kind.group, kind.plural, name):
        return
    place = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    raise Forbidden(
        kind.resource,
        name,
        f'User "{user.name}" cannot {verb} resource "{kind.plural}" in API group "{kind.group}"{place}',
    )


def groups_text(user: User) -> str:
    return "[" + " ".join(f'"{group}"' for group in user.groups) + "]"
