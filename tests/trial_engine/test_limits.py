"""Deadlines, mutexes, and what may be wrong with the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import START, World, dag, script, task

OK = script("ok", "echo ok")
LONG = script("long", "sleep 600")
BYE = script("bye", "echo bye")
POD_LIMIT = "Pod was active on the node longer than the specified deadline"


def test_a_template_deadline_ends_its_pod(world: World) -> None:
    world.submit("w", [script("main", "sleep 600", activeDeadlineSeconds="300")])
    world.until("w", "", "Running")
    assert world.engine.next_due() == START + 300
    world.clock.advance(300)
    world.finish()
    node = world.nodes("w")[""]
    assert (node["phase"], node["message"]) == ("Failed", POD_LIMIT)
    assert node["outputs"] == {"exitCode": "143"}
    assert world.status("w")["message"] == POD_LIMIT


def test_a_script_that_ignores_the_first_signal_is_killed_after_the_grace(world: World) -> None:
    text = "trap '' TERM; echo ready; while :; do sleep 0.02; done"
    world.submit("w", [script("main", text, activeDeadlineSeconds=5)])
    world.until("w", "", "Running")
    world.store.wait_log("argo", "w", after=1, timeout=30)
    world.clock.advance(5)
    world.engine.work()
    assert world.nodes("w")[""]["phase"] == "Running"
    world.clock.advance(2)
    world.finish()
    assert world.nodes("w")[""]["outputs"] == {"exitCode": "137"}


def test_the_workflow_deadline_ends_what_runs_and_lets_the_exit_handler_run(world: World) -> None:
    retry = {"limit": "3", "backoff": {"duration": "5s"}}
    long = script("long", "sleep 600", retryStrategy=retry)
    tasks = dag(task("a", "long"), task("z", "ok", "a"))
    world.submit("w", [tasks, long, OK, BYE], onExit="bye", activeDeadlineSeconds=35)
    world.until("w", ".a(0)", "Running")
    world.clock.advance(35)
    world.finish()
    nodes = world.nodes("w")
    assert nodes[".a(0)"]["message"] == "Step exceeded its deadline"
    assert nodes[".a"]["message"] == "retry exceeded workflow deadline 2027-01-15 08:00:35 +0000 UTC"
    assert nodes[".z"]["phase"] == "Omitted"
    assert nodes[".onExit"]["phase"] == "Succeeded"
    assert world.status("w")["phase"] == "Failed"
    assert "message" not in world.status("w")


def test_the_workflow_deadline_of_a_single_pod_gives_the_text_of_the_kubelet(world: World) -> None:
    world.submit("w", [script("main", "sleep 600")], activeDeadlineSeconds=6)
    world.until("w", "", "Running")
    world.clock.advance(6)
    world.finish()
    assert world.status("w")["message"] == POD_LIMIT


def test_the_workflow_deadline_ends_a_pending_pod_at_the_second(world: World) -> None:
    world.store.set_condition("image_pull_fails", ["alpine:3.18"])
    world.submit("w", [script("main", "true")], activeDeadlineSeconds=5)
    world.finish()
    status = world.status("w")
    assert (status["phase"], status["message"]) == ("Failed", "Step exceeded its deadline")
    assert status["finishedAt"] == "2027-01-15T08:00:05Z"
    assert "outputs" not in world.nodes("w")[""]


def locked(world: World, name: str, text: str = "true", **spec: Any) -> None:
    arguments = {"parameters": [{"name": "ns", "value": "x"}]}
    mutexes = {"mutexes": [{"name": "ns-{{workflow.parameters.ns}}"}]}
    world.submit(name, [script("main", text), BYE], arguments=arguments, synchronization=mutexes, **spec)


def test_a_mutex_lets_one_in_and_the_others_wait_in_order(world: World, gate: Any) -> None:
    gates = {name: gate(name) for name in ("first", "second", "third")}
    for name, pipe in gates.items():
        locked(world, name, f"cat {pipe}")
        world.engine.work()
        world.clock.advance(1)
    world.until("first", "", "Running")
    status = world.status("second")
    assert status["phase"] == "Pending"
    assert status["message"] == "Waiting for argo/Mutex/ns-x lock. Lock status: 0/1"
    assert (status["progress"], status["startedAt"], status["finishedAt"]) == ("0/0", None, None)
    assert status["synchronization"] == {"mutex": {"waiting": [{"mutex": "argo/Mutex/ns-x", "holder": "argo/first"}]}}
    assert "nodes" not in status
    assert "workflows.argoproj.io/pod-name-format" not in world.workflow("second")["metadata"]["annotations"]
    assert world.status("first")["synchronization"] == {
        "mutex": {"holding": [{"mutex": "argo/Mutex/ns-x", "holder": "argo/first"}]}
    }
    gates["first"].open()
    world.until("second", "", "Running")
    assert "synchronization" not in world.status("first")
    assert world.status("second").get("message") is None
    assert world.status("third")["phase"] == "Pending"
    gates["second"].open()
    world.until("third", "", "Running")
    gates["third"].open()
    world.finish()
    assert {world.status(name)["phase"] for name in gates} == {"Succeeded"}


def test_stop_has_no_effect_on_one_that_waits_until_it_gets_the_lock(world: World, gate: Any) -> None:
    pipe = gate("g")
    locked(world, "holder", f"cat {pipe}")
    world.until("holder", "", "Running")
    locked(world, "waiter", onExit="bye")
    world.engine.work()
    world.change("waiter", shutdown="Stop")
    world.engine.work()
    assert world.status("waiter")["phase"] == "Pending"
    pipe.open()
    world.finish()
    status = world.status("waiter")
    assert (status["phase"], status["message"]) == ("Failed", "Stopped with strategy 'Stop'")
    assert world.nodes("waiter")[""]["message"] == "workflow shutdown with strategy: Stop"
    assert world.nodes("waiter")[".onExit"]["phase"] == "Succeeded"


def test_terminate_ends_one_that_waits_at_once(world: World) -> None:
    locked(world, "holder", "sleep 600")
    world.until("holder", "", "Running")
    locked(world, "waiter", onExit="bye")
    locked(world, "next")
    world.engine.work()
    world.change("waiter", shutdown="Terminate")
    world.engine.work()
    status = world.status("waiter")
    assert (status["phase"], status["message"]) == ("Failed", "Stopped with strategy 'Terminate'")
    assert status["progress"] == "0/0"
    assert status["conditions"] == [{"type": "Completed", "status": "True"}]
    assert "nodes" not in status
    world.change("holder", shutdown="Terminate")
    world.finish()
    assert world.status("next")["phase"] == "Succeeded"


def test_a_deleted_holder_gives_its_lock_up(world: World) -> None:
    locked(world, "holder", "sleep 600")
    world.until("holder", "", "Running")
    locked(world, "waiter")
    world.engine.work()
    world.store.delete("workflows", "argo", "holder")
    world.finish()
    assert world.status("waiter")["phase"] == "Succeeded"


def test_an_image_that_cannot_be_pulled_is_tried_until_the_task_is_over_its_limit(world: World) -> None:
    world.store.set_condition("image_pull_fails", "alpine:3.18")
    text = (
        'ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/alpine:3.18"'
        ': failed to resolve reference "docker.io/library/alpine:3.18": docker.io/library/alpine:3.18: not found'
    )
    world.submit("w", [script("main", "true", activeDeadlineSeconds=40)])
    world.engine.settle()
    node = world.nodes("w")[""]
    assert (node["phase"], node["message"]) == ("Pending", text)
    world.clock.advance(10)
    world.engine.settle()
    backing_off = f'ImagePullBackOff: Back-off pulling image "docker.io/library/alpine:3.18": {text}'
    assert world.nodes("w")[""]["message"] == backing_off
    world.finish()
    assert world.status("w")["message"] == POD_LIMIT
    assert world.clock() == START + 40


def test_an_image_that_can_be_pulled_again_is(world: World) -> None:
    world.store.set_condition("image_pull_fails", "*")
    world.submit("w", [script("main", "true")])
    world.engine.settle()
    world.store.set_condition("image_pull_fails", None)
    world.finish()
    assert world.status("w")["phase"] == "Succeeded"


@pytest.mark.parametrize("step", ["*", "long", "a"])
def test_a_pod_that_no_node_takes_waits_beyond_every_deadline_until_it_is_stopped(world: World, step: str) -> None:
    world.store.set_condition("unschedulable", step)
    long = script("long", "true", activeDeadlineSeconds=30)
    world.submit("w", [dag(task("a", "long"), task("b", "ok")), long, OK, BYE], activeDeadlineSeconds=40, onExit="bye")
    world.engine.settle()
    world.clock.advance(200)
    world.engine.settle()
    node = world.nodes("w")[".a"]
    assert node["phase"] == "Pending"
    assert node["message"].startswith("Unschedulable: 0/1 nodes are available: 1 node(s) didn't match")
    assert "hostNodeName" not in node
    assert world.status("w")["phase"] == "Running"
    world.store.set_condition("unschedulable", None if step == "*" else step)
    world.change("w", shutdown="Stop")
    world.finish()
    assert world.nodes("w")[".a"]["message"] == "workflow shutdown with strategy:  Stop"
    assert world.nodes("w")[".onExit"]["phase"] == "Succeeded"


@pytest.mark.parametrize(("text", "seconds"), [("true", 60), ("false", 100)])
def test_a_finished_workflow_is_deleted_when_its_time_is_over(world: World, text: str, seconds: int) -> None:
    ttl = {"secondsAfterSuccess": 60, "secondsAfterFailure": 100}
    world.submit("w", [script("main", text)], ttlStrategy=ttl)
    assert world.engine.settle() == START + seconds
    assert world.store.pods("argo", "w") != []
    world.clock.advance(seconds)
    world.engine.settle()
    assert world.store.list("workflows") == []
    assert world.store.pods("argo", "w") == []
