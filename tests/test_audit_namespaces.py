"""`manage.py audit_namespaces`, with a worker beside it and the trial's cluster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from provisioning.models import Check, Namespace, NamespaceStatus, WorkerLease
from tests.lifecycle.life import made
from tests.support.fixtures import connect, templates, trial
from tests.support.trials import Trial
from tests.support.waiting import until
from tests.support.workers import Background

__all__ = ["connect", "templates", "trial"]

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "payments-dev"


@pytest.fixture
def namespace(alice, dana) -> Namespace:
    return made(alice, dana, name=NAME, tier="small")


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("audit_namespaces", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def asked() -> list[str]:
    return sorted(Check.objects.open().values_list("name", flat=True))


def test_without_names_it_asks_for_the_list_and_for_what_was_not_looked_at_for_a_day(namespace, alice, dana):
    made(alice, dana)
    day = timezone.now() - timedelta(days=1, minutes=1)
    Namespace.objects.filter(pk=namespace.pk).update(ready_at=day, checked_at=day)
    code, said = run()
    assert (code, asked()) == (0, ["", NAME])
    assert said == "2 looks asked for; the worker takes them up one after the other.\n"


def test_with_names_it_asks_for_these_also_for_one_that_is_not_known_here(namespace):
    run(NAME, "search-old", NAME)
    assert asked() == [NAME, "search-old"]


def test_all_means_every_one_that_exists(namespace, alice, dana):
    gone = made(alice, dana)
    Namespace.objects.filter(pk=gone.pk).update(status=NamespaceStatus.DELETED)
    Namespace.objects.filter(pk=namespace.pk).update(checked_at=timezone.now())
    run("--all")
    assert asked() == ["", NAME]


@pytest.mark.parametrize("arguments", [["Not_A_Name"], [NAME, "--all"]])
def test_what_cannot_be_meant_is_refused(db, arguments):
    with pytest.raises(CommandError):
        call_command("audit_namespaces", *arguments)
    assert not Check.objects.exists()


def test_without_a_worker_there_is_nothing_to_wait_for(namespace):
    with pytest.raises(CommandError, match=r"manage\.py reconcile"):
        call_command("audit_namespaces", NAME, "--wait")


def test_waiting_ends_in_time_and_says_what_keeps_it(namespace):
    WorkerLease.objects.create(pk=1, holder="w", expires_at=timezone.now() + timedelta(hours=1))
    run(NAME)
    Check.objects.update(trouble="Argo does not answer at the moment.")
    with pytest.raises(CommandError, match=r"1 look did not end in time\. Argo does not answer"):
        call_command("audit_namespaces", NAME, "--wait", "--timeout", "0")


@pytest.fixture
def working(trial: Trial, connect) -> Iterator[None]:
    with Background(connect(trial.url, trial.token)):
        until(lambda: WorkerLease.current().is_alive, what="the worker took the lease")
        yield


@pytest.mark.usefixtures("working")
def test_it_waits_and_prints_what_was_found(namespace, trial: Trial):
    trial.control.foreign_namespace("search-old")
    code, said = run(NAME, "search-old", "search-nothing", "--wait")
    assert code == 1
    assert said.splitlines() == [
        f"{NAME}: 1 finding",
        f"  missing: Namespace/{NAME} is missing.",
        "search-old: there, and not known here",
        "search-nothing: not there, and not known here",
    ]

    Namespace.objects.filter(pk=namespace.pk).update(ready_at=timezone.now() - timedelta(days=1))
    code, said = run("--all", "--wait")
    assert code == 1
    assert said.splitlines()[-2:] == [
        "0 namespaces managed in the cluster",
        f"  ghost: {NAME} is ready here and not in the cluster",
    ]


@pytest.mark.usefixtures("working")
def test_when_all_is_well_it_says_so(db):
    assert run("--wait") == (0, "0 namespaces managed in the cluster\n")
