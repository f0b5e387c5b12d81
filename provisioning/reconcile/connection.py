"""The client that the settings describe."""

from __future__ import annotations

from django.conf import settings

from provisioning.argo import ArgoWorkflowsClient


def client_from_settings() -> ArgoWorkflowsClient:
    """Raises ValueError with a sentence for an admin when an address or a name cannot be used."""
    return ArgoWorkflowsClient(
        settings.ARGO_WORKFLOWS_URL,
        settings.ARGO_NAMESPACE,
        token=settings.ARGO_TOKEN or None,
        token_file=settings.ARGO_TOKEN_FILE or None,
        timeout_ms=settings.ARGO_TIMEOUT,
        ca_file=settings.ARGO_CA_FILE or None,
        verify_tls=settings.ARGO_VERIFY_TLS,
    )
