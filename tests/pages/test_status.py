from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.models import ArgoStatus, Phase, RunState, Step, WorkerLease
from provisioning.pages.status.reading import with_code, without_password
from tests.pages.page import parse
from tests.pages.rows import a_request, a_run

pytestmark = pytest.mark.django_db

STATUS = "/status/"
HX = {"HTTP_HX_REQUEST": "true"}
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


@pytest.fixture
def well(db):
    """Argo answers and the worker is alive."""
    now = timezone.now()
    ArgoStatus.objects.create(
        url="https://argo.example.com/argo",
        namespace="workflows",
        version="v4.1.2",
        last_success_at=now - SECOND,
        watch_since=now - 60 * MINUTE,
        last_resync_at=now - 20 * SECOND,
        checked_at=now - MINUTE,
        checks=[
            {"key": "connection", "title": "Connection", "ok": True, "text": "v4.1.2", "remedy": ""},
            {
                "key": "t",
                "title": "Template namespace-update",
                "ok": False,
                "text": "It is gone.",
                "remedy": "Run `x y`.",
            },
        ],
    )
    WorkerLease.objects.create(
        holder="portal-0:412:ab", acquired_at=now, heartbeat_at=now, expires_at=now + 60 * MINUTE
    )


@pytest.fixture
def look(client_of, frank):
    def get():
        response = client_of(frank).get(STATUS)
        assert response.status_code == 200
        return parse(response).one("main")

    return get


def tiles(main):
    """Title -> what it says, big."""
    return {
        card.all("small")[0].words: card.one(class_="big-number").words
        for card in main.one(class_="health").all(class_="card")
    }


def problems(main):
    found = main.all(aria_labelledby="problems-h")
    return [item.one("strong").words.split(" since ")[0] for item in found[0].all("li")] if found else []


@pytest.mark.parametrize(
    ("who", "status"), [("dana", 200), ("erin", 200), ("frank", 200), ("alice", 404), ("bob", 404), ("carol", 404)]
)
def test_the_page_is_there_for_platform_admins_and_auditors(request, client_of, well, who, status):
    client = client_of(request.getfixturevalue(who))
    assert client.get(STATUS).status_code == status
    assert client.get(STATUS, **HX).status_code == status


def test_somebody_who_has_not_signed_in_is_sent_to_sign_in(client, well):
    response = client.get(STATUS)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={STATUS}")


def test_all_is_well(look, well):
    main = look()
    assert tiles(main) == {
        "Argo Workflows": "Reachable",
        "Worker": "Alive",
        "Waiting to be submitted": "0",
        "Runs in flight": "0",
    }
    assert problems(main) == []
    words = main.one(aria_labelledby="argo-h").words
    for told in ("https://argo.example.com/argo", "workflows", "v4.1.2", "TLS verified"):
        assert told in words
    assert "portal-0:412:ab" in main.one(aria_labelledby="worker-h").words


def test_nothing_is_known_before_a_worker_was_ever_there(look):
    main = look()
    assert tiles(main)["Argo Workflows"] == "Not known"
    assert tiles(main)["Worker"] == "Never seen"
    assert problems(main) == ["No worker holds the lease"]
    assert "The worker has not checked yet." in main.words


def test_argo_that_fails_is_told_with_cause_and_remedy_since_when(look, well):
    since = timezone.now() - 14 * MINUTE
    ArgoStatus.objects.update(
        failing_since=since, cause="Connection refused.", remedy="Start it, or correct `ARGO_WORKFLOWS_URL`."
    )
    main = look()
    assert tiles(main)["Argo Workflows"] == "Failing"
    assert problems(main) == ["Argo does not work"]
    told = main.one(aria_labelledby="problems-h")
    assert "Connection refused. Start it, or correct ARGO_WORKFLOWS_URL ." in told.words
    assert told.one("code").words == "ARGO_WORKFLOWS_URL"
    assert told.one("time").attrs["datetime"] == since.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_without_a_worker_all_is_as_it_was_known_last(look, well):
    last = timezone.now() - 9 * MINUTE
    WorkerLease.objects.update(heartbeat_at=last, expires_at=last + MINUTE)
    main = look()
    assert tiles(main)["Worker"] == "Away"
    assert tiles(main)["Argo Workflows"] == "Not known"
    assert problems(main) == ["No worker holds the lease"]
    assert main.one(id="status-live").one(class_="banner").words.startswith("As known at ")


@pytest.mark.parametrize(
    ("columns", "problem", "tile"),
    [
        ({"last_success_at": timezone.now() - 30 * MINUTE}, ["Argo is silent"], "Silent"),
        ({"watch_since": None}, ["No watch is open"], "Reachable"),
    ],
)
def test_what_is_not_quite_well_is_said(look, well, columns, problem, tile):
    ArgoStatus.objects.update(**columns)
    main = look()
    assert problems(main) == problem
    assert tiles(main)["Argo Workflows"] == tile


def test_certificates_that_are_not_verified_are_a_problem(look, well, settings):
    settings.ARGO_VERIFY_TLS = False
    main = look()
    assert problems(main) == ["TLS certificates are not verified"]
    assert "TLS not verified" in main.one(aria_labelledby="argo-h").words


def test_without_tls_there_is_nothing_to_verify(look, well, settings):
    settings.ARGO_VERIFY_TLS = False
    ArgoStatus.objects.update(url="http://127.0.0.1:2746")
    main = look()
    assert problems(main) == []
    assert "TLS not used" in main.one(aria_labelledby="argo-h").words


def test_the_trial_is_marked(look, well, settings):
    assert "Trial cluster" not in look().words
    ArgoStatus.objects.update(version="v4.1.2+trial")
    assert "Trial cluster" in look().words
    ArgoStatus.objects.update(version="")
    settings.TRIAL = True
    assert "Trial cluster" in look().words


def test_checks_that_failed_come_first_with_their_remedy(look, well):
    section = look().one(aria_labelledby="checks-h")
    first, second = section.all("li")
    assert first.words == "Template namespace-update : not fine It is gone. Run x y ."
    assert second.words == "Connection v4.1.2"
    assert "1 of 2 fine" in section.words


def test_the_queue_tells_how_long_the_oldest_waits(look, well, payments, alice):
    now = timezone.now()
    for number, minutes in enumerate((5, 2)):
        row = a_request(payments, alice, f"svc-{number}", phase=Phase.APPROVED)
        a_run(row, RunState.QUEUED, created_at=now - minutes * MINUTE)
    main = look()
    assert tiles(main)["Waiting to be submitted"] == "2"
    card = main.one(class_="health").all(class_="card")[2]
    assert card.all(class_="tone-warn") != []
    assert card.one("time").attrs["datetime"] == (now - 5 * MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_runs_in_flight_show_where_they_are(look, well, payments, alice):
    row = a_request(payments, alice, "payments-api", phase=Phase.PROVISIONING)
    run = a_run(row, RunState.SUBMITTED, workflow_phase="Running", observed_at=timezone.now())
    Step.objects.create(run=run, position=0, name="validate-request", phase="Succeeded")
    Step.objects.create(run=run, position=1, name="apply-rbac", phase="Running")
    (line,) = look().one(aria_labelledby="runs-h").one("tbody").all("tr")
    assert line.one("a").attrs["href"] == f"/requests/{row.pk}/"
    assert line.one(data_label="Now").words == "apply-rbac"
    assert line.one(data_label="Argo says").words == "Running"
    assert line.one(data_label="Steps").words.endswith("/7")


def test_runs_in_trouble_say_what_keeps_them(look, well, payments, alice):
    row = a_request(payments, alice, "payments-api", phase=Phase.APPROVED)
    a_run(row, RunState.QUEUED, trouble="The token may not create workflows.", failures=3)
    (item,) = look().one(aria_labelledby="trouble-h").all("li")
    assert "The token may not create workflows. Tried 3 times" in item.words
    assert item.one("a").attrs["href"] == f"/requests/{row.pk}/"


def test_what_waits_for_people_is_counted(client_of, well, payments, alice, dana, frank):
    a_request(payments, alice, "payments-api", phase=Phase.PENDING)
    for user, links in ((dana, ["/approvals/"]), (frank, [])):
        card = parse(client_of(user).get(STATUS)).one(aria_labelledby="people-h")
        assert card.all("dd")[0].words == "1"
        assert [link.attrs["href"] for link in card.all("a")] == links


def test_the_live_part_asks_again_and_is_left_alone_while_nothing_changed(client_of, well, frank):
    client = client_of(frank)
    live = parse(client.get(STATUS)).one(id="status-live")
    url = live.attrs["hx-get"]
    assert live.attrs["hx-trigger"] == "every 5s"
    assert "data-poll" in live.attrs
    assert client.get(url, **HX).status_code == 204
    ArgoStatus.objects.update(failing_since=timezone.now(), cause="Gone.")
    response = client.get(url, **HX)
    fresh = parse(response).one(id="status-live")
    assert response.status_code == 200
    assert fresh.attrs["hx-get"] != url
    assert fresh.attrs["data-announce"] == "Argo: Failing. Worker: Alive."
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize("v", ["", "x", "\x00", "<script>"])
def test_any_other_version_brings_it_anew(client_of, well, frank, v):
    assert client_of(frank).get(STATUS, {"v": v}, **HX).status_code == 200


def test_what_argo_or_a_person_wrote_is_never_markup(client_of, well, payments, alice, frank):
    hostile = "<b>bold</b>"
    ArgoStatus.objects.update(
        url=f"https://x/{hostile}",
        version=hostile,
        failing_since=timezone.now(),
        cause=hostile,
        remedy=f"`{hostile}` {hostile}",
        checks=[{"title": hostile, "ok": False, "text": hostile, "remedy": f"{hostile}`{hostile}"}, "nonsense", {}],
    )
    WorkerLease.objects.update(holder=hostile)
    row = a_request(payments, alice, hostile, phase=Phase.PROVISIONING)
    a_run(row, RunState.SUBMITTED, trouble=hostile, workflow_message=hostile)
    text = client_of(frank).get(STATUS).content.decode()
    assert text.count("&lt;b&gt;bold&lt;/b&gt;") >= 12
    assert "<b>bold" not in text


def test_as_many_queries_for_three_runs_as_for_one(client_of, well, payments, alice, frank):
    client, counts = client_of(frank), []
    for numbers in ((0,), (1, 2)):
        for number in numbers:
            row = a_request(payments, alice, f"svc-{number}", phase=Phase.PROVISIONING)
            run = a_run(row, RunState.SUBMITTED, trouble="x")
            step = Step.objects.create(run=run, position=0, name="validate-request", phase="Running")
            step.logs.create(attempt=0)
        with CaptureQueriesContext(connection) as queries:
            main = parse(client.get(STATUS)).one("main")
        counts.append((len(main.one(aria_labelledby="trouble-h").all("li")), len(queries)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1] <= 20


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@argo.example.com:2746/x", "https://…@argo.example.com:2746/x"),
        ("https://token@[::1]/", "https://…@[::1]/"),
        ("http://localhost:2746", "http://localhost:2746"),
    ],
)
def test_no_password_of_an_address_is_shown(url, shown):
    assert without_password(url) == shown


def test_code_is_what_stands_between_two_backticks():
    assert with_code("Run `a <b>` now") == "Run <code>a &lt;b&gt;</code> now"
    assert with_code("plain") == "plain"
