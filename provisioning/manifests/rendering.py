"""From what was granted to the objects that make it: the same pure function for preview, digest, diff and drift."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioning.catalog import Catalog, expires_at
from provisioning.catalog.placeholders import Absent, fill
from provisioning.catalog.reading_features import COMPONENTS
from provisioning.manifests.encoding import PARAMETERS, digest, to_parameter
from provisioning.manifests.text import yaml_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioning.catalog import Feature, Tier
    from provisioning.spec import NamespaceSpec, Subject

CREATED_BY = "platform-api"
RBAC_GROUP = "rbac.authorization.k8s.io"
SERVICE_ACCOUNT = "platform-user"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asked, and when: known when the request is opened. Whoever approves is not in the objects, as they are
    shown, and their digest named, before anybody approves."""

    request_id: str  # of the request that creates the namespace, also when it is changed later
    created_at: str  # RFC 3339 in UTC, e.g. 2026-11-23T10:00:00Z
    requested_by: str
    approved_by: str = ""  # not rendered
    expires_at: str = ""  # the end of the lease where it isn't created_at + lease_days, after a renewal


@dataclass(frozen=True)
class Rendered:
    namespace: dict[str, Any]
    rbac: list[dict[str, Any]]
    quota: list[dict[str, Any]]
    network_policies: list[dict[str, Any]]
    monitoring: list[dict[str, Any]]

    @functools.cached_property
    def parameters(self) -> dict[str, str]:
        """Parameter name -> text, in the order of the digest: what the workflow is given, byte for byte."""
        values = (self.namespace, self.rbac, self.quota, self.network_policies, self.monitoring)
        return {name: to_parameter(value) for name, value in zip(PARAMETERS, values, strict=True)}

    @functools.cached_property
    def digest(self) -> str:
        return digest(self.parameters.values())

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [self.namespace, *self.rbac, *self.quota, *self.network_policies, *self.monitoring]

    def to_yaml(self) -> str:
        return yaml_text(self.objects)


def render(spec: NamespaceSpec, identity: Identity, catalog: Catalog) -> Rendered:
    """The objects of `spec`, which must be valid. Raises KeyError for a tier or a feature that the catalogue lacks."""
    context = _Context(spec, identity, catalog)
    return Rendered(
        namespace=_namespace(context),
        rbac=_rbac(context),
        quota=_quota(context),
        network_policies=_network_policies(context) + context.objects("network-policies"),
        monitoring=[_monitoring_config(context), *context.objects("monitoring")],
    )


@dataclass(frozen=True)
class _Context:
    spec: NamespaceSpec
    identity: Identity
    catalog: Catalog

    @property
    def tier(self) -> Tier:
        return self.catalog.tiers[self.spec.tier]

    @functools.cached_property
    def features(self) -> list[Feature]:
        """The chosen ones in the catalogue's order. Raises KeyError for one that is not there."""
        for key in self.spec.features:
            self.catalog.features[key]
        return [feature for key, feature in self.catalog.features.items() if key in self.spec.features]

    def lookup(self, feature: Feature) -> Callable[[str], Any]:
        """Values of placeholders in `feature`. Absent when an optional field was left empty."""
        options = feature.values(self.spec.options)

        def value(name: str) -> Any:
            scope, _, key = name.partition(".")
            if scope == "cluster":
                return self.catalog.cluster.value(key)
            found = options[key] if scope == "options" else self.request_value(key)
            if not found:
                raise Absent(name)
            return found

        return value

    def request_value(self, key: str) -> str:
        if key == "expires_at":
            return self.identity.expires_at or expires_at(self.identity.created_at, self.spec.lease_days)
        if key == "id":
            return self.identity.request_id
        return str(getattr(self.spec, key))

    def merged(self, kind: str) -> dict[str, str]:
        """Labels, annotations or quota of all chosen features."""
        found: dict[str, str] = {}
        for feature in self.features:
            found.update(fill(getattr(feature, kind), self.lookup(feature)))
        return found

    def objects(self, component: str) -> list[dict[str, Any]]:
        """The features' own objects of one task, where the cluster has what they need."""
        return [
            self.placed(component, fill({k: v for k, v in item.items() if k != "when"}, self.lookup(feature)))
            for feature in self.features
            for item in feature.objects
            if COMPONENTS[item["kind"]] == component
            and ("when" not in item or self.catalog.cluster.value(item["when"]))
        ]

    def placed(self, component: str, item: dict[str, Any]) -> dict[str, Any]:
        """`item` in this namespace, with the pair of labels by which the workflow removes what is left over."""
        metadata = item["metadata"]
        labels = {**metadata.get("labels", {}), "platform.io/managed": "true", "platform.io/component": component}
        rest = {key: value for key, value in metadata.items() if key not in {"name", "labels"}}
        placed = {"name": metadata["name"], "namespace": self.spec.name, "labels": labels, **rest}
        return {**item, "metadata": placed}


def _namespace(context: _Context) -> dict[str, Any]:
    spec, identity = context.spec, context.identity
    labels = {
        "platform.io/managed": "true",
        "platform.io/team": spec.team,
        "platform.io/resource-tier": spec.tier,
        "platform.io/created-by": CREATED_BY,
        "platform.io/request-id": identity.request_id,
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/audit-version": "latest",
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/warn-version": "latest",
    }
    annotations = {
        "platform.io/created-at": identity.created_at,
        "platform.io/features": json.dumps(list(spec.features), separators=(",", ":")),
        "platform.io/requested-by": identity.requested_by,
    }
    if spec.purpose:
        annotations["platform.io/purpose"] = spec.purpose
    metadata = {
        "name": spec.name,
        "labels": labels | context.merged("labels"),
        "annotations": annotations | context.merged("annotations"),
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _rbac(context: _Context) -> list[dict[str, Any]]:
    """A service account, and a binding per level that has subjects: a `roleRef` cannot be changed later."""
    cluster, spec = context.catalog.cluster, context.spec
    account = context.placed(
        "rbac",
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": SERVICE_ACCOUNT},
            "automountServiceAccountToken": False,
        },
    )
    own = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": spec.name}
    levels = (
        ("team-admin-binding", cluster.admin_role, [own, *_subjects(spec.admins)]),
        ("team-editor-binding", cluster.editor_role, _subjects(spec.editors)),
        ("team-viewer-binding", cluster.viewer_role, _subjects(spec.viewers)),
    )
    bindings = [_binding(context, name, role, subjects) for name, role, subjects in levels if subjects]
    return [account, *bindings]


def _subjects(subjects: Iterable[Subject]) -> list[dict[str, str]]:
    return [{"kind": subject.kind, "name": subject.name, "apiGroup": RBAC_GROUP} for subject in subjects]


def _binding(context: _Context, name: str, role: str, subjects: list[dict[str, str]]) -> dict[str, Any]:
    item = {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    }
    return context.placed("rbac", item)


def _quota(context: _Context) -> list[dict[str, Any]]:
    """With `limits.cpu` in the quota a container without a limit is refused: the LimitRange gives it one."""
    tier = context.tier
    limits = [
        {
            "type": "Container",
            "default": dict(tier.container_default),
            "defaultRequest": dict(tier.container_default_request),
        },
        {"type": "PersistentVolumeClaim", "max": {"storage": tier.pvc_max}},
    ]
    items = (
        ("ResourceQuota", "compute-resources", {"hard": dict(tier.hard) | context.merged("quota")}),
        ("LimitRange", "compute-limit-range", {"limits": limits}),
    )
    return [
        context.placed("resource-quotas", {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
        for kind, name, spec in items
    ]


def _policy(context: _Context, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    item = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": {}, **spec},
    }
    return context.placed("network-policies", item)


def _network_policies(context: _Context) -> list[dict[str, Any]]:
    """Nothing in or out but within the namespace and to DNS.

    The empty lists of default-deny-all are sent so that they are ours: the next apply empties again what was added.
    """
    cluster = context.catalog.cluster
    dns: list[dict[str, Any]] = [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": cluster.dns_namespace}},
            "podSelector": {"matchLabels": dict(cluster.dns_labels)},
        }
    ]
    if cluster.node_local_dns:  # it runs on the host network, where no selector of pods finds it
        dns.append({"ipBlock": {"cidr": cluster.node_local_dns}})
    ports = [{"protocol": protocol, "port": cluster.dns_port} for protocol in ("UDP", "TCP")]
    both = {"policyTypes": ["Ingress", "Egress"]}
    inside: dict[str, Any] = {"ingress": [{"from": [{"podSelector": {}}]}], "egress": [{"to": [{"podSelector": {}}]}]}
    return [
        _policy(context, "default-deny-all", {**both, "ingress": [], "egress": []}),
        _policy(context, "allow-same-namespace", {**both, **inside}),
        _policy(context, "allow-dns", {"policyTypes": ["Egress"], "egress": [{"to": dns, "ports": ports}]}),
    ]


def _monitoring_config(context: _Context) -> dict[str, Any]:
    chosen = {feature.key for feature in context.features}
    switches = {
        feature.switch: "true" if key in chosen else "false"
        for key, feature in context.catalog.features.items()
        if feature.switch
    }
    item = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "monitoring-config"},
        "data": {"team": context.spec.team, "tier": context.spec.tier, **switches},
    }
    return context.placed("monitoring", item)
