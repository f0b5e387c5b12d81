"""The page of one request: where it stands, its run step by step, logs, what was approved, and what can be done."""

from __future__ import annotations

from django.urls import path

from provisioning.pages.requests import acting, looking

urlpatterns = [
    path("requests/<uuid:pk>/", looking.page, name="request"),
    path("requests/<uuid:pk>/status/", looking.status, name="request_status"),
    path("requests/<uuid:pk>/steps/<slug:step>/log/", looking.log, name="request_log"),
    path("requests/<uuid:pk>/steps/<slug:step>/log/download/", looking.download, name="request_log_download"),
    path("requests/<uuid:pk>/cancel/", acting.cancel, name="request_cancel"),
    path("requests/<uuid:pk>/retry/", acting.retry, name="request_retry"),
    path("requests/<uuid:pk>/give-up/", acting.give_up, name="request_give_up"),
]
