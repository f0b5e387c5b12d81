"""The catalogue as plain values: what an operator offers, as read from catalog.yaml."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from provisioning.catalog.quantities import format_number, parse_quantity, readable
from provisioning.catalog.text import is_label_value, text_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

NAME = re.compile(r"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_MAX_EMAIL = 254
_EMAIL = re.compile(r"\A[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\Z")


@dataclass(frozen=True, slots=True)
class Tier:
    """A size. `hard` is the ResourceQuota's `spec.hard`, the others fill the LimitRange; all are quantities."""

    key: str
    title: str
    text: str
    hard: Mapping[str, str]
    container_default: Mapping[str, str]
    container_default_request: Mapping[str, str]
    pvc_max: str
    rank: int  # 0 = the first of the catalogue, the smallest

    @property
    def cpu(self) -> Decimal:
        """Cores, by the limit."""
        return parse_quantity(self.hard["limits.cpu"])

    @property
    def memory_bytes(self) -> int:
        return int(parse_quantity(self.hard["limits.memory"]))

    @property
    def pods(self) -> int:
        return int(parse_quantity(self.hard["pods"]))

    @property
    def summary(self) -> str:
        memory, storage = readable(self.hard["limits.memory"]), readable(self.hard["requests.storage"])
        return f"{format_number(self.cpu)} CPU, {memory} memory, {self.pods} pods, {storage} storage"


@dataclass(frozen=True, slots=True)
class FeatureField:
    """Something that a feature asks of the requester. `kind`: integer, label, email or text."""

    key: str
    title: str
    help: str
    kind: str
    required: bool
    default: str
    minimum: int | None
    maximum: int | None

    def check(self, value: str) -> str:
        """What is wrong with `value` in words, "" when nothing is."""
        if not value:
            return f"{self.title} is needed." if self.required and not self.default else ""
        match self.kind:
            case "integer":
                return self._check_integer(value)
            case "label":
                fault = "" if is_label_value(value) else "letters, digits and inner - _ . only, 63 characters at most"
            case "email":
                fault = "" if _EMAIL.match(value) and len(value) <= _MAX_EMAIL else "not an e-mail address"
            case _:
                fault = text_fault(value, limit=253, lines=False)
        return f"{self.title}: {fault}." if fault else ""

    def _check_integer(self, value: str) -> str:
        if not re.match(r"\A(0|[1-9][0-9]{0,8})\Z", value):
            return f"{self.title}: a whole number, please."
        low = self.minimum if self.minimum is not None else 0
        if int(value) < low or (self.maximum is not None and int(value) > self.maximum):
            upper = f"to {self.maximum}" if self.maximum is not None else "or more"
            return f"{self.title}: {low} {upper}."
        return ""


@dataclass(frozen=True, slots=True)
class Feature:
    """Data only: what it adds to the Namespace, to the quota and as objects. Values may hold placeholders."""

    key: str
    title: str
    words: str  # as it stands in a sentence: "external egress"
    text: str
    effect: str
    risk: str
    default: bool
    gate: bool
    opens: str  # what of the network it opens, in words: "out to public addresses …"; "" = nothing
    way: str  # the same as a thing: "internet egress"
    switch: str  # the key of monitoring-config that says whether it is on; "" = none
    fields: tuple[FeatureField, ...]
    labels: Any
    annotations: Any
    quota: Any
    objects: tuple[Mapping[str, Any], ...]

    def values(self, options: Mapping[str, str]) -> dict[str, str]:
        """The fields' values: as given, else their defaults."""
        return {field.key: options.get(field.key) or field.default for field in self.fields}


@dataclass(frozen=True, slots=True)
class Network:
    """What a namespace's network lets through, in words: "from Prometheus", "to cluster DNS"."""

    inward: tuple[str, ...]
    outward: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReservedName:
    pattern: str  # letters, digits, dashes and * for anything
    reason: str


@dataclass(frozen=True, slots=True)
class Environment:
    key: str
    title: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """All in days."""

    default_days: int
    max_days: int
    choices: tuple[int, ...]
    reminders: tuple[int, ...]  # before the end, longest first
    escalate_after: int  # past the end: platform admins are told
    delete_request_after: int  # past the end: a delete request is opened, for a person to decide


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a team may hold unless a platform admin gave it something else. CPU in cores, memory in bytes."""

    namespaces: int
    cpu: Decimal
    memory_bytes: int
    pods: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a rule applies: every condition given must hold. Empty = does not matter."""

    kinds: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()  # patterns with *
    tiers: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    features: tuple[str, ...] = ()  # any of these; "gated" = any that has a gate
    without_features: tuple[str, ...] = ()  # none of these
    lease_over: int | None = None  # days
    lease_at_most: int | None = None
    roles: tuple[str, ...] = ()  # any of these: lead, member, platform-admin
    renewals_over: int | None = None  # by a rule, since a person last decided on the lease
    headroom: str = ""  # "inside" or "outside"


@dataclass(frozen=True, slots=True)
class Rule:
    key: str
    result: str  # auto, approve, two or refuse
    reason: str  # with words in braces: see reading_policy.WORDS
    when: Conditions


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """What the portal has to know about the cluster. Each is a placeholder: `<cluster.dns_port>`."""

    namespace: str  # of controller, server, portal account and workflow pods
    kubectl_image: str
    reserved_names: tuple[ReservedName, ...]
    admin_groups: tuple[str, ...]  # may change managed objects by hand
    dns_namespace: str
    dns_labels: Mapping[str, str]
    dns_port: int
    node_local_dns: str  # CIDR of NodeLocal DNSCache; "" = not in use
    ingress_namespace: str
    monitoring_namespace: str
    prometheus_labels: Mapping[str, str]
    service_monitor: bool  # is the Prometheus operator's CRD there
    service_monitor_labels: Mapping[str, str]
    kube_api_cidr: str
    kube_api_port: int
    public_addresses: tuple[Mapping[str, Any], ...]  # peers of a NetworkPolicy rule
    mesh_namespace: str
    mesh_port: int
    mesh_labels: Mapping[str, str]
    mesh_annotations: Mapping[str, str]
    portal_account: str
    provisioner_account: str
    decommissioner_account: str
    auditor_account: str
    admin_role: str
    editor_role: str
    viewer_role: str

    def __post_init__(self) -> None:
        """Raises ValueError: the environment may replace the namespace, which goes into scripts and policies."""
        if not NAME.match(self.namespace):
            raise ValueError(f"“{self.namespace}” is no name of a namespace")

    @property
    def reserved(self) -> tuple[ReservedName, ...]:
        """The reserved names as written, and the namespaces that these settings name."""
        own = (
            ReservedName(self.namespace, "the portal's workflows run there"),
            ReservedName(self.monitoring_namespace, "monitoring runs there"),
            ReservedName(self.ingress_namespace, "the ingress controller runs there"),
        )
        written = {name.pattern for name in self.reserved_names}
        return self.reserved_names + tuple(name for name in own if name.pattern and name.pattern not in written)

    @property
    def monitoring_kinds(self) -> str:
        """The kinds that the monitoring task looks through when it removes what is left over."""
        return "configmaps,servicemonitors.monitoring.coreos.com" if self.service_monitor else "configmaps"

    def value(self, name: str) -> Any:
        """The setting `name` as data for a manifest. Raises KeyError when there is none of that name."""
        if name not in PLACEABLE:
            raise KeyError(name)
        found = getattr(self, name)
        return list(found) if isinstance(found, tuple) else found


CLUSTER_SETTINGS = tuple(field.name for field in fields(ClusterSettings))
PLACEABLE = tuple(name for name in CLUSTER_SETTINGS if name != "reserved_names")


@dataclass(frozen=True, slots=True)
class Catalog:
    tiers: Mapping[str, Tier]
    features: Mapping[str, Feature]
    environments: Mapping[str, Environment]
    lease: Lease
    allowance: Allowance
    rules: tuple[Rule, ...]
    otherwise: Rule
    cluster: ClusterSettings
    name_pattern: str  # e.g. "{team}-*"; "" = any name
    version: str  # digest of the file's text

    def environment_of(self, name: str) -> str:
        """The first environment, in the catalogue's order, one of whose patterns fits `name`; "" = none does."""
        for environment in self.environments.values():
            if any(fnmatchcase(name, pattern) for pattern in environment.patterns):
                return environment.key
        return ""

    def reserved(self, name: str) -> str | None:
        """Why nobody may have `name`, None when it is free to take."""
        for entry in self.cluster.reserved:
            if fnmatchcase(name, entry.pattern):
                return entry.reason
        return None

    def default_features(self) -> tuple[str, ...]:
        return tuple(sorted(key for key, feature in self.features.items() if feature.default))

    def network(self, features: Iterable[str]) -> Network:
        """What is open with these features; everything else is closed."""
        chosen = set(features)
        opened = [feature.opens for key, feature in self.features.items() if key in chosen and feature.opens]
        inward = (text.removeprefix("in ") for text in opened if text.startswith("in "))
        outward = (text.removeprefix("out ") for text in opened if text.startswith("out "))
        own = "pods of this namespace"
        return Network((f"from {own}", *inward), (f"to {own}", "to cluster DNS", *outward))

    def label_keys(self) -> tuple[str, ...]:
        """The labels outside `platform.io/` and Pod Security that a feature may put on a namespace."""
        found: dict[str, None] = {}
        for feature in self.features.values():
            labels = feature.labels
            if isinstance(labels, str):  # a placeholder for a whole mapping
                labels = self.cluster.value(labels.strip("<>").removeprefix("cluster."))
            found.update(dict.fromkeys(labels))
        own = ("platform.io/", "pod-security.kubernetes.io/")
        return tuple(key for key in found if not key.startswith(own))


def expires_at(created_at: str, lease_days: int) -> str:
    """`created_at` (RFC 3339, Z) plus the lease, in the same form."""
    start = dt.datetime.fromisoformat(created_at)
    end = start.astimezone(dt.UTC) + dt.timedelta(days=lease_days)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")
