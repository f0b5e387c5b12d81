"""/api/v1: the same forms, rules and lifecycle as the pages, as JSON. Rows are read; Argo is never called."""

from provisioning.api.site import not_found, urls

__all__ = ["not_found", "urls"]
