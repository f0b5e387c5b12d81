"""Combinations that the portal refuses to start with. `unsafe()` is asked by the system checks and by wsgi."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from provisioning.models import User


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses, with or without brackets; a pattern such as `*` is not."""
    name = host.strip("[]")
    if name in {"localhost", "testserver"} or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def unsafe() -> list[str]:
    """Sentences, each with its remedy; [] when all is well. One query."""
    found = []
    if settings.TRIAL and not is_loopback(settings.BIND):
        found.append(
            f"The trial has passwords that everybody knows; BIND={settings.BIND} is not loopback. Use 127.0.0.1."
        )
    if settings.TRIAL and (open_hosts := [host for host in settings.ALLOWED_HOSTS if not is_loopback(host)]):
        found.append(f"The trial answers to loopback names only; take {', '.join(open_hosts)} out of ALLOWED_HOSTS.")
    if not settings.TRIAL and (names := demo_people()):
        found.append(
            f"{', '.join(names)} have passwords that everybody knows, and this is not the trial. "
            "Remove them with `manage.py demo --lock`, or use another DATABASE_URL."
        )
    return found


def demo_people() -> list[str]:
    """Their names; [] before the first migration, when nobody can sign in anyway."""
    if User._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001
        return []
    people = User.objects.filter(is_demo=True, is_active=True).order_by("username")
    return list(people.values_list("username", flat=True))


def refuse_unsafe() -> None:
    """Raises ImproperlyConfigured with all of `unsafe()`."""
    if found := unsafe():
        raise ImproperlyConfigured("The portal does not start like this:\n  " + "\n  ".join(found))
