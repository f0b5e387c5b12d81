"""What every page shows: navigation, the trial's mark, and whether Argo or the worker is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from provisioning.models import ArgoStatus, Phase, Request, User, WorkerLease


@dataclass(frozen=True, slots=True)
class NavItem:
    url: str
    label: str
    icon: str
    current: bool
    count: int = 0


# route, label, icon (heroicons), who sees it: everybody, those who see everything, or admins
NAV = (
    ("home", "Home", "home", "all"),
    ("approvals", "Approvals", "check-badge", "admin"),
    ("history", "Requests", "queue-list", "all"),
    ("namespaces", "Namespaces", "cube", "all"),
    ("audit", "Audit", "shield-check", "all"),
    ("status", "Status", "signal", "admin"),
    ("tokens", "API tokens", "key", "all"),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Argo or the worker is away. `since` is a datetime or None when it never was there."""

    title: str
    text: str
    since: Any
    url: str


def portal(request: HttpRequest) -> dict[str, Any]:
    # A request that was refused early (a bad Host header) never came to have a user.
    user = getattr(request, "user", None)
    if not isinstance(user, User) or request.htmx:  # type: ignore[attr-defined]
        return {"trial": settings.TRIAL}
    return {"trial": settings.TRIAL, "nav": _nav(request, user), "platform_notice": notice()}


def notice() -> Notice | None:
    """Two queries by primary key."""
    lease, argo = WorkerLease.current(), ArgoStatus.current()
    if not lease.is_alive:
        text = "Approved requests wait until it is back. Pages show what was known last."
        return Notice("The worker is away", text, lease.heartbeat_at, reverse("status"))
    if argo.failing_since is not None:
        return Notice(
            "Argo unreachable",
            "Requests wait and go on by themselves when it answers again.",
            argo.failing_since,
            reverse("status"),
        )
    return None


def _nav(request: HttpRequest, user: User) -> list[NavItem]:
    items = []
    for route, label, icon, who in NAV:
        if who == "admin" and not (user.is_platform_admin or (user.is_auditor and route == "status")):
            continue
        try:
            url = reverse(route)
        except NoReverseMatch:
            continue
        current = request.path == url or (url != "/" and request.path.startswith(url))
        count = _waiting(user) if route == "approvals" else 0
        items.append(NavItem(url, label, icon, current, count))
    return items


def _waiting(user: User) -> int:
    return Request.objects.filter(phase=Phase.PENDING).exclude(requester=user).count()
