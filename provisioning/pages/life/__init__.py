"""The life of a namespace: change, lease, giving back, how it stands in the cluster, its revisions; taking over one
that the portal did not make; and what teams may hold."""

from __future__ import annotations

from django.urls import path

from provisioning.pages.life import adopt, allowances, change, cluster, drift, give_back, renew, revision

urlpatterns = [
    path("namespaces/<str:name>/change/", change.namespace_change, name="namespace_change"),
    path("namespaces/<str:name>/change/preview/", change.namespace_change_preview, name="namespace_change_preview"),
    path("namespaces/<str:name>/renew/", renew.namespace_renew, name="namespace_renew"),
    path("namespaces/<str:name>/delete/", give_back.namespace_delete, name="namespace_delete"),
    path("namespaces/<str:name>/delete/look/", give_back.namespace_look, name="namespace_look"),
    path("namespaces/<str:name>/protect/", give_back.namespace_protect, name="namespace_protect"),
    path("namespaces/<str:name>/check/", drift.namespace_check, name="namespace_check"),
    path("namespaces/<str:name>/repair/", drift.namespace_repair, name="namespace_repair"),
    path("namespaces/<str:name>/revisions/<int:number>/", revision.namespace_revision, name="namespace_revision"),
    path("namespaces/<str:name>/revisions/<int:number>/restore/", revision.namespace_restore, name="namespace_restore"),
    path("adopt/", adopt.adopt, name="adopt"),
    path("adopt/<str:name>/", adopt.adopt_namespace, name="adopt_namespace"),
    path("adopt/<str:name>/look/", adopt.adopt_orphan, name="adopt_orphan"),
    path("adopt/<str:name>/preview/", adopt.adopt_preview, name="adopt_preview"),
    path("status/cluster/", cluster.status_cluster, name="status_cluster"),
    path("status/cluster/list/", cluster.cluster_list, name="cluster_list"),
    path("teams/", allowances.allowances, name="teams"),
    path("teams/<str:name>/allowance/", allowances.team_allowance, name="team_allowance"),
]
