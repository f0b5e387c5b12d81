"""Recorded workflows read back, submitted, and acted upon."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest

from . import departures
from .replaying import Exchange, assert_same, exchange, listed, moment, names, put, send

if TYPE_CHECKING:
    from provisioning.trial.store import Store

    from .client import Client
    from .conftest import Clock

ACTION_LABELS = ("workflows.argoproj.io/action", "workflows.argoproj.io/actor")


def is_whole_object(recorded: Exchange) -> bool:
    path = re.fullmatch(r"/api/v1/workflows/[^/]+/[^/@]+", recorded.request["path"])
    whole = isinstance(recorded.body, dict) and "uid" in recorded.body.get("metadata", {})
    return bool(path and whole and recorded.request["method"] == "GET" and not recorded.request.get("query"))


def is_submission(recorded: Exchange) -> bool:
    request = recorded.request
    asked = (request["method"], request["path"], recorded.response["status"])
    return asked == ("POST", "/api/v1/workflows/argo", 200)


def archived(name: str) -> bool:
    return re.match(r"10\d\d-", name) is not None


READ = [name for name in names() if not archived(name) and is_whole_object(exchange(name))]
SUBMITTED = [
    name
    for name in names()
    if re.match(r"[25]\d\d-.*-submit", name)
    and is_submission(exchange(name))
    and name not in departures.REFUSED_BY_THE_ENGINE
]
# What each action was done to: the recording that shows it, or the answer itself without the action's effect.
BEFORE = {
    "301-suspend-node-resume-nomatch": "300-suspend-node-get-waiting",
    "304-resume-finished": "304-resume-finished",
    "305-set-bogus-phase": "307-set-outputs",
    "306-set-no-selector": "307-set-outputs",
    "312-stop-finished": "311-stop-get-final",
    "314-suspend-finished": "311-stop-get-final",
    "315-set-finished": "311-stop-get-final",
    "317-terminate-again": "316-terminate-running",
    "324-terminated-retry": "322-terminate-dag-get-final",
    "327-terminated-retry": "326-terminate-dag2-get-final",
    "331-suspend-again": "330-suspend-running",
    "335-resume-suspended": "334-terminate-while-suspended-get",
    "337-resume-finished": "336-resume-get-final",
    "362-mutex-waiting-retry": "360-mutex-waiting-get",
    "411-nocontroller-terminate": "410-nocontroller-stop",
    "416-nocontroller-delete": "",
    "894-mutex-waiting-suspend": "",
    "895-mutex-waiting-delete": "894-mutex-waiting-suspend",
}
UNDONE = listed("""
310-stop-running 316-terminate-running 321-terminate-dag 326-terminate-dag2 330-suspend-running 365-mutex-waiting-stop
371-parallelism-terminate 410-nocontroller-stop 415-nocontroller-terminate-fresh 854-imagepull-terminate
882-controller-down-stop 892-mutex-waiting-stop 894-mutex-waiting-suspend
""")
BY_PHASE = {
    "329-retry-while-running": "Running",
    "347-retry-succeeded": "Succeeded",
    "349-resubmit-memoized-succeeded": "Succeeded",
    "351-retry-running": "Running",
    "352-delete-running": "Running",
    "357-delete-finished-options": "Succeeded",
    "416-nocontroller-delete": "",
}
RESUBMITTED = ["344-resubmit-failed", "350-resubmit-running-fixed-name", "414-nocontroller-resubmit"]


@pytest.mark.parametrize("name", READ)
def test_a_recorded_workflow_is_read_back_to_the_letter(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    put(store, clock, recorded.body)
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", SUBMITTED)
def test_a_recorded_workflow_is_accepted_with_the_recorded_answer(name: str, client: Client, clock: Clock) -> None:
    recorded = exchange(name)
    clock.set(moment(recorded.body["metadata"]["creationTimestamp"]))
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", [name for name, before in BEFORE.items() if before])
def test_an_action_on_a_recorded_workflow_is_answered_as_recorded(
    name: str, client: Client, clock: Clock, store: Store
) -> None:
    recorded = exchange(name)
    put(store, clock, exchange(BEFORE[name]).body)
    if isinstance(recorded.body, dict) and recorded.request["path"].endswith("/retry") and "status" in recorded.body:
        clock.set(moment(recorded.body["status"]["startedAt"]))
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", UNDONE)
def test_an_action_leaves_the_workflow_as_recorded(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    before: dict[str, Any] = copy.deepcopy(recorded.body)
    for label in ACTION_LABELS:
        before["metadata"]["labels"].pop(label, None)
    for field in ("shutdown",) if recorded.body["spec"].get("shutdown") else ("suspend",):
        before["spec"].pop(field)
    put(store, clock, before)
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", BY_PHASE)
def test_an_action_that_depends_on_the_phase_is_answered_as_recorded(
    name: str, client: Client, clock: Clock, store: Store
) -> None:
    recorded = exchange(name)
    workflow = exchange("101-submit-fixed-name").body
    named = recorded.request["path"].split("/")[5]
    status = {**workflow["status"], **({"phase": BY_PHASE[name]} if BY_PHASE[name] else {})}
    put(store, clock, {**workflow, "metadata": {**workflow["metadata"], "name": named}, "status": status})
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", RESUBMITTED)
def test_a_resubmission_makes_the_recorded_workflow(name: str, client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange(name)
    old: dict[str, Any] = copy.deepcopy(recorded.body)
    old["metadata"]["name"] = old["metadata"]["labels"].pop("workflows.argoproj.io/resubmitted-from-workflow")
    old["metadata"]["labels"] |= {
        "workflows.argoproj.io/phase": "Failed",
        "workflows.argoproj.io/completed": "true",
        "workflows.argoproj.io/action": "Retry",
    }
    old["status"] = {"phase": "Failed"}
    put(store, clock, old)
    assert_same(recorded, send(client, recorded))


def test_a_suspended_workflow_is_resumed_before_any_controller_has_seen_it(
    client: Client, clock: Clock, store: Store
) -> None:
    before: dict[str, Any] = copy.deepcopy(exchange("401-nocontroller-get-after-5s").body)
    before["spec"]["suspend"] = True
    put(store, clock, before)
    recorded = exchange("409-nocontroller-resume")
    assert_same(recorded, send(client, recorded))


def test_a_deleted_workflow_is_gone(client: Client, clock: Clock, store: Store) -> None:
    recorded = exchange("417-nocontroller-get-deleted")
    named = recorded.request["path"].split("/")[5]
    workflow = exchange("101-submit-fixed-name").body
    put(store, clock, {**workflow, "metadata": {**workflow["metadata"], "name": named}})
    deletion = exchange("416-nocontroller-delete")
    assert_same(deletion, send(client, deletion))
    assert_same(recorded, send(client, recorded))


@pytest.mark.parametrize("name", departures.REFUSED_BY_THE_ENGINE)
def test_what_the_engine_cannot_run_is_refused_in_words(name: str, client: Client) -> None:
    answer = send(client, exchange(name))
    assert answer.status == 501
    assert answer.json["code"] == 12
    assert re.match(r"trial: .* is not implemented", answer.json["message"])
