"""Asking: the form of a new request and of an edited one, and the answers it gives while somebody types."""

from __future__ import annotations

from django.urls import path

from provisioning.pages.ask.editing import request_edit, request_edit_preview
from provisioning.pages.ask.opening import request_name_check, request_new, request_preview

urlpatterns = [
    path("requests/new/", request_new, name="request_new"),
    path("requests/new/preview/", request_preview, name="request_preview"),
    path("requests/new/name/", request_name_check, name="request_name_check"),
    path("requests/<uuid:pk>/edit/", request_edit, name="request_edit"),
    path("requests/<uuid:pk>/edit/preview/", request_edit_preview, name="request_edit_preview"),
]
