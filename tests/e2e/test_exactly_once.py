"""Every approved attempt becomes one workflow, however many workers there are and wherever they die."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connections

from provisioning.models import AuditEvent, Phase, Request, Run, RunState
from tests.support.asking import approve_all, open_many
from tests.support.faults import CLOSED_BEFORE, LOST, RESET_AFTER, Fault, Proxy, Seen, gateway
from tests.support.trials import Trial
from tests.support.waiting import until
from tests.support.workers import Passes, Process, client_of

pytestmark = pytest.mark.django_db(transaction=True)


def is_submit(seen: Seen) -> bool:
    return seen.call == "submit"


def states() -> Counter[str]:
    return Counter(Run.objects.values_list("state", flat=True))


def recorded() -> dict[str, str]:
    """Name -> uid, as the portal has it."""
    return dict(Run.objects.values_list("workflow_name", "workflow_uid"))


def there(trial: Trial) -> dict[str, str]:
    """The same, as Argo has it."""
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in trial.workflows()}


def test_four_workers_at_once_over_sixty_approved_requests_make_sixty_workflows(still: Trial, payments, alice, dana):
    """Without the lease, which would let one of them work at a time: nothing may depend on it."""
    approve_all(open_many(60, payments, alice), dana)
    start = threading.Barrier(4)
    troubles: list[BaseException] = []

    def work(number: int) -> None:
        client = client_of(still.url, still.token)
        try:
            worker = Passes(client, name=f"worker-{number}")
            start.wait(20)
            worker.settle()
        except BaseException as error:
            troubles.append(error)
            raise
        finally:
            client.close()
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert troubles == []
    assert states() == {RunState.SUBMITTED: 60}
    assert recorded() == there(still)
    assert AuditEvent.objects.filter(action="run.submitted").count() == 60
    assert Request.objects.filter(phase=Phase.PROVISIONING).count() == 60
    assert Run.objects.values("claimed_by").distinct().count() > 1, "they did not work at the same time"


@pytest.mark.parametrize(
    "fault",
    [LOST, RESET_AFTER, gateway(504, forward=True), gateway(502, b"<html>", forward=True), CLOSED_BEFORE, gateway(503)],
    ids=["lost", "reset", "timeout of a gateway", "page of a gateway", "never arrived", "busy"],
)
def test_a_submission_whose_answer_is_lost_is_adopted_and_one_that_never_arrived_is_sent_again(
    still: Trial, connect, payments, alice, dana, fault: Fault
):
    [run] = approve_all(open_many(1, payments, alice), dana)
    with Proxy(still.server.port, lambda seen: fault if is_submit(seen) else Fault()) as proxy:
        worker = Passes(connect(proxy.url, still.token))
        worker.work()
        assert len(still.names()) == (1 if fault.forward else 0)
        assert states() == {RunState.QUEUED: 1}
        proxy.cease()
        worker.clock.pass_by(minutes=2)
        worker.settle()
        assert recorded() == there(still) == {run.workflow_name: there(still)[run.workflow_name]}
        assert AuditEvent.objects.get(action="run.submitted").after["adopted"] is fault.forward


def test_a_worker_that_is_killed_between_submit_and_record_leaves_one_workflow(still: Trial, payments, alice, dana):
    [run] = approve_all(open_many(1, payments, alice), dana)
    with Proxy(still.server.port) as proxy, proxy.holding(is_submit) as held:
        with Process(proxy.url, still.token) as first:
            assert held.arrived.wait(30), first.output.decode()
            first.kill()
        run.refresh_from_db()
        assert (still.names(), run.state, run.workflow_uid) == ([run.workflow_name], RunState.QUEUED, "")
        assert run.claimed_at is not None

    with Proxy(still.server.port) as proxy, Process(proxy.url, still.token):
        until(lambda: states() == {RunState.SUBMITTED: 1}, 30, "another worker has recorded it")
    assert recorded() == there(still)
    assert AuditEvent.objects.get(action="run.submitted").after["adopted"] is True
    assert Request.objects.get().phase == Phase.PROVISIONING


def test_a_worker_that_is_asked_to_stop_in_the_middle_of_a_call_ends_well(still: Trial, payments, alice, dana):
    approve_all(open_many(1, payments, alice), dana)
    with Proxy(still.server.port) as proxy, Process(proxy.url, still.token) as worker:
        with proxy.holding(is_submit) as held:
            assert held.arrived.wait(30), worker.output.decode()
            asked = threading.Thread(target=held.release)
            asked.start()
            code = worker.terminate()
            asked.join()
        assert code == 0, worker.output.decode()
    assert recorded() == there(still)
    assert b"Traceback" not in worker.output


def test_two_workers_share_by_the_lease_and_the_second_goes_on_when_the_first_is_killed(
    still: Trial, payments, alice, dana
):
    with Process(still.url, still.token) as first:
        first.wait_elected()
        with Process(still.url, still.token) as second:
            until(lambda: b"worker starts" in second.output, 20, "the second has started")
            approve_all(open_many(2, payments, alice), dana)
            until(lambda: states() == {RunState.SUBMITTED: 2}, 20, "the first submits")
            first.kill()
            approve_all(open_many(2, payments, alice, start=2), dana)
            until(lambda: states() == {RunState.SUBMITTED: 4}, 30, "the second submits")
            assert b"worker is elected" in second.output
    assert recorded() == there(still)


def test_argo_that_is_away_and_comes_back_costs_time_and_no_request(
    trial: Trial, worker: Passes, payments, alice, dana
):
    requests = open_many(3, payments, alice)
    trial.control.stop_argo(600)
    approve_all(requests, dana)
    worker.work()
    assert states() == {RunState.QUEUED: 3}
    assert Run.objects.filter(failures__gt=0).count() == 1, "it is asked once per pass, not once per row"
    assert Run.objects.exclude(trouble="").get().trouble.startswith("Argo does not answer")

    trial.control.stop_argo(0)
    until(lambda: not trial.server.away, 10)
    worker.until(lambda: Request.objects.filter(phase=Phase.SUCCEEDED).count() == 3, trial, 60)
    assert recorded() == there(trial)
    assert not Run.objects.exclude(trouble="").exists()


def test_an_argo_that_was_replaced_by_an_empty_one_ends_its_runs_with_a_plain_sentence(
    still: Trial, connect, payments, alice, dana
):
    approve_all(open_many(2, payments, alice), dana)
    worker = Passes(connect(still.url, still.token))
    worker.settle()
    for name in still.names():
        still.store.delete("workflows", "argo", name)
    worker.settle()
    assert states() == {RunState.FINISHED: 2}
    assert set(Request.objects.values_list("phase", "message")) == {
        (Phase.FAILED, "Its workflow is no longer in the cluster, and nobody saw how it ended.")
    }


def test_somebody_elses_workflow_of_the_same_name_is_not_taken_for_ours(still: Trial, connect, payments, alice, dana):
    [run] = approve_all(open_many(1, payments, alice), dana)
    still.store.create(
        "workflows", {"metadata": {"name": run.workflow_name, "namespace": "argo"}, "spec": {"entrypoint": "x"}}
    )
    worker = Passes(connect(still.url, still.token))
    worker.settle()
    request = Request.objects.get()
    assert request.phase == Phase.FAILED
    assert f"a workflow named {run.workflow_name}, and it is not this request's" in request.message
