from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    verbose_name = "Namespace provisioning"

    def ready(self) -> None:
        # The checks register themselves; they need the models, which are not loaded before this point.
        import_module("provisioning.checks")
