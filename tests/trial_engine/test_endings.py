"""Steps, exit handlers, stop and terminate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import World, dag, script, task

OK = script("ok", "echo ok")
BAD = script("bad", "exit 1")
BYE = script("bye", "echo bye")


def test_groups_of_steps_run_one_after_another(world: World) -> None:
    steps = [
        [{"name": "s1", "template": "ok"}, {"name": "s1b", "template": "ok", "when": "a == b"}],
        [{"name": "s2", "template": "ok"}],
    ]
    world.submit("w", [{"name": "main", "steps": steps}, OK])
    world.finish()
    nodes = world.nodes("w")
    assert world.phases("w") == {
        "": "Succeeded", "[0]": "Succeeded", "[0].s1": "Succeeded", "[0].s1b": "Skipped", "[1]": "Succeeded",
        "[1].s2": "Succeeded",
    }  # fmt: skip
    assert nodes[""]["type"] == "Steps"
    assert nodes["[0]"]["type"] == "StepGroup"
    assert nodes[""]["children"] == [nodes["[0]"]["id"]]
    assert nodes["[0]"]["children"] == [nodes["[0].s1"]["id"], nodes["[0].s1b"]["id"]]
    assert nodes["[0].s1"]["children"] == nodes["[0].s1b"]["children"] == [nodes["[1]"]["id"]]
    assert nodes[""]["outboundNodes"] == [nodes["[1].s2"]["id"]]
    assert nodes["[0].s1b"]["message"] == "when 'a == b' evaluated false"


def test_a_failed_step_names_its_node(world: World) -> None:
    steps = [[{"name": "s1", "template": "bad"}], [{"name": "s2", "template": "ok"}]]
    world.submit("stepsf-kl478", [{"name": "main", "steps": steps}, OK, BAD])
    world.finish()
    assert world.status("stepsf-kl478")["message"] == "child 'stepsf-kl478-1605373077' failed"
    assert world.nodes("stepsf-kl478")["[0]"]["message"] == "child 'stepsf-kl478-1605373077' failed"
    assert "[1]" not in world.nodes("stepsf-kl478")


def test_a_later_step_reads_the_output_of_an_earlier_one(world: World) -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p"}}]}
    steps = [
        [{"name": "one", "template": "write"}],
        [{"name": "two", "template": "ok", "when": "{{steps.one.outputs.parameters.p}} == yes"}],
    ]
    world.submit("w", [{"name": "main", "steps": steps}, script("write", "echo yes > /tmp/p", outputs=outputs), OK])
    world.finish()
    assert world.phases("w")["[1].two"] == "Succeeded"


def test_the_exit_handler_runs_after_success_and_counts(world: World) -> None:
    world.submit("w", [script("main", "true"), BYE], onExit="bye")
    world.finish()
    nodes = world.nodes("w")
    assert nodes[".onExit"]["nodeFlag"] == {"hooked": True}
    assert nodes[".onExit"]["displayName"] == "w.onExit"
    assert world.status("w")["progress"] == "2/2"


def test_the_exit_handler_runs_after_failure_and_the_failure_stays(world: World, gate: Any) -> None:
    stop = gate("stop")
    world.submit("w", [script("main", "exit 3"), script("bye", f"cat {stop}; exit 2")], onExit="bye")
    world.until("w", ".onExit", "Running")
    assert world.status("w")["phase"] == "Running"
    stop.open()
    world.finish()
    assert world.status("w")["phase"] == "Failed"
    assert world.status("w")["message"] == "main: Error (exit code 3)"
    assert world.nodes("w")[".onExit"]["message"] == "main: Error (exit code 2)"


def test_a_failing_exit_handler_fails_what_had_succeeded(world: World) -> None:
    world.submit("w", [script("main", "true"), script("bye", "exit 2")], onExit="bye")
    world.finish()
    assert world.status("w")["phase"] == "Failed"
    assert world.status("w")["message"] == "main: Error (exit code 2)"


def test_the_exit_handler_is_told_the_status_and_the_failures(world: World) -> None:
    env = [{"name": "S", "value": "{{workflow.status}}"}, {"name": "F", "value": "{{workflow.failures}}"}]
    bye = script("bye", 'echo "$S"; echo "$F"', container={"env": env})
    world.submit("onexit-kvl7c", [script("main", "exit 1"), bye], onExit="bye")
    world.finish()
    status, failures = world.log("onexit-kvl7c-bye-3685457483")
    assert status == "Failed"
    [failure] = json.loads(json.loads(failures))
    assert failure.pop("finishedAt")
    assert failure == {
        "displayName": "onexit-kvl7c", "message": "main: Error (exit code 1)", "templateName": "main",
        "phase": "Failed", "podName": "onexit-kvl7c",
    }  # fmt: skip


def test_stop_ends_the_pods_and_runs_the_exit_handler(world: World) -> None:
    world.submit(
        "w", [dag(task("a", "long"), task("b", "ok", "a")), script("long", "sleep 600"), OK, BYE], onExit="bye"
    )
    world.until("w", ".a", "Running")
    world.change("w", shutdown="Stop")
    world.finish()
    status = world.status("w")
    assert (status["phase"], status["message"]) == ("Failed", "Stopped with strategy 'Stop'")
    nodes = world.nodes("w")
    assert (nodes[".a"]["phase"], nodes[".a"]["message"]) == ("Failed", "main: Error (exit code 143)")
    assert nodes[".a"]["outputs"] == {"exitCode": "143"}
    assert nodes[".b"]["phase"] == "Omitted"
    assert nodes[".onExit"]["phase"] == "Succeeded"


def test_terminate_ends_the_pods_without_the_exit_handler(world: World) -> None:
    retry = {"limit": "3", "backoff": {"duration": "5s"}}
    long = script("long", "sleep 600", retryStrategy=retry)
    world.submit("w", [dag(task("a", "long"), task("b", "ok", "a")), long, OK, BYE], onExit="bye")
    world.until("w", ".a(0)", "Running")
    world.change("w", shutdown="Terminate")
    world.finish()
    status = world.status("w")
    assert (status["phase"], status["message"]) == ("Failed", "Stopped with strategy 'Terminate'")
    assert status["progress"] == "0/1"
    nodes = world.nodes("w")
    assert ".onExit" not in nodes
    assert nodes[".a"]["message"] == "Stopped with strategy 'Terminate'"
    assert set(nodes) == {"", ".a", ".a(0)", ".b"}


def test_a_stopped_pod_that_ends_well_all_the_same_has_succeeded(world: World) -> None:
    text = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    world.submit("w", [dag(task("b", "t")), script("t", text)])
    world.until("w", ".b", "Running")
    pod = world.store.pods("argo", "w")[0].name
    world.store.wait_log("argo", pod, after=1, timeout=30)  # the trap is set
    world.change("w", shutdown="Terminate")
    world.finish()
    node = world.nodes("w")[".b"]
    assert (node["phase"], node["message"]) == ("Succeeded", "workflow shutdown with strategy:  Terminate")
    assert node["progress"] == "1/1"
    assert world.status("w")["phase"] == "Succeeded"


def test_terminate_reaches_the_exit_handler_too(world: World) -> None:
    world.submit("w", [script("main", "exit 1"), script("bye", "sleep 600")], onExit="bye")
    world.until("w", ".onExit", "Running")
    world.change("w", shutdown="Terminate")
    world.finish()
    assert world.nodes("w")[".onExit"]["message"] == "main: Error (exit code 143)"
    assert world.status("w")["phase"] == "Failed"


def test_stop_leaves_a_running_exit_handler_alone(world: World, gate: Any) -> None:
    stop = gate("stop")
    world.submit("w", [script("main", "true"), script("bye", f"cat {stop}; echo bye")], onExit="bye")
    world.until("w", ".onExit", "Running")
    world.change("w", shutdown="Stop")
    world.engine.work()
    stop.open()
    world.finish()
    assert world.status("w")["phase"] == "Succeeded"


@pytest.mark.parametrize("strategy", ["Stop", "Terminate"])
def test_a_workflow_shut_down_before_it_is_seen_makes_no_pod(world: World, strategy: str) -> None:
    world.submit("w", [script("main", "echo hi")], shutdown=strategy)
    world.finish()
    node = world.nodes("w")[""]
    assert (node["phase"], node["message"]) == ("Failed", f"workflow shutdown with strategy: {strategy}")
    assert node["progress"] == "0/1"
    assert "outputs" not in node
    assert world.status("w")["message"] == f"Stopped with strategy '{strategy}'"
    assert world.store.pods("argo", "w") == []


def test_a_pod_that_has_not_begun_is_forgotten_by_a_stop(world: World) -> None:
    world.store.set_condition("image_pull_fails", "*")
    world.submit("w", [script("main", "echo hi")])
    world.engine.settle()
    world.change("w", shutdown="Stop")
    world.finish()
    node = world.nodes("w")[""]
    assert (node["phase"], node["message"]) == ("Failed", "workflow shutdown with strategy:  Stop")
    assert "outputs" not in node


def test_a_suspended_workflow_starts_nothing_new(world: World, gate: Any) -> None:
    pass_ = gate("g")
    world.submit("w", [dag(task("a", "t"), task("b", "ok", "a")), script("t", f"cat {pass_}"), OK])
    world.until("w", ".a", "Running")
    world.change("w", suspend=True)
    world.engine.work()
    pass_.open()
    world.finish()
    assert world.phases("w") == {"": "Running", ".a": "Succeeded"}
    world.change("w", suspend=False)
    world.finish()
    assert world.status("w")["phase"] == "Succeeded"


def test_a_deleted_workflow_takes_its_pods_along(world: World) -> None:
    world.submit("w", [script("main", "echo hi; sleep 600")])
    world.until("w", "", "Running")
    world.store.delete("workflows", "argo", "w")
    world.finish()
    assert world.store.pods("argo", "w") == []
    assert world.store.list("workflows") == []
