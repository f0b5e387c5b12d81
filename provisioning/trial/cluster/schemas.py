"""Schemas of the kinds that the platform applies, from Kubernetes' OpenAPI."""

from __future__ import annotations

from provisioning.trial.cluster.schema import (
    ANY,
    FLAG,
    META,
    NUMBER,
    PORT,
    QUANTITY,
    TEXT,
    TIME,
    kept,
    listing,
    mapping,
    resource,
    struct,
    whole,
)

CORE = "io.k8s.api.core.v1"
NET = "io.k8s.api.networking.v1"
RBAC = "io.k8s.api.rbac.v1"
AMOUNTS = mapping(QUANTITY)

SELECTOR = whole(
    struct(
        f"{META}.LabelSelector",
        matchLabels=mapping(TEXT),
        matchExpressions=listing(
            struct(
                f"{META}.LabelSelectorRequirement", ("key", "operator"), key=TEXT, operator=TEXT, values=listing(TEXT)
            )
        ),
    )
)
CONDITION = struct(
    f"{CORE}.NamespaceCondition",
    ("type", "status"),
    type=TEXT,
    status=TEXT,
    lastTransitionTime=TIME,
    reason=TEXT,
    message=TEXT,
)
NAMESPACE = resource(
    f"{CORE}.Namespace",
    spec=struct(f"{CORE}.NamespaceSpec", finalizers=listing(TEXT)),
    status=struct(f"{CORE}.NamespaceStatus", phase=TEXT, conditions=listing(CONDITION, "type")),
)
REFERENCE = whole(struct(f"{CORE}.ObjectReference", name=TEXT, namespace=TEXT, kind=TEXT, uid=TEXT))
SERVICE_ACCOUNT = resource(
    f"{CORE}.ServiceAccount",
    automountServiceAccountToken=FLAG,
    imagePullSecrets=listing(struct(f"{CORE}.LocalObjectReference", name=TEXT), "name"),
    secrets=listing(REFERENCE, "name"),
)
CONFIG_MAP = resource(f"{CORE}.ConfigMap", data=mapping(TEXT), binaryData=mapping(TEXT), immutable=FLAG)
SECRET = resource(f"{CORE}.Secret", data=mapping(TEXT), stringData=mapping(TEXT), type=TEXT, immutable=FLAG)
RESOURCE_QUOTA = resource(
    f"{CORE}.ResourceQuota",
    spec=struct(f"{CORE}.ResourceQuotaSpec", hard=AMOUNTS, scopes=listing(TEXT), scopeSelector=ANY),
    status=struct(f"{CORE}.ResourceQuotaStatus", hard=AMOUNTS, used=AMOUNTS),
)
LIMIT = struct(
    f"{CORE}.LimitRangeItem",
    ("type",),
    type=TEXT,
    max=AMOUNTS,
    min=AMOUNTS,
    default=AMOUNTS,
    defaultRequest=AMOUNTS,
    maxLimitRequestRatio=AMOUNTS,
)
LIMIT_RANGE = resource(f"{CORE}.LimitRange", spec=struct(f"{CORE}.LimitRangeSpec", ("limits",), limits=listing(LIMIT)))
SUBJECT = struct(f"{RBAC}.Subject", ("kind", "name"), apiGroup=TEXT, kind=TEXT, name=TEXT, namespace=TEXT)
ROLE_REF = whole(struct(f"{RBAC}.RoleRef", ("kind", "name"), apiGroup=TEXT, kind=TEXT, name=TEXT))
ROLE_BINDING = resource(f"{RBAC}.RoleBinding", ("roleRef",), roleRef=ROLE_REF, subjects=listing(SUBJECT))

PEER = struct(
    f"{NET}.NetworkPolicyPeer",
    podSelector=kept(SELECTOR),
    namespaceSelector=kept(SELECTOR),
    ipBlock=struct(f"{NET}.IPBlock", ("cidr",), cidr=TEXT, except_=listing(TEXT)),
)
POLICY_PORT = struct(f"{NET}.NetworkPolicyPort", protocol=TEXT, port=PORT, endPort=NUMBER)
INGRESS = kept(struct(f"{NET}.NetworkPolicyIngressRule", ports=listing(POLICY_PORT), from_=listing(PEER)))
EGRESS = kept(struct(f"{NET}.NetworkPolicyEgressRule", ports=listing(POLICY_PORT), to=listing(PEER)))
NETWORK_POLICY = resource(
    f"{NET}.NetworkPolicy",
    spec=struct(
        f"{NET}.NetworkPolicySpec",
        podSelector=kept(SELECTOR),
        policyTypes=listing(TEXT),
        ingress=listing(INGRESS),
        egress=listing(EGRESS),
    ),
)

SCHEMAS = {
    "Namespace": NAMESPACE,
    "ServiceAccount": SERVICE_ACCOUNT,
    "ConfigMap": CONFIG_MAP,
    "Secret": SECRET,
    "ResourceQuota": RESOURCE_QUOTA,
    "LimitRange": LIMIT_RANGE,
    "RoleBinding": ROLE_BINDING,
    "NetworkPolicy": NETWORK_POLICY,
}
# Fields of the main resource that its strategy resets: nobody owns them by applying.
RESET = {"Namespace": ("status",), "ResourceQuota": ("status",)}
