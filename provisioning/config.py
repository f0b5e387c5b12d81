"""The catalogue that this installation uses: CATALOG or the one that is shipped, with the settings that come from the
environment filled in."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

from django.conf import settings

from provisioning.catalog import Catalog, load


def the_catalog() -> Catalog:
    """Read once per process and path; raises CatalogError with line and remedy when it is wrong."""
    return _catalog(settings.CATALOG, settings.ARGO_NAMESPACE)


@functools.cache
def _catalog(path: str, workflow_namespace: str) -> Catalog:
    catalog = load(Path(path)) if path else load()
    cluster = dataclasses.replace(catalog.cluster, namespace=workflow_namespace)
    return dataclasses.replace(catalog, cluster=cluster)
