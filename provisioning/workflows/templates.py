"""The YAML beside this file, with the settings of the catalogue filled in: WorkflowTemplates and cluster set-up.

In the YAML, `<cluster.kubectl_image>` stands for a setting. It is filled in after the YAML was read, in the data: a
value that is a placeholder becomes the setting; in scripts and in CEL, which are texts, it becomes the setting's text.
The catalogue lets through only texts that are safe there.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from provisioning.catalog.placeholders import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioning.catalog import Catalog, ClusterSettings

HERE = Path(__file__).parent
# Kind of request -> WorkflowTemplate, which is also the file's name.
TEMPLATES: Mapping[str, str] = {
    "create": "namespace-provisioning",
    "change": "namespace-update",
    "delete": "namespace-deletion",
    "audit": "namespace-audit",
    "adopt": "namespace-update",
}
NAMES = tuple(dict.fromkeys(TEMPLATES.values()))
# In the order in which they are applied.
CLUSTER_FILES = (
    "namespace",
    "executor-config",
    "portal-account",
    "workflow-accounts",
    "admission-policies",
    "team-roles",
)
# Argo's own namespace is made by its installation, which may run more there than "restricted" lets in.
ARGO_OWN_NAMESPACE = "argo"
_PIECE = re.compile(r"<((?:cluster|reserved|features|templates)\.[a-z_]+)>")


@functools.cache
def documents(name: str) -> tuple[dict[str, Any], ...]:
    """The documents of one file, placeholders and all. Not to be changed: they are shared."""
    text = (HERE / f"{name}.yaml").read_text(encoding="utf-8")
    return tuple(document for document in yaml.safe_load_all(text) if document)


def workflow_templates(cluster: ClusterSettings, *, argo: str = "") -> list[dict[str, Any]]:
    """The four WorkflowTemplates. `argo`: "3.5" for the lock's older spelling, which Argo 4.0 removed."""
    values = _cluster_values(cluster)
    templates = [_filled(document, values) for name in NAMES for document in documents(name)]
    return [_with_single_mutex(template) for template in templates] if argo == "3.5" else templates


def workflow_template(kind: str, cluster: ClusterSettings) -> dict[str, Any]:
    """The template of one kind: create, change, delete, audit or adopt."""
    filled: dict[str, Any] = _filled(documents(TEMPLATES[kind])[0], _cluster_values(cluster))
    return filled


def cluster_objects(catalog: Catalog) -> list[dict[str, Any]]:
    """All else that a cluster needs, in the order of applying: namespace, accounts, rights, admission policies."""
    values = _cluster_values(catalog.cluster)
    values["features.labels"] = _cel_texts(catalog.label_keys())
    values["templates.names"] = _cel_texts(NAMES)
    objects = [_filled(item, values) for name in CLUSTER_FILES for item in documents(f"cluster/{name}")]
    shared = catalog.cluster.namespace == ARGO_OWN_NAMESPACE
    return [item for item in objects if not (shared and item["kind"] == "Namespace")]


def _cluster_values(cluster: ClusterSettings) -> dict[str, Any]:
    patterns = [name.pattern for name in cluster.reserved]
    return {
        **{f"cluster.{key}": getattr(cluster, key) for key in cluster.__slots__},
        "cluster.monitoring_kinds": cluster.monitoring_kinds,
        "cluster.admin_groups": _cel_texts(cluster.admin_groups),
        "reserved.patterns": "|".join(patterns),
        "reserved.exact": _cel_texts(pattern for pattern in patterns if not pattern.endswith("*")),
        "reserved.beginnings": _cel_texts(pattern[:-1] for pattern in patterns if pattern.endswith("*")),
    }


def _cel_texts(texts: Iterable[str]) -> str:
    """Items of a CEL list. None of them holds a quote or a backslash: the catalogue refuses these."""
    return ", ".join(f"'{text}'" for text in texts)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {_filled(key, values): _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if not isinstance(value, str):
        return value
    if name_of(value) in values:
        return values[name_of(value)]
    return _PIECE.sub(lambda match: str(values[match[1]]), value)


def _with_single_mutex(template: dict[str, Any]) -> dict[str, Any]:
    """`mutex: {name}` in place of `mutexes: [{name}]`: Argo 3.5 knows only that, 4.0 and later only the other."""
    spec = dict(template["spec"])
    locks = spec.get("synchronization", {}).get("mutexes", [])
    if locks:
        spec["synchronization"] = {"mutex": locks[0]}
    return {**template, "spec": spec}


def write_templates(directory: Path, cluster: ClusterSettings) -> list[Path]:
    """Each template as a file of its own in `directory`, e.g. for an Argo Server that reads them from there."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for template in workflow_templates(cluster):
        path = directory / f"{template['metadata']['name']}.yaml"
        path.write_text(yaml.safe_dump(template, sort_keys=False, allow_unicode=True), encoding="utf-8")
        paths.append(path)
    return paths
