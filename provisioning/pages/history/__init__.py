"""Every request one may see: filters in the address, pages by key, CSV, and charts of the last weeks."""

from __future__ import annotations

from django.urls import path

from provisioning.pages.history.views import history, history_csv

urlpatterns = [
    path("history/", history, name="history"),
    path("history/requests.csv", history_csv, name="history_csv"),
]
