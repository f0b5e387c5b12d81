"""Which rows somebody may see: what is not among them is not there."""

from __future__ import annotations

import uuid

from django.shortcuts import get_object_or_404

from provisioning.models import Request, User
from provisioning.models.request import RequestQuerySet


def requests_of(user: User) -> RequestQuerySet:
    """With all that an answer about one needs: two queries for any number of them."""
    return Request.objects.visible_to(user).select_related("team", "requester").prefetch_related("runs")


def request_of(user: User, request_id: uuid.UUID) -> Request:
    """Raises Http404 for what is not there and for what is not theirs to see alike."""
    return get_object_or_404(requests_of(user), pk=request_id)
