"""Print what a cluster needs for the portal, with the settings filled in, for `kubectl apply --server-side -f -`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from provisioning.argo import ArgoError, NotFound
from provisioning.catalog import Catalog, CatalogError
from provisioning.config import the_catalog
from provisioning.manifests.text import yaml_text
from provisioning.reconcile.connection import client_from_settings
from provisioning.workflows.sameness import same_template
from provisioning.workflows.templates import cluster_objects, workflow_templates

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from provisioning.argo import ArgoWorkflowsClient

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
            "--check",
            action="store_true",
            help="compare the templates in the cluster with these, through Argo's server",
        )
        parser.add_argument(
            "--argo", default="", metavar="VERSION", help="3.5 writes the lock as that version reads it"
        )

    def handle(self, *, only: str, kind: list[str], argo: str, check: bool, **_options: Any) -> None:
        try:
            in_use = the_catalog()
        except CatalogError as error:
            raise CommandError(str(error)) from error
        if check:
            self._check(workflow_templates(in_use.cluster, argo=_lock_of(argo)))
            return
        items = _chosen(in_use, only, argo)
        if unknown := set(kind) - {item["kind"] for item in items}:
            raise CommandError(f"There is nothing of kind {', '.join(sorted(unknown))} in it.")
        items = [item for item in items if not kind or item["kind"] in kind]
        cluster = in_use.cluster
        self.stdout.write(
            HEAD.format(namespace=cluster.namespace, image=cluster.kubectl_image, version=in_use.version), ending=""
        )
        self.stdout.write(yaml_text(items), ending="")

    def _check(self, templates: list[dict[str, Any]]) -> None:
        """All that the portal's token can see: the rest needs a cluster administrator's."""
        client = client_from_settings()
        wrong = 0
        try:
            for shipped in templates:
                name = shipped["metadata"]["name"]
                differences = _differences(client, shipped)
                self.stdout.write(f"{name}: {'not as shipped' if differences else 'as shipped'}")
                for text in differences:
                    self.stdout.write(f"  {text}")
                wrong += bool(differences)
        except ArgoError as error:
            raise CommandError(f"{error.cause} {error.remedy}") from error
        finally:
            client.close()
        if wrong:
            raise CommandError(f"{wrong} of {len(templates)} are not as shipped: apply what cluster_setup prints.")


def _differences(client: ArgoWorkflowsClient, shipped: dict[str, Any]) -> list[str]:
    try:
        return same_template(client.get_template(shipped["metadata"]["name"]), shipped)
    except NotFound:
        return ["it is not there"]


def _lock_of(argo: str) -> str:
    """`argo` is a version as the server says it: `3.5`, `v3.5.5`, `v4.1.2+trial`."""
    return "3.5" if argo.removeprefix("v").split("+")[0].split(".")[:2] == ["3", "5"] else ""


def _chosen(in_use: Catalog, only: str, argo: str) -> list[dict[str, Any]]:
    templates = workflow_templates(in_use.cluster, argo=_lock_of(argo))
    if only == "templates":
        return templates
    around = cluster_objects(in_use)
    return around if only == "cluster" else [*around, *templates]
