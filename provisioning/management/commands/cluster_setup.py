"""Print what a cluster needs for the portal, with the settings filled in, for `kubectl apply --server-side -f -`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from provisioning.catalog import Catalog, CatalogError
from provisioning.config import the_catalog
from provisioning.manifests.text import yaml_text
from provisioning.workflows.templates import cluster_objects, workflow_templates

if TYPE_CHECKING:
    from argparse import ArgumentParser

HEAD = """\
# For namespace {namespace}, image {image}, catalogue {version}.
# Apply as a cluster administrator: `kubectl apply --server-side --force-conflicts -f -` reads it from here.
# Argo's installation makes the config map workflow-controller-configmap, too: hence --force-conflicts.
"""


class Command(BaseCommand):
    help = (
        "Prints the WorkflowTemplates, accounts, rights and admission policies of the portal as YAML, in the order of "
        "applying: manage.py cluster_setup | kubectl apply --server-side --force-conflicts -f -"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only", choices=("all", "templates", "cluster"), default="all",
            help="templates: the WorkflowTemplates; cluster: everything but these",
        )  # fmt: skip
        parser.add_argument(
            "--kind", action="append", default=[], metavar="KIND", help="objects of this kind alone; may be repeated"
        )
        parser.add_argument(
            "--argo", default="", metavar="VERSION", help="3.5 writes the lock as that version reads it"
        )

    def handle(self, *, only: str, kind: list[str], argo: str, **_options: Any) -> None:
        try:
            in_use = the_catalog()
        except CatalogError as error:
            raise CommandError(str(error)) from error
        items = _chosen(in_use, only, argo)
        if unknown := set(kind) - {item["kind"] for item in items}:
            raise CommandError(f"There is nothing of kind {', '.join(sorted(unknown))} in it.")
        items = [item for item in items if not kind or item["kind"] in kind]
        cluster = in_use.cluster
        self.stdout.write(
            HEAD.format(namespace=cluster.namespace, image=cluster.kubectl_image, version=in_use.version), ending=""
        )
        self.stdout.write(yaml_text(items), ending="")


def _chosen(in_use: Catalog, only: str, argo: str) -> list[dict[str, Any]]:
    """`argo` is a version as the server says it: `3.5`, `v3.5.5`, `v4.1.2+trial`."""
    old = argo.removeprefix("v").split("+")[0].split(".")[:2] == ["3", "5"]
    templates = workflow_templates(in_use.cluster, argo="3.5" if old else "")
    if only == "templates":
        return templates
    around = cluster_objects(in_use)
    return around if only == "cluster" else [*around, *templates]
