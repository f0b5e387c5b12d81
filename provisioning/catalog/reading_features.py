"""The section `features`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from provisioning.catalog import placeholders
from provisioning.catalog.model import PLACEABLE, ClusterSettings, Feature, FeatureField
from provisioning.catalog.text import is_label_key, is_label_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioning.catalog.source import Fields, Source

REQUEST_VALUES = ("id", "name", "team", "tier", "lease_days", "expires_at")
# Written by the portal itself; a feature must not say something else.
OWN_KEYS = frozenset(
    f"platform.io/{name}"
    for name in (
        "managed", "team", "resource-tier", "created-by", "request-id", "created-at", "features", "purpose",
        "requested-by", "status", "provisioned-at", "updated-at", "last-change-request", "component", "adopt",
    )
)  # fmt: skip
# What the workflow's account may write, and which task applies it.
COMPONENTS = {"NetworkPolicy": "network-policies", "ServiceMonitor": "monitoring"}
_FIELD_KEY = re.compile(r"\A[a-z][a-z0-9_]{0,62}\Z")
_POD_SECURITY = "pod-security.kubernetes.io/"
_TEXTS = ("title", "text", "effect", "risk")
_OPTIONAL = (
    "words", "default", "gate", "opens", "way", "switch", "labels", "annotations", "quota", "objects", "fields",
)  # fmt: skip


def read_features(source: Source, cluster: ClusterSettings) -> dict[str, Feature]:
    features = {key: _read_feature(key, child, cluster) for key, child in source.entries().items()}
    seen: dict[tuple[Any, Any], str] = {}
    for key, feature in features.items():
        for item in feature.objects:
            name = (item["kind"], item["metadata"]["name"])
            if name in seen:
                place = source.entries()[key]
                raise place.wrong(f"{name[0]} {name[1]} is also made by {seen[name]}", "Give it another name.")
            seen[name] = key
    return features


def _read_feature(key: str, source: Source, cluster: ClusterSettings) -> Feature:
    fields = source.fields(required=_TEXTS, optional=_OPTIONAL)
    if not is_label_value(key) or key in {"gated", "none"}:
        raise source.wrong("is no good key", "Use letters, digits and dashes; not “gated” or “none”.")
    if not fields.text("opens", "in ").startswith(("in ", "out ")):
        raise fields["opens"].wrong("has no direction", "Begin it with “in ” or “out ”: in from Prometheus.")
    own = _read_fields(fields["fields"]) if "fields" in fields else ()
    known = _known_names(own)
    return Feature(
        key=key,
        **{name: fields.text(name) for name in _TEXTS},
        words=fields.text("words", key.replace("-", " ")),
        default=fields.flag("default"),
        gate=fields.flag("gate"),
        opens=fields.text("opens"),
        way=fields.text("way", fields.text("opens")),
        switch=fields.text("switch"),
        fields=own,
        labels=_mapping(fields, "labels", known, cluster),
        annotations=_mapping(fields, "annotations", known, cluster),
        quota=_mapping(fields, "quota", known, cluster),
        objects=tuple(_object(item, known) for item in fields["objects"].items()) if "objects" in fields else (),
    )


def _known_names(fields: Iterable[FeatureField]) -> list[str]:
    return [
        *(f"cluster.{name}" for name in PLACEABLE),
        *(f"options.{field.key}" for field in fields),
        *(f"request.{name}" for name in REQUEST_VALUES),
    ]


def _read_fields(source: Source) -> tuple[FeatureField, ...]:
    return tuple(_read_field(key, child) for key, child in source.entries().items())


def _read_field(key: str, source: Source) -> FeatureField:
    fields = source.fields(required=("title", "kind"), optional=("help", "required", "default", "minimum", "maximum"))
    if not _FIELD_KEY.match(key):
        raise source.wrong("is no good key", "Use small letters, digits and underscores.")
    field = FeatureField(
        key=key,
        title=fields.text("title"),
        help=fields.text("help"),
        kind=fields["kind"].one_of(("integer", "label", "email", "text")),
        required=fields.flag("required"),
        default=fields["default"].quantity() if "default" in fields else "",
        minimum=fields["minimum"].whole() if "minimum" in fields else None,
        maximum=fields["maximum"].whole() if "maximum" in fields else None,
    )
    if field.default and (fault := field.check(field.default)):
        raise fields["default"].wrong(fault, "Give a default that the field itself takes.")
    return field


def _mapping(fields: Fields, key: str, known: list[str], cluster: ClusterSettings) -> Any:
    """Labels, annotations or quota: a mapping of texts, or one placeholder for a whole mapping of the cluster."""
    if key not in fields:
        return {}
    source = fields[key]
    value = source.data()
    _check_placeholders(source, known)
    if name := placeholders.name_of(value):
        setting = cluster.value(name.removeprefix("cluster.")) if name.startswith("cluster.") else None
        if not isinstance(setting, dict):
            raise source.wrong(f"<{name}> is no mapping", "Name a setting that holds one: cluster.mesh_labels.")
        _check_keys(source, key, setting)
        return value
    for name, child in source.entries().items():
        if key == "quota":
            child.quantity()
        _check_value(child, key, name, child.text() if key != "quota" else child.quantity())
    return source.strings() if key != "quota" else {k: child.quantity() for k, child in source.entries().items()}


def _check_keys(source: Source, kind: str, setting: dict[str, str]) -> None:
    for name, value in setting.items():
        _check_value(source, kind, name, value)


def _check_value(source: Source, kind: str, name: str, value: str) -> None:
    if kind == "quota":
        return
    if not is_label_key(name):
        raise source.wrong("is no name that Kubernetes takes", "Use letters, digits, - _ . with an optional prefix/.")
    if name in OWN_KEYS:
        raise source.wrong("is written by the portal itself", "Choose another name.")
    if kind == "labels" and not placeholders.name_of(value) and not (value == "" or is_label_value(value)):
        raise source.wrong(f"“{value}” is no label value", "Use letters, digits and inner - _ . only, 63 at most.")
    if name.startswith(_POD_SECURITY) and value not in {"baseline", "restricted", "latest"}:
        raise source.wrong("the cluster's policies allow baseline, restricted and latest", "Use one of these.")


def _object(source: Source, known: list[str]) -> dict[str, Any]:
    fields = source.fields(required=("apiVersion", "kind", "metadata", "spec"), optional=("when",))
    fields["kind"].one_of(COMPONENTS)
    metadata = fields["metadata"].fields(required=("name",), optional=("labels", "annotations"))
    metadata["name"].text()
    if "when" in fields:
        fields["when"].one_of(PLACEABLE)
    value: dict[str, Any] = source.data()
    _check_placeholders(source, known)
    return value


def _check_placeholders(source: Source, known: list[str]) -> None:
    for scalar in source.scalars():
        value = scalar.data()
        if placeholders.is_piece(value):
            raise scalar.wrong(f"“{value}” is no placeholder", "A placeholder is the whole value: <cluster.NAME>.")
        if name := placeholders.name_of(value):
            scalar.known(name, known)
