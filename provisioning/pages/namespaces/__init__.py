"""What exists: the list, and the page of one namespace."""

from __future__ import annotations

from django.urls import path

from provisioning.pages.namespaces.views import namespace, namespaces

urlpatterns = [
    path("namespaces/", namespaces, name="namespaces"),
    path("namespaces/<str:name>/", namespace, name="namespace"),
]
