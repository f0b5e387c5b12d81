from __future__ import annotations

from typing import Any

import pytest

from .conftest import World, dag, script, task

OK = script("ok", "echo ok")
BAD = script("bad", "exit 3")


def test_a_diamond_runs_in_order_and_its_nodes_know_each_other(world: World) -> None:
    tasks = (task("a", "ok"), task("b", "ok", "a"), task("c", "ok", "a"), task("d", "ok", "b", "c"))
    world.submit("dag-fpqzw", [dag(*tasks), OK])
    world.finish()
    nodes = world.nodes("dag-fpqzw")
    assert world.status("dag-fpqzw")["phase"] == "Succeeded"
    assert world.status("dag-fpqzw")["progress"] == "4/4"
    # ids of a recorded run of the same name
    assert nodes[""]["children"] == ["dag-fpqzw-2348027889"] == [nodes[".a"]["id"]]
    assert nodes[".a"]["children"] == ["dag-fpqzw-2297695032", "dag-fpqzw-2314472651"]
    assert nodes[".b"]["children"] == nodes[".c"]["children"] == nodes[""]["outboundNodes"] == ["dag-fpqzw-2398360746"]
    assert {node["boundaryID"] for name, node in nodes.items() if name} == {"dag-fpqzw"}
    assert "boundaryID" not in nodes[""]


def test_a_task_has_no_node_before_it_starts(world: World) -> None:
    world.submit("w", [dag(task("a", "ok"), task("b", "ok", "a")), OK])
    world.engine.settle(lambda: bool(world.nodes("w")))
    assert set(world.nodes("w")) == {"", ".a"}


def test_what_depends_on_a_failed_task_is_omitted_and_the_rest_still_runs(world: World) -> None:
    tasks = (task("bad", "bad"), task("slow", "ok"), task("after", "ok", "bad"), task("last", "ok", "after", "slow"))
    world.submit("w", [dag(*tasks, task("after-slow", "ok", "slow")), OK, BAD])
    world.finish()
    nodes = world.nodes("w")
    assert world.phases("w") == {
        "": "Failed", ".bad": "Failed", ".slow": "Succeeded", ".after": "Omitted", ".last": "Omitted",
        ".after-slow": "Succeeded",
    }  # fmt: skip
    assert nodes[".after"]["message"] == "omitted: depends condition not met"
    assert nodes[".after"]["type"] == "Skipped"
    assert nodes[".after"]["nodeFlag"] == {}
    assert nodes[".bad"]["message"] == "main: Error (exit code 3)"
    assert nodes[".bad"]["outputs"] == {"exitCode": "3"}
    assert nodes[".bad"]["children"] == [nodes[".after"]["id"]]
    assert world.status("w")["phase"] == "Failed"
    assert "message" not in world.status("w")
    assert world.status("w")["progress"] == "2/3"


def test_a_false_when_skips_the_task_and_what_follows_runs(world: World) -> None:
    skipped = task("maybe", "ok", "a", when="{{workflow.parameters.x}} == yes")
    arguments = {"parameters": [{"name": "x", "value": "no"}]}
    world.submit("w", [dag(task("a", "ok"), skipped, task("c", "ok", "maybe")), OK], arguments=arguments)
    world.finish()
    node = world.nodes("w")[".maybe"]
    assert (node["type"], node["phase"]) == ("Skipped", "Skipped")
    assert node["message"] == "when 'no == yes' evaluated false"
    assert node["progress"] == "1/1"
    assert world.status("w")["progress"] == "2/2"


def test_a_tolerated_failure_lets_the_workflow_succeed(world: World) -> None:
    world.submit("w", [dag(task("bad", "bad", continueOn={"failed": True}), task("b", "ok", "bad")), OK, BAD])
    world.finish()
    assert world.status("w")["phase"] == "Succeeded"
    assert world.status("w")["progress"] == "1/2"


@pytest.mark.parametrize(
    ("logic", "phase"),
    [
        ("a && bad.Failed", "Succeeded"),
        ("a && bad", "Omitted"),
        ("(bad || a.Succeeded) && !bad.Succeeded", "Succeeded"),
        ("bad.Errored || bad.Skipped", "Omitted"),
    ],
)
def test_depends_is_logic_over_how_tasks_ended(world: World, logic: str, phase: str) -> None:
    tasks = ({"name": "a", "template": "ok"}, {"name": "bad", "template": "bad"})
    world.submit("w", [dag(*tasks, {"name": "z", "template": "ok", "depends": logic}), OK, BAD])
    world.finish()
    assert world.phases("w")[".z"] == phase


def test_an_output_of_one_task_is_an_input_of_another(world: World) -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p"}}]}
    inputs = {"parameters": [{"name": "v"}]}
    value = "{{tasks.gen.outputs.parameters.p}}-{{tasks.gen.outputs.result}}"
    use = task("use", "use", "gen", arguments={"parameters": [{"name": "v", "value": value}]})
    templates = [
        dag(task("gen", "gen"), use),
        script("gen", "echo resultline; echo é-val > /tmp/p", outputs=outputs),
        script("use", 'echo "{{inputs.parameters.v}}"', inputs=inputs),
    ]
    world.submit("w", templates)
    world.finish()
    nodes = world.nodes("w")
    assert nodes[".gen"]["outputs"] == {
        "parameters": [{"name": "p", "value": "é-val", "valueFrom": {"path": "/tmp/p"}}],
        "result": "resultline",
        "exitCode": "0",
    }
    assert nodes[".use"]["inputs"] == {"parameters": [{"name": "v", "value": "é-val-resultline"}]}
    assert world.log(f"w-use-{nodes['.use']['id'].removeprefix('w-')}") == ["é-val-resultline"]


def test_a_missing_output_without_a_default_is_an_error(world: World) -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p"}}]}
    world.submit("w", [script("main", "true", outputs=outputs)])
    world.finish()
    assert world.status("w")["phase"] == "Error"
    assert "open /tmp/p: no such file or directory" in world.status("w")["message"]


def test_a_missing_output_with_a_default_takes_it(world: World) -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p", "default": "none"}}]}
    world.submit("w", [script("main", "exit 1", outputs=outputs)])
    world.finish()
    node = world.nodes("w")[""]
    assert node["outputs"]["parameters"][0]["value"] == "none"
    assert world.status("w")["message"] == "main: Error (exit code 1)"


def test_parallelism_bounds_the_pods_of_a_workflow(world: World, gate: Any) -> None:
    gates = [gate(f"g{index}") for index in range(3)]
    tasks = [task(f"t{index}", f"s{index}") for index in range(3)]
    templates = [script(f"s{index}", f"cat {gates[index]}") for index in range(3)]
    world.submit("w", [dag(*tasks), *templates], parallelism=2)
    world.until("w", ".t0", "Running")
    world.until("w", ".t1", "Running")
    assert set(world.nodes("w")) == {"", ".t0", ".t1"}
    gates[0].open()
    world.until("w", ".t2", "Running")
    gates[1].open()
    gates[2].open()
    world.finish()
    assert world.status("w")["progress"] == "3/3"


def test_a_dag_in_a_dag_takes_arguments_and_gives_outputs(world: World) -> None:
    inner = dag(
        task("one", "write", arguments={"parameters": [{"name": "v", "value": "<{{inputs.parameters.x}}>"}]}),
        name="inner",
        inputs={"parameters": [{"name": "x"}]},
        outputs={"parameters": [{"name": "y", "valueFrom": {"parameter": "{{tasks.one.outputs.parameters.p}}"}}]},
    )
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/out"}}]}
    inputs = {"parameters": [{"name": "v"}]}
    write = script("write", 'printf %s "{{inputs.parameters.v}}" > /tmp/out', inputs=inputs, outputs=outputs)
    use = task("b", "show", "a", arguments={"parameters": [{"name": "v", "value": "{{tasks.a.outputs.parameters.y}}"}]})
    outer = dag(task("a", "inner", arguments={"parameters": [{"name": "x", "value": "1"}]}), use)
    world.submit("w", [outer, inner, write, script("show", 'echo "{{inputs.parameters.v}}"', inputs=inputs)])
    world.finish()
    nodes = world.nodes("w")
    assert nodes[".a"]["outputs"]["parameters"][0]["value"] == "<1>"
    assert nodes[".a.one"]["boundaryID"] == nodes[".a"]["id"]
    assert nodes[".a.one"]["children"] == [nodes[".b"]["id"]]
    assert nodes[".b"]["inputs"]["parameters"][0]["value"] == "<1>"
