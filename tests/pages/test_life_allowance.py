from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from provisioning.models import AuditEvent, Membership, Team
from tests.lifecycle import life
from tests.pages.page import fields_of, parse

pytestmark = pytest.mark.django_db

LIST, URL = "/teams/", "/teams/payments/allowance/"
HOSTILE = '"><script>alert(1)</script>'


def sent(client, **changes):
    return {**fields_of(parse(client.get(URL)).one("form", aria_labelledby="limits-h")), **changes}


def limits(name="payments"):
    return Team.objects.values_list("max_namespaces", "max_cpu", "max_memory_gib", "max_pods").get(name=name)


@pytest.mark.parametrize(
    ("who", "reads", "sets"),
    [("dana", 200, 303), ("frank", 200, 404), ("alice", 404, 404), ("bob", 404, 404), ("carol", 404, 404)],
)
def test_admins_set_auditors_read_others_find_nothing(request, client_of, dana, payments, who, reads, sets):
    data = sent(client_of(dana), max_cpu="40")
    client = client_of(request.getfixturevalue(who))
    assert client.get(LIST).status_code == reads
    assert client.get(URL).status_code == (200 if sets == 303 else 404)
    assert client.post(URL, data).status_code == sets
    assert limits()[1] == (40 if sets == 303 else 32)


def test_the_list_shows_what_each_team_holds_and_who_leads_it(client_of, alice, dana, search):
    life.made(alice, dana)
    rows = {row.one("th").words: row for row in parse(client_of(dana).get(LIST)).one("tbody").all("tr")}
    held = rows["Payments payments , led by Alice"]
    assert "8 of 32" in held.one(data_label="CPU").words
    assert "1 of 10" in held.one(data_label="Namespaces").words
    assert "0 of 10" in rows["Search search , led by nobody"].one(data_label="Namespaces").words


def test_setting_it_is_audited_with_both_sides_and_the_reason(client_of, dana, payments):
    client = client_of(dana)
    response = client.post(URL, sent(client, max_cpu="64", max_pods="300", note="Card payments grow"))
    assert (response.status_code, response["Location"]) == (303, URL)
    assert limits() == (10, 64, 64, 300)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject, event.note) == (
        "team.allowance-set",
        dana,
        "payments",
        "Card payments grow",
    )
    assert (event.before["max_cpu"], event.after["max_cpu"]) == (32, 64)
    assert "Card payments grow" in parse(client.get(URL)).one(aria_labelledby="past-h").words


def test_setting_what_is_so_already_writes_nothing(client_of, dana, payments):
    client = client_of(dana)
    assert client.post(URL, sent(client)).status_code == 303
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("value", ["", "-1", "1.5", "x", HOSTILE, "9" * 30, "1000001"])
def test_what_is_no_limit_is_refused_at_its_field(client_of, dana, payments, value):
    client = client_of(dana)
    response = client.post(URL, sent(client, max_cpu=value))
    assert response.status_code == 422
    page = parse(response)
    assert page.one(id="id_max_cpu").attrs["aria-invalid"] == "true"
    assert "<script>alert" not in response.content.decode()
    assert limits() == (10, 32, 64, 200)


def test_a_form_older_than_the_limits_gets_409_and_what_is_in_force(client_of, dana, erin, payments):
    client = client_of(dana)
    data = sent(client, max_cpu="64")
    other = client_of(erin)
    other.post(URL, sent(other, max_cpu="48"))
    response = client.post(URL, data)
    assert response.status_code == 409
    page = parse(response)
    assert "Somebody else changed what payments may hold" in page.one("div", role="alert").words
    assert page.one(id="id_max_cpu").attrs["value"] == "48"
    assert limits()[1] == 48


@pytest.mark.parametrize("name", ["none", "pay%00ments", "%3Cscript%3E"])
def test_a_team_that_is_not_there_is_not_found(client_of, dana, payments, name):
    assert client_of(dana).get(f"/teams/{name}/allowance/").status_code == 404


def test_it_is_shown_while_asking_and_while_deciding(client_of, alice, dana, payments):
    client = client_of(dana)
    client.post(URL, sent(client, max_cpu="9"))
    life.made(alice, dana)
    asking = client_of(alice).post(
        "/requests/new/preview/", {"team": "payments", "name": "payments-dev", "tier": "small", "lease_days": "90"}
    )
    assert "outside the team's headroom: CPU 10 of 9" in parse(asking).one(id="preview").words


def test_as_many_queries_for_three_teams_as_for_one(client_of, alice, dana):
    client = client_of(dana)
    client.get(LIST)
    counts = []
    for names in ((), ("a", "b")):
        for name in names:
            team = Team.objects.create(name=name, title=name)
            Membership.objects.create(user=alice, team=team, role="lead")
        with CaptureQueriesContext(connection) as found:
            client.get(LIST)
        counts.append(len(found))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_at_once_one_sets_it_and_the_other_is_told(client_of, dana, erin, payments):
    start = Barrier(2)

    def set_it(who, value):
        client = client_of(who)
        try:
            data = sent(client, max_cpu=value)
            start.wait(30)
            return client.post(URL, data).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(set_it, dana, "40"), pool.submit(set_it, erin, "50")]
        answers = sorted(task.result() for task in tasks)
    assert answers == [303, 409]
    assert AuditEvent.objects.filter(action="team.allowance-set").count() == 1
