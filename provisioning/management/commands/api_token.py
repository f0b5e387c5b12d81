from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provisioning import audit
from provisioning.models import Scope, User
from provisioning.pages.tokens import MOST_DAYS, issue, scopes_of


class Command(BaseCommand):
    help = (
        "Make a token for the JSON API and print it, once: nothing but the token goes to standard output. "
        "Example: TOKEN=$(manage.py api_token pipeline --user alice --scope read --scope request --days 30)"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the token; without --user also the person's user name")
        parser.add_argument("--user", default="", help="whose token it is")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            dest="scopes",
            metavar="SCOPE",
            help=f"what it may do, may be given several times: {', '.join(Scope.values)} (default: {Scope.READ})",
        )
        parser.add_argument("--days", type=int, default=30, help=f"until it ends, {MOST_DAYS} at most (default: 30)")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        user = _user(options["user"] or options["name"])
        scopes = _scopes(user, options["scopes"] or [Scope.READ.value])
        name, days = options["name"], options["days"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days {days}: from 1 to {MOST_DAYS}.")
        if not name.strip() or len(name) > 100 or not name.isprintable():  # noqa: PLR2004 - the column's length
            raise CommandError("A token's name has 1 to 100 printable characters.")
        token, text = issue(user, name, scopes, days, by=audit.Machine("manage.py api_token", "operator"))
        until = f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
        self.stderr.write(f"{name}, of {user.username}: {', '.join(token.scopes)}, until {until}. Shown this once:")
        self.stdout.write(text)


def _user(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is nobody called “{name}”. Say whose token it is: --user NAME.")
    if not user.is_active:
        raise CommandError(f"The account of {name} is not active.")
    return user


def _scopes(user: User, scopes: list[str]) -> list[str]:
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown:
        raise CommandError(f"There is no scope {', '.join(unknown)}. Scopes are: {', '.join(Scope.values)}.")
    if Scope.DECIDE in scopes and Scope.DECIDE not in scopes_of(user):
        raise CommandError(f"{user.username} is no platform admin: a token of theirs can't decide.")
    return sorted(set(scopes))
