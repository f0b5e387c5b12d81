"""Measured, never judged: ratios within one run, and what grows with the number of runs in flight.

`make bench` prints the tables that the README holds. Numbers depend on the machine; ratios much less.
"""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection

from provisioning.models import ArgoStatus, Request, Run
from provisioning.reconcile import observe, resync, submit
from provisioning.reconcile.resync import GOING_ON
from tests.bench.generator import Generator
from tests.bench.rows import in_flight
from tests.support.asking import approve_all, open_many
from tests.support.waiting import until
from tests.support.workers import Passes, Process

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]

TOKEN = "bench"
SUBMISSIONS = 200
EVENTS = 200
WINDOW_SECONDS = 65.0
RESYNC_SECONDS = "30"
REPEATS = 7


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[str, list[str], Iterable[list[str]]], None]:
    def table(title: str, head: list[str], rows: Iterable[list[str]]) -> None:
        lines = [f"\n\n{title}\n", f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
        with capsys.disabled():
            print("\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]))  # noqa: T201

    return table


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def seconds_of(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(len(values) * 0.99))]


def test_what_a_submission_costs_against_a_bare_post(argo: Generator, connect, payments, alice, dana, show):
    approve_all(open_many(SUBMISSIONS, payments, alice), dana)
    desk = Passes(connect(argo.url, TOKEN)).context
    runs = submit.due(desk)
    session = requests.Session()
    session.trust_env = False
    url, headers = f"{argo.url}/api/v1/workflows/argo", {"Authorization": f"Bearer {TOKEN}"}
    ours, bare = [], []
    while runs:
        for run in runs:
            body = {"workflow": submit.built(run)}
            bare.append(seconds_of(lambda body=body: session.post(url, json=body, headers=headers).json()))  # type: ignore[misc]
            ours.append(seconds_of(lambda run=run: submit.submit(desk, run)))  # type: ignore[misc]
        runs = submit.due(desk)
    session.close()
    assert len(ours) == SUBMISSIONS
    median, plain = statistics.median(ours), statistics.median(bare)
    show(
        f"Submitting {SUBMISSIONS} approved runs",
        ["", "median", "p99", "ratio"],
        [
            ["bare `requests.post` of the same body", ms(plain), ms(p99(bare)), "1"],
            ["the worker: claim, build, submit, record, audit", ms(median), ms(p99(ours)), f"{median / plain:.1f}"],
        ],
    )


@pytest.mark.parametrize("count", [10, 1_000, 10_000])
def test_how_long_news_take_and_what_following_costs(argo: Generator, payments, alice, dana, client, show, count: int):
    names = in_flight(count, argo, payments, alice, dana)
    client.force_login(alice)
    with Process(argo.url, TOKEN, RESYNC_SECONDS=RESYNC_SECONDS, LOG_LEVEL="WARNING", ARGO_TIMEOUT="30000") as worker:
        until(lambda: ArgoStatus.current().watch_since is not None, 60, "the watch is open")
        until(lambda: ArgoStatus.current().checked_at is not None, 60, "the self-check is over")
        first = (dict(argo.calls), time.monotonic())
        lags = [_lag(argo, names[number * 7 % len(names)], client) for number in range(EVENTS)]
        threading.Event().wait(max(0.0, WINDOW_SECONDS - (time.monotonic() - first[1])))
        minutes = (time.monotonic() - first[1]) / 60
        calls = {kind: (total - first[0].get(kind, 0)) / minutes for kind, total in argo.calls.items()}
        memory = _memory(worker.pid)
    rows, fragments = [row for row, _ in lags], [fragment for _, fragment in lags]
    news = calls.pop("log", 0.0) / (EVENTS / minutes)
    show(
        f"{count:,} runs in flight, {EVENTS} events",
        ["", "median", "p99"],
        [
            ["event to row", ms(statistics.median(rows)), ms(p99(rows))],
            ["event to fragment", ms(statistics.median(fragments)), ms(p99(fragments))],
            [
                "calls to Argo per minute: " + ", ".join(f"{kind} {rate:.1f}" for kind, rate in sorted(calls.items())),
                f"{sum(calls.values()):.1f}",
                f"and {news:.1f} logs per event",
            ],
            ["memory of the worker (highest)", f"{memory['VmRSS']:.0f} MiB", f"{memory['VmHWM']:.0f} MiB"],
        ],
    )


def _lag(argo: Generator, name: str, client: Any) -> tuple[float, float]:
    """Seconds from the event until the row says so, and until a page that asks then has it."""
    run = Run.objects.select_related("request").get(workflow_name=name)
    request = Request.objects.get(pk=run.request_id)
    began = time.perf_counter()
    version = argo.go_on(name)
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT resource_version FROM provisioning_run WHERE id = %s", [run.pk])
            if cursor.fetchone()[0] == version:
                break
            assert time.perf_counter() - began < 60, "the event never came through"
            time.sleep(0.001)
    row = time.perf_counter() - began
    client.get(f"/requests/{run.request_id}/status/?v={request.version}")
    return row, time.perf_counter() - began


def _memory(pid: int) -> dict[str, float]:
    """MiB."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) / 1024 for line in lines if line[0] in {"VmRSS:", "VmHWM:"}}


def test_what_a_resync_of_ten_thousand_costs_against_reading_the_list(
    argo: Generator, connect, payments, alice, dana, show
):
    names = in_flight(10_000, argo, payments, alice, dana)
    desk = Passes(connect(argo.url, TOKEN)).context
    alone, whole = [], []
    for number in range(REPEATS):
        argo.go_on(names[number])
        argo.items_cached()
        alone.append(seconds_of(lambda: desk.client.list_workflows(GOING_ON)))
        found: list[int] = []
        whole.append(seconds_of(lambda found=found: _resync(desk, found)))  # type: ignore[misc]
        assert len(found) == 1
    plain, median = statistics.median(alone), statistics.median(whole)
    show(
        "A resync of 10,000 runs of which one changed",
        ["", "median", "ratio"],
        [
            ["reading the list alone", ms(plain), "1"],
            ["list, comparison, reading and recording the one", ms(median), f"{median / plain:.2f}"],
        ],
    )


def _resync(desk: Any, found: list[int]) -> None:
    found += resync.resync(desk).doubtful
    for pk in found:
        observe.fetch(desk, Run.objects.select_related("request").get(pk=pk))
