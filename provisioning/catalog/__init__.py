"""What the platform offers, and by which rules: catalog.yaml, read and checked."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path

from provisioning.catalog.model import (
    Allowance,
    Catalog,
    ClusterSettings,
    Conditions,
    Environment,
    Feature,
    FeatureField,
    Lease,
    ReservedName,
    Rule,
    Tier,
    expires_at,
)
from provisioning.catalog.reading import IMAGE, NAME, read_catalog
from provisioning.catalog.source import CatalogError, compose, read

__all__ = [
    "DEFAULT_PATH",
    "Allowance",
    "Catalog",
    "CatalogError",
    "ClusterSettings",
    "Conditions",
    "Environment",
    "Feature",
    "FeatureField",
    "Lease",
    "ReservedName",
    "Rule",
    "Tier",
    "current",
    "expires_at",
    "load",
    "parse",
    "use",
]

DEFAULT_PATH = Path(__file__).parent.parent / "catalog.yaml"


@dataclass(slots=True)
class _InUse:
    path: Path | None = None
    namespace: str = ""
    kubectl_image: str = ""


_in_use = _InUse()


def load(path: str | Path | None = None) -> Catalog:
    """Read the catalogue at `path` (the one that comes with the portal by default), once per process.

    Raises CatalogError, with line and remedy, for the first mistake in it.
    """
    return _load(Path(path) if path else DEFAULT_PATH)


@functools.cache
def _load(path: Path) -> Catalog:
    text, source = read(path)
    return read_catalog(source, text)


def parse(text: str, file: str = "catalog.yaml") -> Catalog:
    """As `load`, from a text."""
    return read_catalog(compose(text, file), text)


def use(path: str | Path | None = None, *, namespace: str = "", kubectl_image: str = "") -> None:
    """Say once, at start, which catalogue is in use, and what the environment sets instead of its values.

    Raises ValueError for texts that could not stand in scripts and policies of the cluster.
    """
    if namespace and not NAME.match(namespace):
        raise ValueError(f"“{namespace}” is no name of a namespace")
    if kubectl_image and not IMAGE.match(kubectl_image):
        raise ValueError(f"“{kubectl_image}” is no name of an image")
    _in_use.path = Path(path) if path else None
    _in_use.namespace = namespace
    _in_use.kubectl_image = kubectl_image


def current() -> Catalog:
    """The catalogue in use. Raises CatalogError."""
    return _current(_in_use.path or DEFAULT_PATH, _in_use.namespace, _in_use.kubectl_image)


@functools.cache
def _current(path: Path, namespace: str, kubectl_image: str) -> Catalog:
    catalog = _load(path)
    cluster = replace(
        catalog.cluster,
        namespace=namespace or catalog.cluster.namespace,
        kubectl_image=kubectl_image or catalog.cluster.kubectl_image,
    )
    return replace(catalog, cluster=cluster)
