"""What is offered here, and what this portal is."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from provisioning.api.answers import Answer, Envelope, operation
from provisioning.api.shapes.catalog import CatalogAnswer, catalog_answer
from provisioning.config import the_catalog
from provisioning.models import ArgoStatus, Scope

VERSION = "0.1.0"
router = Router(tags=["About"])


class VersionAnswer(Answer):
    """What runs here."""

    portal: str
    api: str
    catalog: str = Field(description="Changes with the catalogue's text.")
    argo: str | None = Field(description="What Argo said last; null before it was reached.")
    trial: bool = Field(description="No real cluster: the embedded trial.")


@router.get(
    "/catalog",
    summary="Read the catalogue: tiers, features, policy in words",
    operation_id="readCatalog",
    **operation(Scope.READ, CatalogAnswer),
)
def catalog(request: HttpRequest) -> Envelope[CatalogAnswer]:  # noqa: ARG001
    found = catalog_answer(the_catalog())
    counts = f"{len(found.tiers)} tiers, {len(found.features)} features, {len(found.policy)} rules."
    return Envelope(message=counts, data=found)


@router.get(
    "/version",
    summary="Read the portal's version",
    operation_id="readVersion",
    **operation(Scope.READ, VersionAnswer),
)
def version(request: HttpRequest) -> Envelope[VersionAnswer]:  # noqa: ARG001
    data = VersionAnswer(
        portal=VERSION,
        api="v1",
        catalog=the_catalog().version,
        argo=ArgoStatus.current().version or None,
        trial=settings.TRIAL,
    )
    return Envelope(message=f"Namespace portal {VERSION}.", data=data)
