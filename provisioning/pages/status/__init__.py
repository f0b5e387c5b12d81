"""What the portal needs and how it is doing, for platform admins and auditors; as the worker last wrote it."""

from __future__ import annotations

from django.urls import path

from provisioning.pages.status.views import status

urlpatterns = [path("status/", status, name="status")]
