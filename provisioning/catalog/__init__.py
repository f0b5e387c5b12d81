"""What the platform offers, and by which rules: catalog.yaml, read and checked."""

from __future__ import annotations

import functools
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
    Network,
    ReservedName,
    Rule,
    Tier,
    expires_at,
)
from provisioning.catalog.reading import read_catalog
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
    "Network",
    "ReservedName",
    "Rule",
    "Tier",
    "expires_at",
    "load",
    "parse",
]

DEFAULT_PATH = Path(__file__).parent.parent / "catalog.yaml"


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
