"""Whether the newest events are whole, as auditors and platform admins see it."""

from __future__ import annotations

import pytest

from provisioning import audit
from provisioning.models import AuditEvent, AuditHead
from provisioning.pages.trail.chain import check_newest
from tests.pages.page import parse
from tests.pages.test_trail import AUDIT, wrote
from tests.test_audit import tamper

pytestmark = pytest.mark.django_db
WORKER = audit.WORKER


def write(count):
    return [wrote("x.y", by=WORKER, subject=f"thing-{n}") for n in range(count)]


def state(most=1000):
    found = check_newest(most)
    return found.ok, found.count, found.whole, found.broken_at


def test_a_short_trail_is_checked_whole():
    assert state() == (True, 0, True, None)
    write(3)
    assert state() == (True, 3, True, None)
    assert state(most=3) == (True, 3, True, None)


def test_of_a_long_one_the_newest_are_checked():
    write(5)
    assert state(most=2) == (True, 2, False, None)


@pytest.mark.parametrize("column", ["note", "subject", "actor_name"])
def test_a_changed_event_is_found(column):
    second = write(4)[1]
    tamper(f"UPDATE provisioning_auditevent SET {column} = 'forged' WHERE id = {second.pk}")
    assert state() == (False, 4, True, second.pk)
    assert state(most=2) == (True, 2, False, None)


def test_a_missing_event_is_found_at_the_next():
    _, second, third, _ = write(4)
    tamper(f"DELETE FROM provisioning_auditevent WHERE id = {second.pk}")
    assert state() == (False, 3, True, third.pk)


def test_a_missing_beginning_is_found():
    first, second, _ = write(3)
    tamper(f"DELETE FROM provisioning_auditevent WHERE id = {first.pk}")
    assert state() == (False, 2, True, second.pk)


def test_a_missing_end_is_found():
    *_, last = write(3)
    tamper(f"DELETE FROM provisioning_auditevent WHERE id = {last.pk}")
    assert state() == (False, 2, True, None)


def test_an_event_that_was_put_at_the_end_is_found():
    last = write(2)[-1]
    forged = AuditEvent(action="x.y", actor_name="w", actor_role="worker", previous_hash=last.hash)
    forged.hash = audit.digest(forged)
    forged.save()
    assert state() == (False, 3, True, None)


def test_a_trail_without_its_head_is_not_whole():
    write(2)
    AuditHead.objects.all().delete()
    assert state() == (False, 2, True, None)


@pytest.mark.parametrize("who", ["frank", "dana"])
def test_those_who_look_after_all_are_told_what_was_checked(request, client_of, who):
    write(3)
    words = parse(client_of(request.getfixturevalue(who)).get(AUDIT)).one("main").words
    assert "Newest events verified" in words
    assert "All 3 events were compared with their hashes now" in words


def test_a_broken_chain_is_an_alarm(client_of, frank):
    second = write(3)[1]
    tamper(f"UPDATE provisioning_auditevent SET note = 'forged' WHERE id = {second.pk}")
    main = parse(client_of(frank).get(AUDIT)).one("main")
    assert "Chain broken" in main.words
    (alarm,) = main.all(role="alert")
    assert alarm.one("strong").words == (
        f"The chain does not hold at event {second.pk}: its content is not what was written"
    )
    assert "manage.py audit_verify" in alarm.words


def test_a_changed_event_says_so_itself(client_of, frank):
    second = write(3)[1]
    tamper(f"UPDATE provisioning_auditevent SET note = 'forged' WHERE id = {second.pk}")
    client = client_of(frank)
    assert "Hash does not fit" in parse(client.get(AUDIT, {"event": second.pk})).one(id="entry").words
    assert "Hash fits" in parse(client.get(AUDIT, {"event": second.pk + 1})).one(id="entry").words


def test_others_are_not_told(client_of, alice):
    write(3)
    words = parse(client_of(alice).get(AUDIT)).one("main").words
    assert "verified" not in words
    assert "compared" not in words


def test_results_alone_check_nothing(client_of, frank, django_assert_max_num_queries):
    write(3)
    client = client_of(frank)
    with django_assert_max_num_queries(6) as queries:
        client.get(AUDIT, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="results")
    assert [query for query in queries.captured_queries if "audithead" in query["sql"]] == []
