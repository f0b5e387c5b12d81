from __future__ import annotations

import csv
import io

import pytest

from provisioning import lifecycle
from provisioning.models import Request
from provisioning.pages.lists.files import csv_lines, guarded
from tests.pages.rows import a_request, many_requests

CSV = "/history/requests.csv"


def rows_of(response):
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.django_db
def test_the_file_holds_every_row_of_the_filtered_list(client_of, payments, search, alice, carol, dana):
    many_requests(payments, alice, 620)
    a_request(search, carol, "search-web")
    response = client_of(dana).get(CSV, {"team": "payments", "q": "svc"})
    assert response.streaming
    assert response["Content-Disposition"] == 'attachment; filename="requests.csv"'
    assert [row["name"] for row in rows_of(response)] == [f"svc-{at:03}" for at in range(619, -1, -1)]


@pytest.mark.django_db
def test_the_file_holds_nothing_that_the_list_would_not_show(client_of, payments, search, alice, bob, carol):
    a_request(payments, alice, "payments-api")
    a_request(search, carol, "search-web")
    assert [row["name"] for row in rows_of(client_of(bob).get(CSV))] == ["payments-api"]
    assert [row["name"] for row in rows_of(client_of(carol).get(CSV))] == ["search-web"]
    assert rows_of(client_of(carol).get(CSV, {"q": "api"})) == []


@pytest.mark.django_db
def test_a_row_says_who_asked_for_what_and_who_decided(client_of, open_request, dana):
    request = open_request()
    lifecycle.deny(request, by=dana, digest=request.digest, comment="Use the shared one.")
    (row,) = rows_of(client_of(dana).get(CSV))
    request = Request.objects.get()
    told = {name: row[name] for name in ("id", "name", "team", "tier", "features", "phase", "requester", "decided_by")}
    assert told == {
        "id": str(request.pk),
        "name": "payments-prod",
        "team": "payments",
        "tier": "large",
        "features": "logging monitoring",
        "phase": "Denied",
        "requester": "alice",
        "decided_by": "dana",
    }
    assert row["asked_at"] == request.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.django_db
def test_a_rule_that_decided_is_named(client_of, open_request, dana):
    open_request(name="payments-dev", tier="small")
    (row,) = rows_of(client_of(dana).get(CSV))
    assert row["decided_by"] == "rule small-in-dev"


@pytest.mark.django_db
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "\n=1"])
def test_no_cell_is_a_formula_to_a_spreadsheet(client_of, payments, alice, formula):
    a_request(payments, alice, "payments-api", purpose=formula, message=formula)
    (row,) = rows_of(client_of(alice).get(CSV))
    assert row["purpose"] == row["message"] == f"'{formula}"


def test_every_cell_is_quoted_so_that_no_separator_begins_another():
    lines = list(csv_lines(["a", "b"], [[("x;=1", 'say "so"')], [(None, 7)]]))
    assert lines == ['"a","b"\r\n', '"x;=1","say ""so"""\r\n', '"","7"\r\n']


def test_ordinary_text_stays_as_it_is():
    assert [guarded(value) for value in ("a=b", "", None, 0, "x-y", "'quoted")] == [
        "a=b",
        "",
        "",
        "0",
        "x-y",
        "'quoted",
    ]


@pytest.mark.django_db
def test_a_wrong_filter_makes_no_file(client_of, dana):
    response = client_of(dana).get(CSV, {"since": "soon", "team": "nowhere"})
    assert (response.status_code, response["Content-Type"]) == (422, "text/plain; charset=utf-8")
    text = response.content.decode()
    assert text.startswith("Team: Select a valid choice.")
    assert "\nFrom: Enter a valid date." in text
