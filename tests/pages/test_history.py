from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning.models import Kind, Phase, Request
from tests.pages.page import parse
from tests.pages.rows import NOON, a_request, many_requests

pytestmark = pytest.mark.django_db

HISTORY = "/history/"
RESULTS = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "results"}
HOSTILE = [
    "'\";--<script>alert(1)</script>",
    "\x00",
    "%",
    "_",
    "\\",
    "a" * 5000,
    "{{7*7}}",
    "\u202e\U0001f4a9",
    "-1",
    "9" * 40,
    "0000-00-00",
    "9999-12-31",
    "0001-01-01",
    "../../etc",
    "aaaaaaaa",
    "~~~",
]
FILTERS = ["q", "team", "phase", "kind", "tier", "requester", "since", "until", "after", "before"]


def names(response):
    """The names in the table, from top to bottom."""
    rows = parse(response).all("tbody")
    return [row.one("a", class_="strong").words for row in rows[0].all("tr")] if rows else []


@pytest.fixture
def shown(client_of):
    """The names that somebody finds under these filters."""

    def find(user, **filters):
        response = client_of(user).get(HISTORY, filters)
        assert response.status_code == 200
        return names(response)

    return find


@pytest.fixture
def two_teams(payments, search, alice, carol):
    a_request(payments, alice, "payments-api", created_at=NOON)
    a_request(search, carol, "search-web", created_at=NOON + dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("alice", ["payments-api"]),
        ("bob", ["payments-api"]),
        ("carol", ["search-web"]),
        ("dana", ["search-web", "payments-api"]),
        ("frank", ["search-web", "payments-api"]),
    ],
)
def test_everybody_sees_the_requests_of_their_teams_and_those_who_look_after_all_see_all(
    request, shown, two_teams, who, found
):
    assert shown(request.getfixturevalue(who)) == found


def test_a_requester_who_left_the_team_sees_their_own_and_nothing_else_of_it(shown, payments, alice, bob, carol):
    a_request(payments, bob, "payments-of-bob")
    a_request(payments, alice, "payments-of-alice")
    bob.memberships.all().delete()
    assert shown(bob) == ["payments-of-bob"]
    assert shown(bob, team="payments") == ["payments-of-bob"]
    assert shown(carol) == []


def test_a_team_s_many_requests_crowd_out_none_of_somebody_who_left_it(shown, payments, alice, bob):
    a_request(payments, bob, "payments-of-bob", created_at=NOON - dt.timedelta(days=1))
    many_requests(payments, alice, 60)
    bob.memberships.all().delete()
    assert shown(bob, team="payments") == ["payments-of-bob"]


@pytest.mark.parametrize("url", [HISTORY, "/history/requests.csv"])
def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, two_teams, url):
    response = client.get(url)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={url}"


@pytest.mark.parametrize("url", [HISTORY, "/history/requests.csv"])
def test_the_list_is_read_only(client_of, dana, url):
    assert client_of(dana).post(url).status_code == 405


@pytest.mark.parametrize(
    "filters",
    [
        {"q": "payments"},
        {"q": "Card"},
        {"q": "alice"},
        {"requester": "alice"},
        {"phase": "Succeeded"},
        {"tier": "small"},
    ],
)
def test_no_filter_leads_a_stranger_to_what_is_not_theirs(shown, two_teams, carol, filters):
    assert "payments-api" not in shown(carol, **filters)


def test_nor_does_an_id(shown, two_teams, alice, carol):
    row = Request.objects.get(name="payments-api")
    assert shown(alice, q=str(row.pk)) == ["payments-api"]
    assert shown(carol, q=str(row.pk)) == []


def test_a_team_that_is_not_theirs_is_as_unknown_as_one_that_is_not_there(client_of, two_teams, carol):
    client = client_of(carol)
    theirs, nowhere = (client.get(HISTORY, {"team": team}) for team in ("payments", "nowhere"))
    assert theirs.status_code == nowhere.status_code == 422
    assert parse(theirs).one("main").words == parse(nowhere).one("main").words
    assert "payments" not in parse(theirs).one("select", name="team").words


@pytest.fixture
def various(payments, search, alice, bob, carol):
    day = dt.timedelta(days=1)
    a_request(
        payments, alice, "payments-a", phase=Phase.FAILED, tier="large", purpose="Nightly ledger", created_at=NOON
    )
    a_request(payments, bob, "payments-b", phase=Phase.DENIED, kind=Kind.CHANGE, created_at=NOON + day)
    a_request(search, carol, "search-c", phase=Phase.SUCCEEDED, created_at=NOON + 2 * day)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"q": "LEDGER"}, ["payments-a"]),
        ({"q": "ments-"}, ["payments-b", "payments-a"]),
        ({"q": "Search"}, ["search-c"]),
        ({"q": "carol"}, ["search-c"]),
        ({"q": "100%"}, []),
        ({"team": "payments"}, ["payments-b", "payments-a"]),
        ({"phase": "Failed"}, ["payments-a"]),
        ({"kind": "change"}, ["payments-b"]),
        ({"tier": "large"}, ["payments-a"]),
        ({"requester": "bob"}, ["payments-b"]),
        ({"requester": "Car"}, ["search-c"]),
        ({"requester": "nobody"}, []),
        ({"since": "2026-11-03"}, ["search-c", "payments-b"]),
        ({"until": "2026-11-02"}, ["payments-a"]),
        ({"since": "2026-11-03", "until": "2026-11-03"}, ["payments-b"]),
        ({"team": "payments", "phase": "Denied", "requester": "bob", "tier": "small", "q": "b"}, ["payments-b"]),
        ({"team": "search", "phase": "Denied"}, []),
    ],
)
@pytest.mark.parametrize("who", ["dana", "frank"])
def test_filters_find_what_they_say(request, shown, various, who, filters, found):
    assert shown(request.getfixturevalue(who), **filters) == found


def test_filters_find_the_same_for_somebody_of_both_teams(shown, various, alice, search):
    alice.memberships.create(team=search)
    assert shown(alice) == ["search-c", "payments-b", "payments-a"]
    assert shown(alice, phase="Denied") == ["payments-b"]
    assert shown(alice, q="carol") == ["search-c"]
    assert shown(alice, team="search") == ["search-c"]


def test_the_beginning_of_an_id_finds_its_request(shown, various, dana):
    row = Request.objects.get(name="payments-a")
    assert shown(dana, q=row.short_id) == ["payments-a"]
    assert shown(dana, q=f" {str(row.pk).upper()} ") == ["payments-a"]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("who", ["alice", "dana"])
def test_no_text_in_the_address_breaks_the_list(request, client_of, various, name, who):
    client = client_of(request.getfixturevalue(who))
    for text in HOSTILE:
        page, file = client.get(HISTORY, {name: text}), client.get("/history/requests.csv", {name: text})
        assert page.status_code in {200, 422}, (name, text)
        assert file.status_code == (422 if name not in {"after", "before"} and page.status_code == 422 else 200)
        assert b"<script>alert" not in page.content
        assert (file["X-Content-Type-Options"], file["Content-Type"].startswith("text/html")) == ("nosniff", False)


@pytest.mark.parametrize(("name", "text"), [("since", "yesterday"), ("phase", "Done"), ("q", "x" * 201)])
def test_a_wrong_filter_stands_at_its_field_and_shows_nothing(client_of, various, dana, name, text):
    response = client_of(dana).get(HISTORY, {name: text})
    page = parse(response)
    assert response.status_code == 422
    assert names(response) == []
    field = page.one(id=f"id_{name}")
    assert field.attrs["aria-invalid"] == "true"
    assert page.one(id=field.described_by).words
    assert "so nothing is shown" in page.one(id="res-h").words


def test_what_was_filtered_stays_in_the_form_and_in_the_file(client_of, various, dana):
    page = parse(client_of(dana).get(HISTORY, {"team": "payments", "q": "a", "phase": ""}))
    assert page.one(id="id_q").attrs["value"] == "a"
    assert [o.words for o in page.one("select", name="team").all("option") if "selected" in o.attrs] == ["payments"]
    assert page.one("a", download="*").attrs["href"] == "/history/requests.csv?q=a&team=payments"


def test_a_change_of_a_filter_brings_the_results_alone_under_a_clean_address(client_of, various, dana):
    response = client_of(dana).get(HISTORY, {"q": "ledger", "team": "", "phase": ""}, **RESULTS)
    page = parse(response)
    assert names(response) == ["payments-a"]
    assert response["HX-Push-Url"] == "/history/?q=ledger"
    assert page.all("form") == page.all("nav", class_="sidebar") == page.all("figure") == []
    assert page.one(id="res-h").attrs["data-announce"] == "1 request"
    assert {"HX-Request", "HX-Target"} <= {part.strip() for part in response["Vary"].split(",")}


def test_what_people_typed_is_never_markup(client_of, payments, alice, dana):
    alice.first_name = "<i>Al</i>"
    alice.save()
    a_request(payments, alice, "<b>bold</b>", tier="<u>")
    text = client_of(dana).get(HISTORY, {"q": "<b>"}).content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "&lt;i&gt;Al&lt;/i&gt;" in text
    assert [tag for tag in ("<b>bold", "<i>Al", "<u>") if tag in text] == []


@pytest.mark.parametrize("who", ["alice", "dana"])
@pytest.mark.parametrize("filters", [{}, {"q": "svc", "phase": "Succeeded", "requester": "alice"}])
def test_as_many_queries_for_three_rows_as_for_one(request, client_of, payments, alice, who, filters):
    client, counts = client_of(request.getfixturevalue(who)), []
    for count in (1, 2):
        many_requests(payments, alice, count)
        with CaptureQueriesContext(connection) as queries:
            found = names(client.get(HISTORY, filters))
        counts.append((len(found), len(queries)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1] <= 20


@pytest.mark.parametrize(
    ("who", "filters", "says"),
    [
        ("alice", {}, "Nothing was asked yet"),
        ("frank", {}, "Nothing was asked yet"),
        ("outsider", {}, "You are in no team"),
        ("alice", {"q": "x"}, "No request fits"),
    ],
)
def test_an_empty_list_says_why(request, client_of, django_user_model, alice, frank, who, filters, says):
    outsider = django_user_model.objects.create(username="outsider")
    user = outsider if who == "outsider" else request.getfixturevalue(who)
    page = parse(client_of(user).get(HISTORY, filters))
    assert page.one("h3").words == says
    assert page.one(id="res-h").words == "0 requests"
    assert page.all("figure") == []
