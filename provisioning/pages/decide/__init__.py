"""Deciding: the queue of what waits, the approver's page, and the answers."""

from __future__ import annotations

from django.urls import path

from provisioning.pages.decide.answering import approvals_bulk, request_decide
from provisioning.pages.decide.queue import approvals, approvals_news, approvals_selection, request_row
from provisioning.pages.decide.review import request_granted, request_review, request_review_news

urlpatterns = [
    path("approvals/", approvals, name="approvals"),
    path("approvals/news/", approvals_news, name="approvals_news"),
    path("approvals/selection/", approvals_selection, name="approvals_selection"),
    path("approvals/bulk/", approvals_bulk, name="approvals_bulk"),
    path("requests/<uuid:pk>/review/", request_review, name="request_review"),
    path("requests/<uuid:pk>/review/row/", request_row, name="request_row"),
    path("requests/<uuid:pk>/review/granted/", request_granted, name="request_granted"),
    path("requests/<uuid:pk>/review/news/", request_review_news, name="request_review_news"),
    path("requests/<uuid:pk>/decide/", request_decide, name="request_decide"),
]
