"""The platform's ValidatingAdmissionPolicies as checks, first failing rule first, with the messages of the YAML.

They are the policies `platform-provisioner-namespaces`, `platform-provisioner-objects` and
`platform-protect-managed-objects`; the one on Workflow objects belongs to the Argo side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioning.trial.cluster.errors import Denied
from provisioning.trial.cluster.kinds import Kind
from provisioning.trial.cluster.rbac import User

Object = dict[str, Any]
Labels = dict[str, str]

MANAGED = "platform.io/managed"
REQUEST_ID = "platform.io/request-id"
STATUS = "platform.io/status"
PROVISIONED_AT = "platform.io/provisioned-at"
ADOPT = "platform.io/adopt"
ENFORCE = "pod-security.kubernetes.io/enforce"
ENFORCE_VERSION = "pod-security.kubernetes.io/enforce-version"
PREFIXES = ("platform.io/", "pod-security.kubernetes.io/")
METADATA_NAME = "kubernetes.io/metadata.name"
NEEDED = (MANAGED, "platform.io/team", "platform.io/resource-tier", REQUEST_ID, ENFORCE)
GUARDED = (
    "namespaces",
    "resourcequotas",
    "limitranges",
    "configmaps",
    "serviceaccounts",
    "networkpolicies",
    "rolebindings",
)
PROVISIONED = (*GUARDED[1:], "servicemonitors")


@dataclass(frozen=True, slots=True)
class Review:
    """What an admission policy sees of a request."""

    user: User
    operation: str  # CREATE, UPDATE or DELETE
    kind: Kind
    name: str
    namespace: str
    old: Object | None
    new: Object | None  # None for DELETE
    namespace_object: Object | None

    @property
    def by_provisioner(self) -> bool:
        return self.user.account == self.user.installation.provisioner

    @property
    def by_decommissioner(self) -> bool:
        return self.user.account == self.user.installation.decommissioner

    @property
    def deletes(self) -> bool:
        return self.operation == "DELETE"

    @property
    def updates(self) -> bool:
        return self.operation == "UPDATE"

    @property
    def creates(self) -> bool:
        return self.operation == "CREATE"

    def labels(self, *, new: bool) -> Labels:
        return self._map("labels", new=new)

    def annotations(self, *, new: bool) -> Labels:
        return self._map("annotations", new=new)

    def _map(self, name: str, *, new: bool) -> Labels:
        obj = self.new if new else self.old
        return dict((obj or {}).get("metadata", {}).get(name) or {})


Rule = tuple[Callable[[Review], bool], str]


def check(review: Review) -> None:
    """Raises Denied with the first rule that fails."""
    for policy, applies, rules in POLICIES:
        if not applies(review):
            continue
        for holds, message in rules:
            if not holds(review):
                told = message.format(*review.user.installation.roles)
                raise Denied(review.kind.plural, review.kind.resource, review.name, policy, told)


def _kept(old: Labels, new: Labels, key: str) -> bool:
    return key not in old or new.get(key) == old[key]


def _same_except_status(review: Review) -> bool:
    old, new = review.annotations(new=False), review.annotations(new=True)
    return review.labels(new=True) == review.labels(new=False) and all(
        key == STATUS or old.get(key) == new.get(key) for key in {*old, *new}
    )


def _consented(review: Review) -> bool:
    """A cluster administrator has labelled an unmanaged namespace with the request that may take it over."""
    consent = review.labels(new=False).get(ADOPT)
    return (
        review.updates
        and review.by_provisioner
        and consent is not None
        and consent == review.labels(new=True).get(REQUEST_ID)
    )


def _free_name(review: Review) -> bool:
    return not review.user.installation.reserves(review.name)


def _catalogue_only(review: Review) -> bool:
    old, known = review.labels(new=False), (METADATA_NAME, *review.user.installation.labels)
    return all(
        key.startswith(PREFIXES) or key in known or old.get(key) == value
        for key, value in review.labels(new=True).items()
    )


NAMESPACE_RULES: tuple[Rule, ...] = (
    (_free_name, "this namespace name is reserved"),
    (lambda r: not r.creates or r.name != "", "the name of a namespace must be given"),
    (
        lambda r: r.creates or _consented(r) or r.labels(new=False).get(MANAGED) == "true",
        "the namespace already exists and is not managed by the platform",
    ),
    (
        lambda r: r.deletes or all(key in r.labels(new=True) for key in NEEDED),
        "managed namespaces need the platform.io/* and pod-security labels",
    ),
    (lambda r: r.deletes or r.labels(new=True).get(MANAGED) == "true", 'platform.io/managed must stay "true"'),
    (
        lambda r: r.deletes or r.labels(new=True).get(ENFORCE) in ("baseline", "restricted"),
        "pod-security enforce must be baseline or restricted",
    ),
    (
        lambda r: r.deletes or r.labels(new=True).get(ENFORCE_VERSION, "latest") == "latest",
        "pod-security enforce-version must be latest",
    ),
    (lambda r: r.deletes or _catalogue_only(r), "only labels of the feature catalogue may be set"),
    (
        lambda r: not r.updates or _kept(r.labels(new=False), r.labels(new=True), REQUEST_ID),
        "the namespace belongs to another request (platform.io/request-id is immutable)",
    ),
    (
        lambda r: not r.updates or _kept(r.annotations(new=False), r.annotations(new=True), PROVISIONED_AT),
        "platform.io/provisioned-at is immutable",
    ),
    (
        lambda r: not r.deletes or not r.by_provisioner or PROVISIONED_AT not in r.annotations(new=False),
        "rollback may only delete a namespace that never became ready",
    ),
    (
        lambda r: not r.deletes or not r.by_provisioner or ADOPT not in r.labels(new=False),
        "a namespace that was taken over is never rolled back",
    ),
    (
        lambda r: r.deletes or r.labels(new=False).get(ADOPT) == r.labels(new=True).get(ADOPT),
        "platform.io/adopt is for cluster administrators to set",
    ),
    (
        lambda r: not r.deletes or not r.by_decommissioner or r.annotations(new=False).get(STATUS) == "deleting",
        "a namespace must be marked platform.io/status=deleting before it is deleted",
    ),
    (
        lambda r: not r.updates or not r.by_decommissioner or _same_except_status(r),
        "the decommissioner changes nothing but platform.io/status",
    ),
)


def _managed_place(review: Review) -> bool:
    return bool(_map_of(review.namespace_object).get(MANAGED) == "true")


def _map_of(obj: Object | None) -> Labels:
    return dict((obj or {}).get("metadata", {}).get("labels") or {})


def _unannotated(review: Review) -> bool:
    if review.kind.plural != "serviceaccounts" or review.deletes or not review.annotations(new=True):
        return True
    return review.updates and review.annotations(new=True) == review.annotations(new=False)


def _bound_role(review: Review) -> bool:
    if review.kind.plural != "rolebindings" or review.deletes:
        return True
    role = (review.new or {}).get("roleRef", {})
    return role.get("kind") == "ClusterRole" and role.get("name") in review.user.installation.roles


def _people_only(review: Review) -> bool:
    if review.kind.plural != "rolebindings" or review.deletes:
        return True
    return all(_person(subject, review.namespace) for subject in (review.new or {}).get("subjects", []))


def _person(subject: Object, namespace: str) -> bool:
    if subject["kind"] == "ServiceAccount":
        return bool(subject["name"] == "platform-user" and subject.get("namespace") == namespace)
    return subject["kind"] in ("User", "Group") and not subject["name"].startswith("system:")


def _only_name(plural: str, name: str) -> Callable[[Review], bool]:
    return lambda review: review.kind.plural != plural or review.name == name


OBJECT_RULES: tuple[Rule, ...] = (
    (_managed_place, "the provisioner may only write inside namespaces labelled platform.io/managed=true"),
    (
        _only_name("serviceaccounts", "platform-user"),
        "the provisioner manages only the service account platform-user",
    ),
    (_unannotated, "no annotations on platform-user"),
    (_only_name("configmaps", "monitoring-config"), "the provisioner manages only the config map monitoring-config"),
    (_bound_role, "only {0}, {1} and {2} may be bound"),
    (_people_only, "subjects must be people, groups outside system:, or platform-user of this namespace"),
)


def _identity_kept(review: Review) -> bool:
    """A namespace may be labelled and annotated by other tools, but not where it says what it is."""
    if review.kind.plural != "namespaces" or not review.updates:
        return False
    labels = (review.labels(new=False), review.labels(new=True), PREFIXES)
    annotations = (review.annotations(new=False), review.annotations(new=True), PREFIXES[:1])
    return all(
        old.get(key) == new.get(key)
        for old, new, prefixes in (labels, annotations)
        for key in {*old, *new}
        if key.startswith(prefixes)
    )


PROTECT_RULES: tuple[Rule, ...] = (
    (_identity_kept, "this object is managed by the platform portal; request a change there"),
)


def _for_workflows(review: Review) -> bool:
    return review.kind.plural == "namespaces" and (review.by_provisioner or review.by_decommissioner)


def _for_provisioner(review: Review) -> bool:
    return review.kind.plural in PROVISIONED and review.by_provisioner


def _for_others(review: Review) -> bool:
    admins = set(review.user.installation.admin_groups) & set(review.user.groups)
    exempt = review.by_provisioner or review.by_decommissioner or admins
    guarded = review.kind.plural in GUARDED and not review.creates
    return guarded and not exempt and review.labels(new=False).get(MANAGED) == "true"


POLICIES: tuple[tuple[str, Callable[[Review], bool], tuple[Rule, ...]], ...] = (
    ("platform-provisioner-namespaces", _for_workflows, NAMESPACE_RULES),
    ("platform-provisioner-objects", _for_provisioner, OBJECT_RULES),
    ("platform-protect-managed-objects", _for_others, PROTECT_RULES),
)
