"""What people do with a request that is on its way or has failed. Each answers 303 to the page, or 409 with it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from provisioning import lifecycle
from provisioning.models import UNDECIDED, Request, User
from provisioning.pages.requests.looking import shown
from provisioning.pages.web import person, see_other


def _act(request: HttpRequest, pk: uuid.UUID, act: Callable[[Request, User], Request], done: str) -> HttpResponse:
    user = person(request)
    row = get_object_or_404(Request.objects.visible_to(user), pk=pk)
    try:
        act(row, user)
    except lifecycle.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    except lifecycle.Conflict as conflict:
        return shown(request, conflict.request, user, conflict=str(conflict), status=409)
    messages.success(request, done)
    return see_other(row)


@require_POST
def cancel(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    def act(row: Request, user: User) -> Request:
        if row.phase in UNDECIDED:
            return lifecycle.withdraw(row, by=user)
        return lifecycle.cancel(row, by=user)

    return _act(request, pk, act, "The request is being cancelled.")


@require_POST
def retry(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    return _act(
        request, pk, lambda row, user: lifecycle.retry(row, by=user), "A new attempt of the same objects is on its way."
    )


@require_POST
def give_up(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    return _act(
        request, pk, lambda row, user: lifecycle.give_up(row, by=user), "The request was given up; its name is free."
    )
