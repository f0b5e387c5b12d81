from __future__ import annotations

from typing import Any

import pytest

from provisioning.trial.engine.errors import Invalid
from provisioning.trial.engine.retry import humanize, seconds

from .conftest import START, World, dag, script, task

FINAL = 'lastRetry.exitCode not in ["64", "65"]'


def retrying(text: str, **strategy: Any) -> list[dict[str, Any]]:
    return [dag(task("a", "t"), task("b", "ok", "a")), script("t", text, retryStrategy=strategy), script("ok", "true")]


def test_a_second_attempt_may_succeed(world: World) -> None:
    world.submit("w", retrying("echo try {{retries}}; [ {{retries}} = 1 ]", limit="3"))
    world.finish()
    nodes = world.nodes("w")
    assert world.phases("w") == {
        "": "Succeeded", ".a": "Succeeded", ".a(0)": "Failed", ".a(1)": "Succeeded", ".b": "Succeeded",
    }  # fmt: skip
    assert nodes[".a"]["type"] == "Retry"
    assert nodes[".a"]["children"] == [nodes[".a(0)"]["id"], nodes[".a(1)"]["id"]]
    assert nodes[".a(1)"]["children"] == [nodes[".b"]["id"]]
    assert "children" not in nodes[".a(0)"]
    assert nodes[".a(0)"]["nodeFlag"] == {"retried": True}
    assert nodes[".a"]["outputs"] == {"exitCode": "0"}
    assert world.status("w")["progress"] == "2/3"


def test_attempts_wait_longer_and_longer_and_then_there_are_none_left(world: World) -> None:
    world.submit("w", retrying("exit 1", limit="2", backoff={"duration": "5s", "factor": "2"}))
    assert world.engine.settle() == START + 5
    assert world.nodes("w")[".a"]["message"] == "Backoff for 5 seconds"
    assert world.nodes("w")[".a"]["phase"] == "Running"
    assert set(world.nodes("w")) == {"", ".a", ".a(0)"}
    world.clock.advance(5)
    assert world.engine.settle() == START + 15
    assert world.nodes("w")[".a"]["message"] == "Backoff for 10 seconds"
    world.clock.advance(10)
    world.finish()
    nodes = world.nodes("w")
    assert nodes[".a"]["message"] == "No more retries left"
    assert nodes[".a"]["outputs"] == {"exitCode": "1"}
    assert nodes[".a(2)"]["children"] == [nodes[".b"]["id"]]
    assert nodes[".b"]["phase"] == "Omitted"
    assert world.status("w")["progress"] == "0/3"


def test_a_back_off_beyond_the_longest_duration_is_not_begun(world: World) -> None:
    backoff = {"duration": "5s", "factor": "2", "maxDuration": "12s"}
    world.submit("w", retrying("exit 1", limit="9", backoff=backoff))
    world.finish()
    assert world.nodes("w")[".a"]["message"] == "Backoff would exceed max duration limit"
    assert ".a(2)" not in world.nodes("w")


@pytest.mark.parametrize(("code", "attempts"), [(64, 1), (65, 1), (75, 3), (1, 3)])
def test_the_expression_says_which_exit_codes_are_final(world: World, code: int, attempts: int) -> None:
    world.submit("w", retrying(f"exit {code}", limit="2", retryPolicy="Always", expression=FINAL))
    world.finish()
    node = world.nodes("w")[".a"]
    assert len(node["children"]) == attempts
    assert node["message"] == (
        "retryStrategy.expression evaluated to false" if attempts == 1 else "No more retries left"
    )


@pytest.mark.parametrize(("policy", "attempts"), [("OnError", 1), ("OnFailure", 2), ("Always", 2), (None, 2)])
def test_the_policy_says_what_is_tried_again(world: World, policy: str | None, attempts: int) -> None:
    strategy = {"limit": "1"} | ({"retryPolicy": policy} if policy else {})
    world.submit("w", retrying("exit 1", **strategy))
    world.finish()
    assert len(world.nodes("w")[".a"]["children"]) == attempts


def test_an_attempt_knows_how_the_last_one_ended(world: World) -> None:
    text = "echo {{retries}} {{lastRetry.exitCode}} {{lastRetry.status}}; [ {{retries}} = 1 ] || exit 7"
    world.submit("w", [script("main", text, retryStrategy={"limit": "1"})])
    world.finish()
    assert world.log(f"w-main-{world.nodes('w')['(1)']['id'].removeprefix('w-')}") == ["1 7 Failed"]


def test_a_strategy_of_the_workflow_makes_the_root_a_retry_node(world: World) -> None:
    world.submit("retry-tx5r7", [script("main", "exit 1")], retryStrategy={"limit": "1"})
    world.finish()
    nodes = world.nodes("retry-tx5r7")
    assert nodes[""]["type"] == "Retry"
    assert nodes["(0)"]["id"] == "retry-tx5r7-4279812723"
    assert world.status("retry-tx5r7")["message"] == "No more retries left"


def test_durations_and_how_they_are_told() -> None:
    assert [seconds(text) for text in ("5", 5, "5s", "2m", "1m30s", "1h")] == [5, 5, 5, 120, 90, 3600]
    assert [humanize(n) for n in (1, 5, 80)] == ["1 second", "5 seconds", "1 minute 20 seconds"]
    with pytest.raises(Invalid, match="unable to parse 5x"):
        seconds("5x")
