"""Who may do what with a request. Views, API and lifecycle ask here; templates only show what these say."""

from __future__ import annotations

from provisioning.models import Kind, Membership, Namespace, Phase, Request, Team, User
from provisioning.models.request import UNDECIDED


def teams_led_by(user: User) -> list[Team]:
    """The teams for which somebody may ask, by name."""
    return list(Team.objects.filter(memberships__user=user, memberships__role=Membership.Role.LEAD))


def leads(user: User, team: Team | int) -> bool:
    team_id = team if isinstance(team, int) else team.pk
    return user.memberships.filter(team=team_id, role=Membership.Role.LEAD).exists()


def is_party(user: User, request: Request) -> bool:
    """The requester, or a lead of the request's team: those whose request it is."""
    return request.requester_id == user.pk or leads(user, request.team_id)


def may_decide(user: User, request: Request) -> bool:
    """Separation of duties: nobody decides on a request of their own, a platform admin included."""
    return user.is_platform_admin and request.requester_id != user.pk and request.phase == Phase.PENDING


def why_not_decide(user: User, request: Request) -> str:
    """The sentence next to a decision that somebody cannot take; '' when they can."""
    if not user.is_platform_admin:
        return "Platform admins decide on requests."
    if request.requester_id == user.pk:
        return "This is your own request: another platform admin has to decide."
    if request.phase != Phase.PENDING:
        return f"This request is {request.get_phase_display().lower()}: there is nothing to decide."
    return ""


def may_edit(user: User, request: Request) -> bool:
    """Change what is asked: before the decision, after changes were requested, or after a failure."""
    editable = request.phase in UNDECIDED or request.phase == Phase.FAILED
    return editable and request.kind != Kind.DELETE and not request.is_repair and is_party(user, request)


def may_cancel(user: User, request: Request) -> bool:
    cancellable = request.phase in UNDECIDED | {Phase.APPROVED, Phase.PROVISIONING}
    asked = request.cancel_requested_at is not None
    return cancellable and not asked and (user.is_platform_admin or is_party(user, request))


def may_retry(user: User, request: Request) -> bool:
    return request.phase == Phase.FAILED and (user.is_platform_admin or is_party(user, request))


def may_give_up(user: User, request: Request) -> bool:
    return may_retry(user, request)


# ── what exists ──────────────────────────────────────────────────────────────────────────────────────────────


def roles(user: User, team: Team | int) -> tuple[str, ...]:
    """What somebody is to a team, as the policy's condition `role` names it."""
    team_id = team if isinstance(team, int) else team.pk
    found = list(user.memberships.filter(team=team_id).values_list("role", flat=True))
    return tuple([*found, "platform-admin"] if user.is_platform_admin else found)


def may_steer(user: User, namespace: Namespace) -> bool:
    """Change, renew, protect or give back: the team's leads and platform admins. A request is decided on all the same,
    and by somebody else."""
    return user.is_platform_admin or leads(user, namespace.team_id)


def may_check(user: User, namespace: Namespace) -> bool:
    """Ask for a look at it in the cluster: whoever may steer it."""
    return may_steer(user, namespace)


def may_look_around(user: User) -> bool:
    """List the cluster, and look at namespaces that the portal does not know: what it shows belongs to no team."""
    return user.is_platform_admin


def may_adopt(user: User) -> bool:
    """Ask to take over a namespace that the portal did not make."""
    return user.is_platform_admin
