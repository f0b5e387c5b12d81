"""Who gets to these pages, and what stands against what they want to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from provisioning import access, lifecycle
from provisioning.models import Kind, Namespace, Phase, Request, User
from provisioning.pages.web import person

NOT_YOURS = "The leads of its team, and platform admins, change a namespace, renew it or give it back."
# What a request about it is, while nobody has ended it.
UNDER_WAY = {
    Kind.CREATE: "It is being made",
    Kind.CHANGE: "A change of it is under way",
    Kind.DELETE: "Its deletion is under way",
    Kind.ADOPT: "It is being taken over",
}


def seen(request: HttpRequest, name: str) -> tuple[User, Namespace]:
    """The person, and the namespace that exists by this name: a 404 for those who may not see it."""
    user = person(request)
    if not name.isprintable():
        raise Http404
    rows = Namespace.objects.existing().visible_to(user).select_related("team")
    return user, get_object_or_404(rows, name=name)


def steered(request: HttpRequest, name: str) -> tuple[User, Namespace]:
    """As `seen`; 403 with the reason for those who see it and may do nothing with it."""
    user, row = seen(request, name)
    if not access.may_steer(user, row):
        raise PermissionDenied(NOT_YOURS)
    return user, row


@dataclass(frozen=True, slots=True)
class Standing:
    """The open request about a namespace, if there is one. One at a time: it stands against any other, unless it has
    failed, for then another may take its place."""

    request: Request | None

    @property
    def failed(self) -> Request | None:
        return self.request if self.request is not None and self.request.phase == Phase.FAILED else None

    @property
    def against(self) -> Request | None:
        return None if self.failed else self.request

    @property
    def why_not(self) -> str:
        """The sentence beside what can't be done now; "" when nothing is in the way."""
        if self.against is None:
            return ""
        what = UNDER_WAY[Kind(self.against.kind)]
        return f"{what} ({self.against.get_phase_display().lower()}). One at a time: that has to end first."


def standing(row: Namespace) -> Standing:
    """One query."""
    found = lifecycle.live_request(row.name)
    return Standing(found)


def replaced(request: HttpRequest, about: Standing) -> Request | None:
    """The failed request that the form said it would take the place of, if it is still the one."""
    failed = about.failed
    return failed if failed is not None and request.POST.get("instead_of") == str(failed.pk) else None
