from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from provisioning import audit
from provisioning.models import Membership, Team, User


class Command(BaseCommand):
    help = "Make or change an account: its parts and teams. A new one gets a random password, printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", default="")
        parser.add_argument("--admin", action="store_true", help="platform admin: decides on requests")
        parser.add_argument("--auditor", action="store_true", help="sees everything, changes nothing")
        parser.add_argument(
            "--lead", action="append", default=[], metavar="TEAM", help="leads this team; made if missing"
        )
        parser.add_argument("--member", action="append", default=[], metavar="TEAM", help="is in this team")
        parser.add_argument("--leave", action="append", default=[], metavar="TEAM", help="is no longer in this team")
        parser.add_argument("--lock", action="store_true", help="can no longer sign in; tokens stop working, too")
        parser.add_argument("--reset-password", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        if set(options["lead"]) & set(options["member"]):
            raise CommandError("Somebody either leads a team or is a member of it.")
        with transaction.atomic():
            user, created = User.objects.get_or_create(username=options["username"])
            user.email = options["email"] or user.email
            user.is_platform_admin = user.is_platform_admin or options["admin"]
            user.is_auditor = user.is_auditor or options["auditor"]
            password = self._password(user, needed=created or options["reset_password"])
            user.is_active = not options["lock"]
            user.save()
            user.memberships.filter(team__name__in=options["leave"]).delete()
            for role, names in (
                (Membership.Role.LEAD, options["lead"]),
                (Membership.Role.MEMBER, options["member"]),
            ):
                for name in names:
                    _join(user, name, role)
            actor = audit.Machine("manage.py person", "operator")
            parts = {
                "admin": user.is_platform_admin,
                "auditor": user.is_auditor,
                "lead": options["lead"],
                "member": options["member"],
            }
            parts |= {"leave": options["leave"], "active": user.is_active}
            audit.record(
                "person.created" if created else "person.changed",
                by=actor,
                subject=user.username,
                after=parts,
            )
        self.stdout.write(
            f"{'made' if created else 'changed'} {user.username}" + (f", password: {password}" if password else "")
        )

    @staticmethod
    def _password(user: User, *, needed: bool) -> str:
        if not needed:
            return ""
        password = secrets.token_urlsafe(15)
        user.set_password(password)
        user.is_demo = False
        return password


def _join(user: User, name: str, role: Membership.Role) -> None:
    team, created = Team.objects.get_or_create(name=name, defaults={"title": name.replace("-", " ").capitalize()})
    if created:
        team.full_clean()
    Membership.objects.update_or_create(user=user, team=team, defaults={"role": role})
