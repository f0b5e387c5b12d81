from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.models import Namespace, NamespaceStatus
from tests.pages.page import parse
from tests.pages.rows import NOON, a_namespace
from tests.pages.test_history import HOSTILE, RESULTS, names

pytestmark = pytest.mark.django_db

NAMESPACES = "/namespaces/"
DAY = dt.timedelta(days=1)


@pytest.fixture
def shown(client_of):
    def find(user, **filters):
        response = client_of(user).get(NAMESPACES, filters)
        assert response.status_code == 200
        return names(response)

    return find


@pytest.fixture
def various(payments, search, alice, carol):
    now = timezone.now()
    a_namespace(payments, alice, "payments-api")
    a_namespace(payments, alice, "payments-near", tier="large", lease_ends_at=now + 5 * DAY)
    a_namespace(search, carol, "search-over", lease_ends_at=now - DAY, status=NamespaceStatus.UPDATE_FAILED)
    a_namespace(search, carol, "search-gone", status=NamespaceStatus.DELETED, deleted_at=NOON)


def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, db):
    response = client.get(NAMESPACES)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={NAMESPACES}")


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("alice", ["payments-api", "payments-near"]),
        ("bob", ["payments-api", "payments-near"]),
        ("carol", ["search-over"]),
        ("dana", ["payments-api", "payments-near", "search-over"]),
        ("frank", ["payments-api", "payments-near", "search-over"]),
    ],
)
def test_everybody_sees_what_exists_for_their_teams(request, shown, various, who, found):
    assert shown(request.getfixturevalue(who)) == found


def test_a_requester_who_left_the_team_no_longer_sees_its_namespaces(shown, various, alice):
    alice.memberships.all().delete()
    assert shown(alice) == []


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"q": "API"}, ["payments-api"]),
        ({"q": "_"}, []),
        ({"team": "search"}, ["search-over"]),
        ({"tier": "large"}, ["payments-near"]),
        ({"status": "update-failed"}, ["search-over"]),
        ({"status": "deleted"}, ["search-gone"]),
        ({"lease": "near"}, ["payments-near"]),
        ({"lease": "over"}, ["search-over"]),
        ({"lease": "near", "team": "search"}, []),
    ],
)
def test_filters_find_what_they_say(shown, various, dana, filters, found):
    assert shown(dana, **filters) == found


@pytest.mark.parametrize("filters", [{"q": "payments"}, {"tier": "large"}, {"lease": "near"}, {"status": "ready"}])
def test_no_filter_leads_a_stranger_to_what_is_not_theirs(shown, various, carol, filters):
    assert [name for name in shown(carol, **filters) if name.startswith("payments")] == []


def test_a_team_that_is_not_theirs_is_as_unknown_as_one_that_is_not_there(client_of, various, carol):
    theirs, nowhere = (client_of(carol).get(NAMESPACES, {"team": team}) for team in ("payments", "nowhere"))
    assert theirs.status_code == nowhere.status_code == 422
    assert parse(theirs).one("main").words == parse(nowhere).one("main").words


@pytest.mark.parametrize("name", ["q", "team", "tier", "status", "lease", "after", "before"])
@pytest.mark.parametrize("who", ["alice", "dana"])
def test_no_text_in_the_address_breaks_the_list(request, client_of, various, name, who):
    client = client_of(request.getfixturevalue(who))
    for text in HOSTILE:
        response = client.get(NAMESPACES, {name: text})
        assert response.status_code in {200, 422}, (name, text)
        assert b"<script>alert" not in response.content


def test_a_lease_that_ends_soon_says_when_in_words_and_one_that_is_over_too(client_of, various, dana):
    rows = parse(client_of(dana).get(NAMESPACES)).one("tbody").all("tr")
    api, near, over = (row.one(data_label="Lease ends") for row in rows)
    assert api.all("small") == []
    assert near.one("small").words.startswith("in 4d 23h")
    assert over.one("small").words.startswith("ended 1d")


def test_pages_by_name_hold_still_when_rows_are_added(client_of, payments, alice, dana):
    for number in range(0, 104, 2):
        a_namespace(payments, alice, f"svc-{number:03}")
    client = client_of(dana)
    first = client.get(NAMESPACES)
    a_namespace(payments, alice, "svc-001")
    second = client.get(parse(first).one("a", rel="next").attrs["href"])
    assert names(first) == [f"svc-{number:03}" for number in range(0, 100, 2)]
    assert names(second) == ["svc-100", "svc-102"]
    back = client.get(parse(second).one("a", rel="prev").attrs["href"])
    assert names(back) == ["svc-001", *(f"svc-{number:03}" for number in range(2, 100, 2))]


def test_a_change_of_a_filter_brings_the_results_alone_under_a_clean_address(client_of, various, dana):
    response = client_of(dana).get(NAMESPACES, {"q": "api", "team": "", "status": ""}, **RESULTS)
    assert names(response) == ["payments-api"]
    assert response["HX-Push-Url"] == "/namespaces/?q=api"
    assert parse(response).all("form") == []


@pytest.mark.parametrize("who", ["alice", "dana"])
def test_as_many_queries_for_three_rows_as_for_one(request, client_of, payments, alice, who):
    client, counts = client_of(request.getfixturevalue(who)), []
    for added in (["one"], ["two", "three"]):
        for name in added:
            a_namespace(payments, alice, name)
        with CaptureQueriesContext(connection) as queries:
            found = names(client.get(NAMESPACES, {"q": "o"} if len(added) == 1 else {}))
        counts.append((len(found), len(queries)))
    assert [rows for rows, _ in counts] == [1, 3]
    with CaptureQueriesContext(connection) as queries:
        client.get(NAMESPACES)
    three = len(queries)
    Namespace.objects.exclude(name="one").update(status=NamespaceStatus.DELETED)
    with CaptureQueriesContext(connection) as queries:
        client.get(NAMESPACES)
    assert len(queries) == three <= 15


@pytest.mark.parametrize(
    ("who", "filters", "says"),
    [
        ("alice", {}, "No namespace yet"),
        ("alice", {"q": "x"}, "No namespace fits"),
        ("outsider", {}, "You are in no team"),
    ],
)
def test_an_empty_list_says_why(request, client_of, django_user_model, alice, who, filters, says):
    outsider = django_user_model.objects.create(username="outsider")
    user = outsider if who == "outsider" else request.getfixturevalue(who)
    assert parse(client_of(user).get(NAMESPACES, filters)).one("h3").words == says
