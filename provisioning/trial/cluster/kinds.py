"""The kinds this cluster serves, and how kubectl's arguments name them."""

from __future__ import annotations

from dataclasses import dataclass

RBAC = "rbac.authorization.k8s.io"
NETWORKING = "networking.k8s.io"


@dataclass(frozen=True, slots=True)
class Kind:
    kind: str
    plural: str
    group: str = ""
    version: str = "v1"
    short: tuple[str, ...] = ()
    namespaced: bool = True
    applicable: bool = False  # has a schema, so that manifests of it can be applied
    in_all: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def resource(self) -> str:
        """`rolebindings.rbac.authorization.k8s.io`: as the server's messages name the resource."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def type_name(self) -> str:
        """`rolebinding.rbac.authorization.k8s.io`: as kubectl prints the type of one object."""
        return f"{self.singular}.{self.group}" if self.group else self.singular

    @property
    def qualified(self) -> str:
        """`RoleBinding.rbac.authorization.k8s.io`: as a 422 names the kind among several errors."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


NAMESPACE = Kind("Namespace", "namespaces", short=("ns",), namespaced=False, applicable=True)
SERVICE_ACCOUNT = Kind("ServiceAccount", "serviceaccounts", short=("sa",), applicable=True)
CONFIG_MAP = Kind("ConfigMap", "configmaps", short=("cm",), applicable=True)
RESOURCE_QUOTA = Kind("ResourceQuota", "resourcequotas", short=("quota",), applicable=True)
LIMIT_RANGE = Kind("LimitRange", "limitranges", short=("limits",), applicable=True)
ROLE_BINDING = Kind("RoleBinding", "rolebindings", RBAC, applicable=True)
NETWORK_POLICY = Kind("NetworkPolicy", "networkpolicies", NETWORKING, short=("netpol",), applicable=True)
POD = Kind("Pod", "pods", short=("po",), in_all=True)
SECRET = Kind("Secret", "secrets", applicable=True)
SERVICE = Kind("Service", "services", short=("svc",), in_all=True)
CLAIM = Kind("PersistentVolumeClaim", "persistentvolumeclaims", short=("pvc",))

# In the order in which `kubectl get all` and the namespace controller go through them.
KINDS = (
    NAMESPACE,
    CONFIG_MAP,
    LIMIT_RANGE,
    CLAIM,
    POD,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE_ACCOUNT,
    SERVICE,
    Kind("DaemonSet", "daemonsets", "apps", short=("ds",), in_all=True),
    Kind("Deployment", "deployments", "apps", short=("deploy",), in_all=True),
    Kind("ReplicaSet", "replicasets", "apps", short=("rs",), in_all=True),
    Kind("StatefulSet", "statefulsets", "apps", short=("sts",), in_all=True),
    Kind("CronJob", "cronjobs", "batch", short=("cj",), in_all=True),
    Kind("Job", "jobs", "batch", in_all=True),
    Kind("Ingress", "ingresses", NETWORKING, short=("ing",)),
    NETWORK_POLICY,
    ROLE_BINDING,
)

BY_GVK = {(kind.api_version, kind.kind): kind for kind in KINDS}
BY_KIND = {kind.kind: kind for kind in KINDS}


def _words(kind: Kind) -> list[str]:
    return [kind.plural, kind.singular, *kind.short]


def _table() -> dict[str, Kind]:
    table: dict[str, Kind] = {}
    for kind in KINDS:
        for word in _words(kind):
            table[word] = kind
            if kind.group:
                table[f"{word}.{kind.group}"] = kind
                table[f"{word}.{kind.version}.{kind.group}"] = kind
    return table


BY_WORD = _table()


def resolve(word: str) -> Kind | None:
    """The kind that an argument such as `sa`, `configmaps` or `rolebinding.rbac.authorization.k8s.io` names."""
    return BY_WORD.get(word.lower())
