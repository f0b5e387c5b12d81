from __future__ import annotations

from django.urls import include, path, re_path

from portal import errors, health, theme
from provisioning import api

urlpatterns = [
    path("", include("provisioning.pages.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("theme/", theme.set_theme, name="theme"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.prometheus, name="metrics"),
    path("api/v1/", api.urls),
    re_path(r"\Aapi/", api.not_found),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
