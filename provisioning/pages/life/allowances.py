"""What teams may hold: who holds how much, and setting it. For platform admins; auditors see the list."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_safe

from provisioning import headroom
from provisioning.config import the_catalog
from provisioning.forms.allowing import AllowanceForm, OutdatedError
from provisioning.models import AuditEvent, Membership, Team
from provisioning.pages.room import Room, rooms
from provisioning.pages.web import person, see_other

PAGE = "provisioning/allowance.html"
SHOWN = 10


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team, who leads it, what it holds. `over`: it holds more than it may."""

    team: Team
    leads: list[str]
    rooms: list[Room]

    @property
    def over(self) -> bool:
        return any(room.is_over for room in self.rooms)


@require_safe
def allowances(request: HttpRequest) -> HttpResponse:
    if not person(request).sees_everything:
        raise Http404
    teams = list(Team.objects.prefetch_related("memberships__user"))
    held = headroom.of_teams(teams)
    lines = [TeamLine(team, _leads(team), rooms(held[team.pk])) for team in teams]
    return render(request, "provisioning/allowances.html", {"lines": lines})


@require_http_methods(["GET", "HEAD", "POST"])
def team_allowance(request: HttpRequest, name: str) -> HttpResponse:
    user = person(request)
    if not user.is_platform_admin or not name.isprintable():
        raise Http404
    team = get_object_or_404(Team, name=name)
    if request.method != "POST":
        return _page(request, AllowanceForm(team=team))
    form = AllowanceForm(request.POST, team=team)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        changed = form.carry_out(by=user)
    except OutdatedError as error:
        return _page(request, AllowanceForm(team=error.team), clash=str(error), status=409)
    text = f"What {team.name} may hold is set." if changed else f"{team.name} may hold just that already."
    messages.success(request, text)
    return see_other("team_allowance", team.name)


def _leads(team: Team) -> list[str]:
    """Of the prefetched memberships."""
    return [item.user.display_name for item in team.memberships.all() if item.role == Membership.Role.LEAD]


def _page(request: HttpRequest, form: AllowanceForm, *, clash: str = "", status: int = 200) -> HttpResponse:
    team = form.team
    held = headroom.of_team(team)
    events = AuditEvent.objects.filter(action="team.allowance-set", subject=team.name).select_related("actor")
    context = {
        "form": form,
        "team": team,
        "rooms": rooms(held),
        "clash": clash,
        "tiers": list(the_catalog().tiers.values()),
        "events": list(events[:SHOWN]),
    }
    return render(request, PAGE, context, status=status)
