from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from provisioning.models import Membership, Team, User

LEAD, MEMBER = Membership.Role.LEAD, Membership.Role.MEMBER


class Person(NamedTuple):
    username: str
    name: str
    part: str
    teams: dict[str, Membership.Role] = {}  # noqa: RUF012
    admin: bool = False
    auditor: bool = False


TEAMS = {"payments": "Payments", "search": "Search"}
PEOPLE = (
    Person("alice", "Alice Anders", "leads payments: asks, follows, changes", {"payments": LEAD}),
    Person("bob", "Bob Berg", "is on payments: sees the team's requests and namespaces", {"payments": MEMBER}),
    Person("carol", "Carol Costa", "leads search: sees nothing of payments", {"search": LEAD}),
    Person("dana", "Dana Diaz", "platform admin: decides, retries, sees Argo and the worker", admin=True),
    Person("erin", "Erin Evans", "platform admin, too", admin=True),
    Person("frank", "Frank Fischer", "auditor: sees everything, changes nothing", auditor=True),
)


class Command(BaseCommand):
    help = "Make the demo people and teams. In the trial their passwords are known; elsewhere give --password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--password", default="", help="one password for all of them; needed outside of the trial")
        parser.add_argument("--list", action="store_true", help="print who they are and what each can do")
        parser.add_argument("--lock", action="store_true", help="lock those with known passwords out instead")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        if options["list"]:
            self.stdout.write("\n".join(_table(options["password"])))
            return
        if options["lock"]:
            count = User.objects.filter(is_demo=True).update(is_active=False)
            self.stdout.write(f"{count} demo people can no longer sign in.")
            return
        if not settings.TRIAL and not options["password"]:
            raise CommandError("Known passwords exist in the trial alone (TRIAL=true). Give --password.")
        with transaction.atomic():
            teams = {
                name: Team.objects.get_or_create(name=name, defaults={"title": title})[0]
                for name, title in TEAMS.items()
            }
            made = [person.username for person in PEOPLE if _make(person, teams, options["password"])]
        self.stdout.write(f"made: {', '.join(made) or 'nobody, all are here'}")


def password_of(username: str) -> str:
    """The trial's, known to everybody who reads this."""
    return f"{username}-trial"


def _table(password: str) -> list[str]:
    rows = [
        ("who", "password", "part"),
        *((p.username, password or password_of(p.username), p.part) for p in PEOPLE),
    ]
    wide = max(len(row[1]) for row in rows)
    return [f"{who:<7} {secret:<{wide}}  {part}" for who, secret, part in rows]


def _make(person: Person, teams: dict[str, Team], password: str) -> bool:
    """Whether the person is new. Somebody who is here already is left as they are."""
    first, _, last = person.name.partition(" ")
    user, created = User.objects.get_or_create(
        username=person.username,
        defaults={
            "first_name": first,
            "last_name": last,
            "email": f"{person.username}@example.com",
            "is_platform_admin": person.admin,
            "is_auditor": person.auditor,
            "is_demo": not password,
        },
    )
    if created:
        user.set_password(password or password_of(person.username))
        user.save(update_fields=["password"])
        for name, role in person.teams.items():
            Membership.objects.get_or_create(team=teams[name], user=user, defaults={"role": role})
    return created
