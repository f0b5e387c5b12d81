"""A step's log: lines for programs, a file for people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import LogChunk, Request, Run, RunState, Step, StepLog, StepPhase

pytestmark = pytest.mark.django_db
STEP = "create-namespace"


@pytest.fixture
def row(open_request: Any, dana: Any) -> Request:
    """Running; the first try of the step failed with two lines, the second has three so far and one of the executor."""
    request: Request = open_request()
    lifecycle.approve(request, by=dana, digest=request.digest)
    run = Run.objects.get()
    lifecycle.claim(run, "worker")
    lifecycle.submitted(run, uid="u")
    step = Step.objects.get(run=run, name=STEP)
    Step.objects.filter(pk=step.pk).update(phase=StepPhase.RUNNING, attempts=2)
    first = StepLog.objects.create(step=step, attempt=0, lines=2, complete=True, source_lines=2, phase="Failed")
    LogChunk.objects.create(log=first, first_line=1, line_count=2, text="one\ntwo")
    second = StepLog.objects.create(step=step, attempt=1, lines=3, source_lines=4, phase="Running")
    LogChunk.objects.create(log=second, first_line=1, line_count=2, text="🔍 alpha\nbeta <b>")
    LogChunk.objects.create(log=second, first_line=3, line_count=1, text="gamma")
    LogChunk.objects.create(log=second, executor=True, first_line=1, line_count=1, text="argo=true")
    return request


def path(row: Request, query: str = "", step: str = STEP) -> str:
    return f"/requests/{row.pk}/steps/{step}/log{query}"


def test_the_newest_try_in_numbered_lines(caller: Any, bob: Any, row: Any) -> None:
    body = caller(bob).get(path(row)).json()
    assert body == {
        "success": True,
        "message": "3 lines of create-namespace.",
        "data": {
            "step": STEP,
            "state": "running",
            "run": 1,
            "attempt": 1,
            "attempts": [0, 1],
            "lines": [
                {"number": 1, "text": "🔍 alpha"},
                {"number": 2, "text": "beta <b>"},
                {"number": 3, "text": "gamma"},
            ],
            "nextAfter": 3,
            "more": False,
            "complete": False,
            "lost": False,
        },
    }


@pytest.mark.parametrize(
    ("query", "texts", "next_after", "more"),
    [
        ("?after=1", ["beta <b>", "gamma"], 3, False),
        ("?after=3", [], 3, False),
        ("?after=99", [], 99, False),
        ("?limit=2", ["🔍 alpha", "beta <b>"], 2, True),
        ("?limit=2&after=2", ["gamma"], 3, False),
        ("?attempt=0", ["one", "two"], 2, False),
        ("?run=1&attempt=0&after=1", ["two"], 2, False),
    ],
)
def test_lines_from_where_one_was(
    caller: Any, alice: Any, row: Any, query: Any, texts: Any, next_after: Any, more: Any
) -> None:
    data = caller(alice).get(path(row, query)).json()["data"]
    assert ([line["text"] for line in data["lines"]], data["nextAfter"], data["more"]) == (texts, next_after, more)


def test_as_text_it_is_the_whole_file(caller: Any, alice: Any, row: Any) -> None:
    answer = caller(alice).get(path(row, "?attempt=1&after=2"), Accept="text/plain")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    name = f"create-namespace-{row.short_id}-1.create-namespace-1.log"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert b"".join(answer.streaming_content).decode() == "🔍 alpha\nbeta <b>\ngamma\n"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", "application/json, text/plain;q=0.5", "?"])
def test_everybody_else_gets_json(caller: Any, alice: Any, row: Any, accept: Any) -> None:
    assert caller(alice).get(path(row), Accept=accept).headers["Content-Type"] == "application/json; charset=utf-8"


def test_what_was_left_out_is_marked(caller: Any, alice: Any, row: Any) -> None:
    LogChunk.objects.filter(text="gamma").update(first_line=10)
    lines = caller(alice).get(path(row)).json()["data"]["lines"]
    assert [line["number"] for line in lines] == [1, 2, 0, 10]
    assert "7 lines were left out" in lines[2]["text"]


def test_a_step_that_has_not_begun_has_an_empty_log(caller: Any, alice: Any, row: Any, open_request: Any) -> None:
    data = caller(alice).get(path(row, step="finalize-setup")).json()["data"]
    assert (data["run"], data["attempt"], data["lines"], data["nextAfter"]) == (1, None, [], 0)
    pending = open_request(name="payments-api-prod")
    assert caller(alice).get(path(pending)).json()["data"]["run"] is None
    empty = caller(alice).get(path(pending), Accept="text/plain")
    assert b"".join(empty.streaming_content) == b""


@pytest.mark.parametrize("query", ["?attempt=2", "?run=2", "?run=0"])
def test_a_try_that_never_was_is_404(caller: Any, alice: Any, row: Any, query: Any) -> None:
    assert caller(alice).get(path(row, query)).status_code == 404


@pytest.mark.parametrize("step", ["nosuch", "%00", "..", "create-namespace%0A", "a%2Fb", "%ff"])
def test_a_step_that_is_not_in_the_plan_is_404(caller: Any, alice: Any, row: Any, step: Any) -> None:
    answer = caller(alice).get(path(row, step=step))
    assert answer.status_code == 404
    assert answer.json()["success"] is False


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", f"?after={10**30}", "?limit=0", "?limit=2001", "?run=1.5"])
def test_numbers_are_numbers(caller: Any, alice: Any, row: Any, query: Any) -> None:
    answer = caller(alice).get(path(row, query))
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [query[1:].split("=")[0]]


def test_reading_keeps_the_worker_copying_but_is_written_down_once_in_a_while(
    caller: Any, alice: Any, row: Any
) -> None:
    now = timezone.now()
    Run.objects.update(watched_until=now)
    caller(alice).get(path(row))
    until = Run.objects.get().watched_until
    assert timedelta(seconds=15) < until - now < timedelta(seconds=30)
    caller(alice).get(path(row))
    assert Run.objects.get().watched_until == until
    Run.objects.update(watched_until=now, state=RunState.FINISHED)
    caller(alice).get(path(row))
    assert Run.objects.get().watched_until == now
