"""What `manage.py check` says of this installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from provisioning.catalog import CatalogError
from provisioning.config import the_catalog
from provisioning.safety import unsafe


@register()
def catalogue_can_be_read(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    try:
        the_catalog()
    except CatalogError as error:
        return [Error(str(error), hint=error.remedy, id="portal.E001")]
    return []


@register(Tags.database)
def nothing_unsafe(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """Reads accounts, so it runs with `--database default` only: the table may not be there yet."""
    return [Error(text, id="portal.E002") for text in unsafe()] if databases else []


@register(Tags.security, deploy=True)
def argo_is_reached_safely(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    found: list[CheckMessage] = []
    if not settings.ARGO_VERIFY_TLS:
        hint = "Set ARGO_CA_FILE to the server's certificate instead."
        found.append(
            Warning("ARGO_VERIFY_TLS is off: anybody in between can read the token.", hint=hint, id="portal.W001")
        )
    if not (settings.ARGO_TOKEN or settings.ARGO_TOKEN_FILE):
        hint = "Use the token of the account platform-portal, from a file: ARGO_TOKEN_FILE."
        found.append(
            Warning("No ARGO_TOKEN: Argo's server would act with its own rights.", hint=hint, id="portal.W002")
        )
    return found
