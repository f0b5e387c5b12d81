"""The same path as JSON, with tokens: the founding document's three calls, and those around them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from provisioning.models import ApiToken, Phase, Request, Run, RunState, Scope, User
from tests.support.faults import Proxy
from tests.support.trials import Trial
from tests.support.waiting import until
from tests.support.workers import Passes, Process

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = {
    "namespaceName": "payments-api-prod",
    "team": "payments",
    "resourceTier": "large",
    "features": ["logging", "monitoring"],
    "rbac": {"admins": ["alice@example.com"], "editors": [], "viewers": ["bob@example.com"]},
    "purpose": "Card payments",
}


class Machine:
    """A script of somebody, with a token that may do all that they may."""

    def __init__(self, user: User) -> None:
        ends = timezone.now() + dt.timedelta(days=1)
        _, text = ApiToken.issue(user, "script", [str(scope) for scope in Scope.values], ends)
        self.client = Client(headers={"Authorization": f"Bearer {text}"})

    def call(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        answer = self.client.generic(
            method,
            f"/api/v1{path}",
            data=b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers=headers,
        )
        found = answer.json()
        assert answer.status_code == status, found
        assert found["success"] is (status < 400)
        return found.get("data", found)

    def status(self, pk: str) -> Any:
        return self.call("GET", f"/namespaces/request/{pk}/status")


def approve(admin: Machine, pk: str) -> None:
    digest = admin.call("GET", f"/requests/{pk}")["digest"]
    admin.call("POST", f"/requests/{pk}/decision", {"decision": "approve", "digest": digest})


def test_a_namespace_is_asked_for_approved_followed_and_read(alice, dana, trial: Trial, worker: Passes):
    script, admin = Machine(alice), Machine(dana)
    receipt = script.call("POST", "/namespaces/request", ASKED, 202)
    pk = receipt["requestId"]
    assert receipt["status"] == Phase.PENDING
    assert receipt["workflowName"] is None

    approve(admin, pk)
    worker.until(lambda: script.status(pk)["status"] == Phase.SUCCEEDED, trial)
    worker.settle()

    told = script.status(pk)
    assert (told["workflowName"], told["workflowPhase"]) == (trial.names()[0], "Succeeded")
    assert told["progress"] == "7/7"
    assert [step["state"] for step in told["steps"]] == ["succeeded"] * 7
    log = script.call("GET", f"/requests/{pk}/steps/create-namespace/log")
    assert any("payments-api-prod" in line["text"] for line in log["lines"])
    assert script.call("GET", "/namespaces/payments-api-prod")["resourceTier"] == "large"
    script.call("DELETE", f"/namespaces/request/{pk}", status=409)


def test_the_same_key_asks_once_and_a_failed_run_is_retried(alice, dana, trial: Trial, worker: Passes):
    script, admin = Machine(alice), Machine(dana)
    trial.control.refuse("ResourceQuota", "*", "no quota today")
    first, again = (
        script.call("POST", "/namespaces/request", ASKED, 202, **{"Idempotency-Key": "deploy-17"}) for _ in range(2)
    )
    assert first["requestId"] == again["requestId"]
    assert Request.objects.count() == 1
    pk = first["requestId"]
    approve(admin, pk)
    worker.until(lambda: script.status(pk)["status"] == Phase.FAILED, trial)
    told = script.status(pk)
    assert "no quota today" in told["message"]

    trial.control.reset()
    script.call("POST", f"/requests/{pk}/retry", status=202)
    worker.until(lambda: script.status(pk)["status"] == Phase.SUCCEEDED, trial)
    assert len(trial.names()) == 2


def test_a_running_request_is_called_off_and_ends_when_argo_says_so(alice, dana, trial: Trial, worker: Passes):
    script, admin = Machine(alice), Machine(dana)
    trial.control.unschedulable("apply-rbac")
    pk = script.call("POST", "/namespaces/request", ASKED, 202)["requestId"]
    approve(admin, pk)
    worker.until(lambda: script.status(pk)["workflowPhase"] == "Running", trial)
    assert script.call("DELETE", f"/namespaces/request/{pk}", status=202)["status"] == Phase.PROVISIONING
    worker.until(lambda: script.status(pk)["status"] == Phase.CANCELLED, trial)
    script.call("POST", f"/requests/{pk}/retry", status=409)


def test_a_worker_killed_between_submit_and_record_makes_one_workflow_of_a_call(alice, dana, still: Trial):
    pk = Machine(alice).call("POST", "/namespaces/request", ASKED, 202)["requestId"]
    approve(Machine(dana), pk)
    with Proxy(still.server.port) as proxy, proxy.holding(lambda seen: seen.call == "submit") as held:
        with Process(proxy.url, still.token) as first:
            assert held.arrived.wait(30), first.output.decode()
            first.kill()
        assert Run.objects.get().state == RunState.QUEUED
    assert Machine(alice).status(pk)["workflowName"] is None
    with Process(still.url, still.token):
        until(lambda: Machine(alice).status(pk)["workflowName"], 30, "another worker has recorded it")
    assert still.names() == [Machine(alice).status(pk)["workflowName"]]
