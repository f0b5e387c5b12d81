from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import LogChunk, Phase, Request, Run, Step, StepLog, StepPhase

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(open_request, dana) -> Request:
    """Submitted, its first step done, the second one running with three lines."""
    request = open_request()
    lifecycle.approve(request, by=dana, digest=request.digest, comment="Fine <b>")
    run = request.current_run
    lifecycle.claim(run, "w")
    lifecycle.submitted(run, uid="u")
    _set(run, "validate-request", StepPhase.SUCCEEDED, "Checked\nAll is well")
    _set(
        run, "create-namespace", StepPhase.RUNNING, "one\n<script>alert(1)</script>\n\x1b[31mred\x1b[0m", complete=False
    )
    request.refresh_from_db()
    return request


def _set(run: Run, name: str, phase: str, text: str = "", *, complete: bool = True, **columns) -> StepLog:
    now = timezone.now()
    ended = phase not in {StepPhase.RUNNING, StepPhase.PENDING}
    Step.objects.filter(run=run, name=name).update(
        phase=phase, started_at=now, finished_at=now if ended else None, attempts=1, **columns
    )
    lines = text.split("\n")
    log = StepLog.objects.create(
        step=run.steps.get(name=name), pod_name="p", phase=phase, lines=len(lines), source_lines=len(lines),
        complete=complete, read_at=now,
    )  # fmt: skip
    LogChunk.objects.create(log=log, first_line=1, line_count=len(lines), text=text)
    return log


def _fail(request: Request) -> Request:
    run = request.current_run
    _set(
        run, "apply-rbac", StepPhase.FAILED, "Applying rbac\n❌ refused by the cluster", exit_code=66,
        sentence="The cluster refused this step.", message="main: Error (exit code 66)",
    )  # fmt: skip
    lifecycle.finish(run, outcome=Phase.FAILED, message="The cluster refused this step.")
    request.refresh_from_db()
    return request


def urls(request: Request) -> dict[str, str]:
    step = [request.pk, "validate-request"]
    return {
        "page": reverse("request", args=[request.pk]),
        "status": reverse("request_status", args=[request.pk]),
        "log": reverse("request_log", args=step),
        "download": reverse("request_log_download", args=step),
    }


@pytest.mark.parametrize(
    ("who", "expected"),
    [("alice", 200), ("bob", 200), ("dana", 200), ("erin", 200), ("frank", 200), ("carol", 404)],
)
def test_only_those_who_may_see_a_request_get_any_part_of_it(running, client_of, request, who, expected):
    client = client_of(request.getfixturevalue(who))
    answers = {name: client.get(url).status_code for name, url in urls(running).items()}
    assert answers == dict.fromkeys(answers, expected)


def test_anonymous_people_are_sent_to_sign_in_and_fragments_send_the_page(running, client):
    for url in urls(running).values():
        assert client.get(url).url.startswith("/accounts/login/")
    fragment = client.get(urls(running)["status"], headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("who", "expected"), [("alice", 303), ("bob", 403), ("dana", 303), ("frank", 403), ("carol", 404)]
)
@pytest.mark.parametrize("action", ["request_retry", "request_give_up"])
def test_who_may_steer_a_failed_request(running, client_of, request, who, expected, action):
    client = client_of(request.getfixturevalue(who))
    row = _fail(running)
    assert client.post(reverse(action, args=[row.pk])).status_code == expected
    row.refresh_from_db()
    moved = {"request_retry": Phase.APPROVED, "request_give_up": Phase.CANCELLED}[action]
    assert row.phase == (moved if expected == 303 else Phase.FAILED)


def test_getting_an_action_changes_nothing(running, alice, client_of):
    for name in ("request_cancel", "request_retry", "request_give_up"):
        assert client_of(alice).get(reverse(name, args=[running.pk])).status_code == 405


def test_the_plan_is_drawn_before_anything_runs(open_request, alice, client_of):
    page = client_of(alice).get(open_request().get_absolute_url()).content.decode()
    nodes = re.findall(r'id="node-([a-z-]+)"', page)
    assert nodes == [
        "validate-request", "create-namespace", "apply-rbac", "set-resource-quotas", "apply-network-policies",
        "enable-monitoring", "finalize-setup",
    ]  # fmt: skip


def test_an_unchanged_poll_is_answered_with_nothing(running, alice, client_of):
    client, url = client_of(alice), urls(running)["status"]
    assert client.get(url, {"v": running.version}).status_code == 204
    news = client.get(url, {"v": running.version - 1})
    assert news.status_code == 200
    assert 'hx-swap-oob="true"' in news.content.decode()
    assert f"v={running.version}" in news.content.decode()


def test_a_finished_request_does_not_poll(running, alice, client_of):
    client = client_of(alice)
    assert 'id="poll" hidden data-poll' in client.get(running.get_absolute_url()).content.decode()
    run = running.current_run
    lifecycle.finish(run, outcome=Phase.SUCCEEDED, message="")
    Run.objects.filter(pk=run.pk).update(logs_complete=True)
    for url in (running.get_absolute_url(), urls(running)["status"]):
        page = client.get(url).content.decode()
        assert 'id="poll" hidden>' in page
        assert "request_status" not in page
        assert "data-poll" not in page


def test_log_lines_are_numbered_escaped_and_coloured(running, alice, client_of):
    page = client_of(alice).get(running.get_absolute_url() + "?step=create-namespace").content.decode()
    assert 'data-n="2"' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_a_growing_log_gives_what_is_new_and_then_nothing(running, alice, client_of):
    client, url = client_of(alice), reverse("request_log", args=[running.pk, "create-namespace"])
    more = client.get(url, {"after": "2"})
    assert re.findall(r'data-n="(\d+)"', more.content.decode()) == ["3"]
    assert client.get(url, {"after": "3"}).status_code == 204
    StepLog.objects.filter(step__name="create-namespace").update(complete=True)
    last = client.get(url, {"after": "3"})
    assert last.status_code == 200
    assert "data-poll" not in last.content.decode()


def test_looking_at_a_log_asks_the_worker_to_follow_it_and_writes_rarely(running, alice, client_of):
    client, url = client_of(alice), urls(running)["log"]
    before = running.current_run.watched_until
    client.get(url)
    after = running.current_run.watched_until
    assert after > before
    client.get(url)
    assert running.current_run.watched_until == after


def test_a_step_that_is_not_there_is_not_found(running, alice, client_of):
    assert client_of(alice).get(reverse("request_log", args=[running.pk, "no-such-step"])).status_code == 404


@pytest.mark.parametrize("junk", ["-1", "x", "9" * 30, "%00", "1e3"])
def test_junk_in_the_address_is_ignored(running, alice, client_of, junk):
    client = client_of(alice)
    assert client.get(urls(running)["log"], {"after": junk, "attempt": junk, "run": junk}).status_code == 200
    assert client.get(running.get_absolute_url(), {"step": junk, "view": junk, "run": junk}).status_code == 200
    assert client.get(urls(running)["status"], {"v": junk, "shown": junk}).status_code == 200


def test_a_download_is_the_whole_log_as_text(running, alice, client_of):
    answer = client_of(alice).get(urls(running)["download"])
    assert b"".join(answer.streaming_content).decode() == "Checked\nAll is well\n"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    name = f"{running.current_run.workflow_name}.validate-request-0.log"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_what_was_left_out_of_a_log_is_marked_where_it_was(running, alice, client_of):
    log = StepLog.objects.get(step__name="validate-request")
    StepLog.objects.filter(pk=log.pk).update(omitted_lines=97, omitted_bytes=2048, lines=100)
    LogChunk.objects.create(log=log, first_line=100, line_count=1, text="the end")
    answer = client_of(alice).get(urls(running)["download"])
    assert b"".join(answer.streaming_content).decode().splitlines() == [
        "Checked", "All is well", "… 97 lines, 2 KiB were left out here: the log was longer than what is kept of one …",
        "the end",
    ]  # fmt: skip


def test_a_failure_names_step_reason_code_and_moves(running, alice, client_of):
    page = client_of(alice).get(_fail(running).get_absolute_url()).content.decode()
    text = re.sub(r"<[^>]+>|\s+", " ", page)
    for part in (
        "The cluster refused this step.", "❌ refused by the cluster", "66: the cluster refused an object",
        "main: Error (exit code 66)", "Retry", "Change and resubmit", "Give up", "No roll-back ran",
    ):  # fmt: skip
        assert part in text


def test_a_retry_shows_both_attempts_and_the_newest_first(running, alice, client_of):
    row = _fail(running)
    lifecycle.retry(row, by=alice)
    page = client_of(alice).get(row.get_absolute_url()).content.decode()
    assert f"create-namespace-{row.short_id}-2" in page
    assert 'href="?run=1"' in page
    old = client_of(alice).get(row.get_absolute_url() + "?run=1").content.decode()
    assert f"create-namespace-{row.short_id}-1" in old


def test_ready_ends_in_a_sheet_from_what_was_granted(running, alice, client_of):
    lifecycle.finish(running.current_run, outcome=Phase.SUCCEEDED, message="")
    text = re.sub(r"<[^>]+>|\s+", " ", client_of(alice).get(running.get_absolute_url()).content.decode())
    for part in (
        "--namespace=payments-prod",
        "8 CPU",
        "50 pods",
        "cluster DNS",
        "alice@example.com",
        "The lease ends on",
    ):
        assert part in text


def test_who_was_slower_sees_the_row_as_it_now_is(running, alice, dana, client_of):
    row = _fail(running)
    lifecycle.retry(Request.objects.get(pk=row.pk), by=dana)
    answer = client_of(alice).post(reverse("request_retry", args=[row.pk]))
    assert answer.status_code == 409
    assert "Nothing was changed by you" in answer.content.decode()
    assert Run.objects.filter(request=row).count() == 2


def test_a_comment_is_shown_as_text(running, alice, client_of):
    assert "Fine &lt;b&gt;" in client_of(alice).get(running.get_absolute_url()).content.decode()


def test_cancelling_a_pending_request_takes_it_back(open_request, alice, client_of):
    request = open_request()
    assert client_of(alice).post(reverse("request_cancel", args=[request.pk])).status_code == 303
    request.refresh_from_db()
    assert request.phase == Phase.CANCELLED


def test_the_page_costs_as_many_queries_with_long_logs_as_with_short_ones(running, alice, client_of):
    client, url = client_of(alice), running.get_absolute_url()
    client.get(url)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        return len(queries)

    few = count()
    log = StepLog.objects.get(step__name="create-namespace")
    for n in range(3):
        LogChunk.objects.create(log=log, first_line=10 + n * 10, line_count=10, text="\n".join("abcdefghij"))
        _set(
            running.current_run,
            ("apply-rbac", "set-resource-quotas", "enable-monitoring")[n],
            StepPhase.RUNNING,
            "x",
            complete=False,
        )
    assert count() == few
