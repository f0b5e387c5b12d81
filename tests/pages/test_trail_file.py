from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json

import pytest

from provisioning import audit
from provisioning.models import AuditEvent
from tests.pages.rows import a_request
from tests.pages.test_trail import wrote

pytestmark = pytest.mark.django_db

CSV, LINES = "/audit/events.csv", "/audit/events.jsonl"


def text_of(response):
    return b"".join(response.streaming_content).decode()


@pytest.mark.parametrize("url", [CSV, LINES])
@pytest.mark.parametrize(
    ("who", "status"), [("alice", 404), ("bob", 404), ("carol", 404), ("dana", 200), ("frank", 200)]
)
def test_files_are_for_those_who_look_after_all(request, client_of, url, who, status):
    assert client_of(request.getfixturevalue(who)).get(url).status_code == status


def test_json_lines_hold_all_that_the_hash_covers(client_of, payments, alice, frank):
    row = a_request(payments, alice, "payments-api")
    wrote("request.opened", by=alice, request=row, after={"phase": "Pending", "asked": {"tier": "small"}}, note="ä\n")
    wrote("run.submitted", by=audit.WORKER, request=row)
    lines = [json.loads(line) for line in text_of(client_of(frank).get(LINES)).splitlines()]
    assert [line["action"] for line in lines] == ["run.submitted", "request.opened"]
    previous = "0" * 64
    for line in reversed(lines):
        assert line["previous_hash"] == previous
        previous = _hash_of(line)
        assert line["hash"] == previous


def _hash_of(line):
    """As somebody would compute it who has nothing but the file."""
    at = dt.datetime.fromisoformat(line["at"]).isoformat(timespec="microseconds")
    names = ("action", "actor", "actor_name", "actor_role", "request", "subject", "before", "after", "note")
    content = {"at": at, **{name: line[name] for name in names}}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{line['previous_hash']}{text}".encode()).hexdigest()


def test_the_table_holds_the_filtered_events_without_formulas(client_of, alice, frank):
    wrote("x.y", by=alice, subject="=1+1", note="@SUM(A1)", after={"a": 1})
    wrote("x.z", by=alice, subject="other")
    (row,) = list(csv.DictReader(io.StringIO(text_of(client_of(frank).get(CSV, {"action": "x.y"})), newline="")))
    event = AuditEvent.objects.get(action="x.y")
    assert (row["id"], row["subject"], row["note"], row["after"]) == (str(event.pk), "'=1+1", "'@SUM(A1)", '{"a": 1}')
    assert (row["actor_name"], row["hash"]) == ("alice", event.hash)


def test_a_file_of_many_events_is_read_in_batches_and_whole(client_of, alice, frank, django_assert_max_num_queries):
    last = [wrote("x.y", by=alice) for _ in range(510)][-1].pk
    client = client_of(frank)
    with django_assert_max_num_queries(6):
        response = client.get(LINES)
        found = [json.loads(line)["id"] for line in text_of(response).splitlines()]
    assert response.streaming
    assert found == list(range(last, last - 510, -1))
