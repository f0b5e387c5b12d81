"""Installs the WorkflowTemplates of a directory, as `kubectl apply` would."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import yaml

from provisioning.trial.engine.errors import Invalid
from provisioning.trial.store import NotFound

from .types import TypeFault, decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provisioning.trial.store import Store

    from .calls import Object, Validation

KIND = "workflowtemplates"
SUFFIXES = {".yaml", ".yml", ".json"}


class InstallError(ValueError):
    """A file that holds no template, or one that Argo would refuse."""


def install(store: Store, validation: Validation, directory: Path, namespace: str) -> list[str]:
    """Names of what was installed or replaced; what is already there as it should be is left alone.

    Raises InstallError. Documents of other kinds are passed over.
    """
    changed = []
    for path, document in _documents(directory):
        try:
            template = decode("WorkflowTemplate", document)
            template = {"metadata": _metadata(template, namespace), "spec": template.get("spec") or {}}
            validation.validate_template(template)
        except (TypeFault, Invalid) as fault:
            raise InstallError(f"{path}: {fault}") from None
        if _put(store, namespace, template):
            changed.append(template["metadata"]["name"])
    return changed


def _documents(directory: Path) -> Iterator[tuple[Path, Any]]:
    for path in sorted(directory.iterdir()):
        if path.suffix in SUFFIXES:
            documents = _read(path)
            yield from ((path, item) for item in documents if _is_template(item))


def _read(path: Path) -> list[Any]:
    text = path.read_text(encoding="utf-8")
    try:
        # YAML's reader would leave JSON's surrogate pairs as they are
        return [json.loads(text)] if path.suffix == ".json" else list(yaml.safe_load_all(text))
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise InstallError(f"{path}: {error}") from None


def _is_template(item: object) -> bool:
    return isinstance(item, dict) and item.get("kind") == "WorkflowTemplate"


def _metadata(template: Object, namespace: str) -> Object:
    given = template.get("metadata") or {}
    if not given.get("name"):
        raise Invalid("metadata.name is required")
    kept = {key: given[key] for key in ("name", "labels", "annotations") if given.get(key)}
    return {**kept, "namespace": namespace}


def _put(store: Store, namespace: str, template: Object) -> bool:
    """Whether anything changed."""
    name = template["metadata"]["name"]
    try:
        before = store.get(KIND, namespace, name)["metadata"]["resourceVersion"]
    except NotFound:
        store.create(KIND, template)
        return True

    def mutate(old: Object) -> Object:
        kept = {key: value for key, value in old["metadata"].items() if key not in {"labels", "annotations"}}
        return {"metadata": {**kept, **template["metadata"]}, "spec": copy.deepcopy(template["spec"])}

    after = store.update(KIND, namespace, name, mutate)["metadata"]["resourceVersion"]
    return bool(after != before)
