"""The audit trail: what was done by whom, one event's before and after, and whether the chain holds."""

from __future__ import annotations

from django.urls import path

from provisioning.pages.trail.views import audit, audit_csv, audit_jsonl

urlpatterns = [
    path("audit/", audit, name="audit"),
    path("audit/events.csv", audit_csv, name="audit_csv"),
    path("audit/events.jsonl", audit_jsonl, name="audit_jsonl"),
]
