from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import InternalError

from provisioning import audit
from provisioning.models import AuditEvent, AuditHead

ROOT = Path(__file__).resolve().parent.parent
WORKER = audit.Machine("worker", "worker")


def write(count: int) -> list[AuditEvent]:
    with transaction.atomic():
        return [audit.record(f"test.{n}", by=WORKER, subject=f"thing-{n}", after={"n": n}) for n in range(count)]


def tamper(statement: str) -> None:
    """Change the trail as somebody with the database's file could: past the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER IF EXISTS audit_event_no_update")
        else:
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)


@pytest.mark.django_db
def test_the_chain_of_what_was_written_is_whole():
    write(3)
    assert audit.verify() == audit.Verification(count=3, broken_at=None)


@pytest.mark.django_db
def test_an_empty_trail_is_whole():
    assert audit.verify().ok


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["note", "actor_name", "action", "subject"])
def test_a_changed_event_breaks_the_chain_at_that_event(column):
    second = write(3)[1]
    tamper(f"UPDATE provisioning_auditevent SET {column} = 'forged' WHERE id = {second.pk}")
    assert audit.verify().broken_at == second.pk


@pytest.mark.django_db
def test_a_missing_event_breaks_the_chain_at_the_next_one():
    _, second, third = write(3)
    tamper(f"DELETE FROM provisioning_auditevent WHERE id = {second.pk}")
    assert audit.verify().broken_at == third.pk


@pytest.mark.django_db
def test_events_cut_off_at_the_end_are_noticed():
    last = write(3)[-1]
    tamper(f"DELETE FROM provisioning_auditevent WHERE id = {last.pk}")
    result = audit.verify()
    assert (result.ok, result.reason) == (False, "events are missing at the end")


@pytest.mark.django_db
def test_an_event_outside_of_the_transaction_of_its_change_is_refused(monkeypatch):
    connection.in_atomic_block, before = False, connection.in_atomic_block
    try:
        with pytest.raises(transaction.TransactionManagementError):
            audit.record("test", by=WORKER)
    finally:
        connection.in_atomic_block = before
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_the_database_refuses_to_change_an_event():
    event = write(1)[0]
    with pytest.raises((IntegrityError, InternalError), match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).update(note="forged")
    assert AuditEvent.objects.get().note == ""
    assert AuditHead.objects.get().hash == event.hash


def test_a_fresh_database_refuses_changing_and_deleting(tmp_path):
    """The suite's own database has the trigger on DELETE lifted, as Django empties tables that way."""
    path = tmp_path / "fresh.sqlite3"
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    environment = {"PATH": "/usr/bin:/bin", "SECRET_KEY": "k" * 50, "DATABASE_URL": f"sqlite:///{path}"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO provisioning_auditevent (at, action, actor_name, actor_role, subject, before, after, note,"
            " previous_hash, hash) VALUES ('2026-01-01', 'a', 'n', 'r', '', '{}', '{}', '', '', 'h')"
        )
        for statement in ("UPDATE provisioning_auditevent SET note = 'x'", "DELETE FROM provisioning_auditevent"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)
    database.close()
