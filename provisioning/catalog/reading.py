"""From nodes to the Catalog: every check of the file, each with line and remedy."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING, Any

from provisioning.catalog.model import (
    CLUSTER_SETTINGS,
    NAME,
    Allowance,
    Catalog,
    ClusterSettings,
    Environment,
    Lease,
    ReservedName,
)
from provisioning.catalog.quantities import parse_quantity
from provisioning.catalog.reading_features import read_features
from provisioning.catalog.reading_policy import read_policy
from provisioning.catalog.reading_tiers import amount, read_tiers
from provisioning.catalog.text import is_label_key, is_label_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioning.catalog.source import Source

SECTIONS = ("tiers", "features", "names", "environments", "lease", "allowance", "policy", "cluster")
_PATTERN = re.compile(r"\A[a-z0-9*-]{1,63}\Z")
_IMAGE = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._/:@-]*\Z")
_GROUP = re.compile(r"\A[A-Za-z0-9@._:/ -]{1,253}\Z")


def read_catalog(source: Source, text: str) -> Catalog:
    """Raises CatalogError for the first mistake, in the order of the sections."""
    fields = source.fields(required=SECTIONS)
    tiers = read_tiers(fields["tiers"])
    cluster = _read_cluster(fields["cluster"])
    features = read_features(fields["features"], cluster)
    environments = {key: _read_environment(key, child) for key, child in fields["environments"].entries().items()}
    rules, otherwise = read_policy(fields["policy"], tiers, features, environments)
    return Catalog(
        tiers=tiers,
        features=features,
        environments=environments,
        lease=_read_lease(fields["lease"]),
        allowance=_read_allowance(fields["allowance"]),
        rules=rules,
        otherwise=otherwise,
        cluster=cluster,
        name_pattern=_read_name_pattern(fields["names"]),
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
    )


def _read_name_pattern(source: Source) -> str:
    fields = source.fields(optional=("pattern",))
    pattern = fields.text("pattern")
    if pattern and not _PATTERN.match(pattern.replace("{team}", "team")):
        raise fields["pattern"].wrong("is no pattern of names", 'Write for example "{team}-*".')
    return pattern


def _read_environment(key: str, source: Source) -> Environment:
    fields = source.fields(required=("title", "patterns"))
    _refuse_odd_key(key, source)
    patterns = fields.texts("patterns")
    for pattern in patterns:
        if not _PATTERN.match(pattern):
            raise fields["patterns"].wrong(f"“{pattern}” is no pattern of names", 'Write for example ["*-dev"].')
    return Environment(key, fields.text("title"), patterns)


def _refuse_odd_key(key: str, source: Source) -> None:
    if not is_label_value(key) or key == "none":
        raise source.wrong("is no good key", "Use letters, digits and dashes, 63 characters at most; not “none”.")


def _read_lease(source: Source) -> Lease:
    fields = source.fields(
        required=("default_days", "max_days", "choices", "reminders", "escalate_after", "delete_request_after")
    )
    days = {key: fields[key].whole(1) for key in ("default_days", "max_days")}
    for key in ("choices", "reminders"):
        if not fields[key].items():
            raise fields[key].wrong("is empty", "Write for example [30, 90].")
    choices = tuple(item.whole(1) for item in fields["choices"].items())
    if days["default_days"] > days["max_days"] or max(choices) > days["max_days"]:
        raise fields["max_days"].wrong("is less than the default or a choice", "Raise it, or lower those.")
    return Lease(
        **days,
        choices=choices,
        reminders=tuple(sorted((item.whole(0) for item in fields["reminders"].items()), reverse=True)),
        escalate_after=fields["escalate_after"].whole(),
        delete_request_after=fields["delete_request_after"].whole(),
    )


def _read_allowance(source: Source) -> Allowance:
    fields = source.fields(required=("namespaces", "cpu", "memory", "pods"))
    return Allowance(
        namespaces=fields["namespaces"].whole(),
        cpu=parse_quantity(amount(fields["cpu"])),
        memory_bytes=int(parse_quantity(amount(fields["memory"]))),
        pods=int(parse_quantity(amount(fields["pods"]))),
    )


def _read_cluster(source: Source) -> ClusterSettings:
    fields = source.fields(required=CLUSTER_SETTINGS)
    values: dict[str, Any] = {}
    for key in CLUSTER_SETTINGS:
        values[key] = _cluster_value(key, fields[key])
    roles = {values[key] for key in ("admin_role", "editor_role", "viewer_role")}
    if len(roles) < 3:  # noqa: PLR2004 - three levels of access
        raise fields["viewer_role"].wrong("the three roles must differ", "Give each level its own ClusterRole.")
    return ClusterSettings(**values)


def _cluster_value(key: str, source: Source) -> Any:
    """By the setting's own reader, else by the ending of its name."""
    reader = _READERS.get(key) or _READERS.get("_" + key.rpartition("_")[2])
    return reader(source) if reader else _matching(source, NAME, "a name: small letters, digits and inner dashes")


def _matching(source: Source, pattern: re.Pattern[str], what: str) -> str:
    value = source.text()
    if not pattern.match(value):
        raise source.wrong(f"“{value}” is not {what}", "It goes into scripts and policies of the cluster as it is.")
    return value


def _reserved(pattern: str, source: Source) -> ReservedName:
    if not _PATTERN.match(pattern) or "*" in pattern[:-1]:
        raise source.wrong("is no name or beginning of a name", "Write name, or beginning* with the * at its end.")
    return ReservedName(pattern, source.text())


def _labels(source: Source) -> dict[str, str]:
    labels = source.strings()
    for key, child in source.entries().items():
        if not is_label_key(key) or not (labels[key] == "" or is_label_value(labels[key])):
            raise child.wrong("is no label that Kubernetes takes", "Use letters, digits, - _ . and at most 63 of them.")
    return labels


def _port(source: Source) -> int:
    port = source.whole(1)
    if port > 65535:  # noqa: PLR2004 - the last port
        raise source.wrong("is no port", "Ports go from 1 to 65535.")
    return port


def _cidr(source: Source) -> str:
    value = source.text()
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise source.wrong(f"is no address range: {error}", "Write for example 192.168.49.2/32.") from error
    return value


def _peer(source: Source) -> Any:
    block = source.fields(required=("ipBlock",))["ipBlock"].fields(required=("cidr",), optional=("except",))
    _cidr(block["cidr"])
    for item in block["except"].items() if "except" in block else ():
        _cidr(item)
    return source.data()


_READERS: dict[str, Callable[[Source], Any]] = {
    "reserved_names": lambda source: tuple(_reserved(key, child) for key, child in source.entries().items()),
    "admin_groups": lambda source: tuple(_matching(item, _GROUP, "the name of a group") for item in source.items()),
    "kubectl_image": lambda source: _matching(source, _IMAGE, "an image such as docker.io/alpine/kubectl:1.36.0"),
    "service_monitor": lambda source: source.flag(),
    "public_addresses": lambda source: tuple(_peer(item) for item in source.items()),
    "kube_api_cidr": _cidr,
    "node_local_dns": lambda source: _cidr(source) if source.text() else "",
    "_labels": _labels,
    "_annotations": lambda source: source.strings(),
    "_port": _port,
}
