"""What a script finds around it, and what of it is seen from outside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import World, script

EXECUTOR = re.compile(r'time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=INFO msg="[^"]+" argo=true.*\Z')


def all_lines(world: World, pod: str) -> list[str]:
    return [line.content for line in world.store.read_log("argo", pod)]


def run(world: World, text: str, values: dict[str, str] | None = None, **container: Any) -> list[str]:
    arguments = {"parameters": [{"name": name, "value": value} for name, value in (values or {}).items()]}
    world.submit("w", [script("main", text, container=container)], arguments=arguments)
    world.finish()
    return world.log("w")


def test_the_founding_test_workflow_runs(world: World) -> None:
    text = 'echo "Platform API can submit workflows!"\ndate\n'
    world.submit("platform-api-test-blvhd", [script("main", text)])
    world.finish()
    first, date = world.log("platform-api-test-blvhd")
    assert first == "Platform API can submit workflows!"
    assert date


def test_the_executor_writes_its_own_lines_around_the_scripts(world: World) -> None:
    run(world, "echo one; exit 66")
    lines = all_lines(world, "w")
    assert [bool(EXECUTOR.match(line)) for line in lines] == [True, False, True, True, False]
    assert 'msg="waiting for signals" argo=true signalPath=/var/run/argo/ctr/main/signal' in lines[0]
    assert 'msg="sub-process exited" argo=true error="exit status 66"' in lines[2]
    assert lines[4] == "Error: exit status 66"
    assert world.store.log_ended("argo", "w")


def test_a_good_end_is_written_without_an_error(world: World) -> None:
    run(world, "true")
    assert any(line.endswith('msg="sub-process exited" argo=true error=<nil>') for line in all_lines(world, "w"))


def test_any_bytes_become_lines(world: World) -> None:
    text = r"printf 'a\r\n\n\377\376b\0c\nback\rforth\n\033[31mred\033[0m é 😀\nno newline'"
    assert run(world, text) == ["a", "", "��b\x00c", "back\rforth", "\x1b[31mred\x1b[0m é 😀", "no newline"]


def test_both_streams_are_in_the_log_and_stdin_is_empty(world: World) -> None:
    assert sorted(run(world, "echo out; echo err >&2; cat; echo end")) == ["end", "err", "out"]


def test_the_environment_is_that_of_the_template(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SECRET", "s3cr3t")
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "{{workflow.parameters.v}}"}]
    lines = run(world, "env", {"v": "two"}, env=env)
    assert {"A=1", "B=two", "HOSTNAME=w"} <= set(lines)
    assert not any("s3cr3t" in line for line in lines)


def test_the_kubelet_expands_names_of_the_environment(world: World) -> None:
    env = [
        {"name": "SECRET", "value": "s3cr3t"},
        {"name": "V", "value": "{{workflow.parameters.v}}"},
    ]
    lines = run(
        world, "echo \"env: $V\"; echo 'inline: {{workflow.parameters.v}}'", {"v": "$(SECRET) $$ $(NONE)"}, env=env
    )
    assert lines == ["env: s3cr3t $ $(NONE)", "inline: s3cr3t $ $(NONE)"]


def test_a_tag_inside_a_value_is_evaluated_and_an_unknown_one_stays(world: World) -> None:
    value = "{{workflow.name}} {{=1+1}} {{workflow.parameters.other}} {{foo}} {{=foo}}"
    env = [{"name": "V", "value": "{{workflow.parameters.v}}"}]
    lines = run(world, 'echo "$V"', {"v": value, "other": "OTHER"}, env=env)
    assert lines == ["w 2 OTHER {{foo}} {{=foo}}"]


@pytest.mark.parametrize("value", ["x$(id -u) `id -u`", "é 😀 \u200b", 'it\'s "q" \\ \t|', "a\nb"])
def test_a_value_in_the_environment_stays_what_it_is(world: World, value: str) -> None:
    env = [{"name": "V", "value": "{{workflow.parameters.v}}"}]
    assert "\n".join(run(world, 'printf "%s\n" "$V"', {"v": value}, env=env)) == value


def test_a_value_pasted_into_a_script_is_run_by_it(world: World) -> None:
    assert run(world, 'echo "Team: {{workflow.parameters.v}}"', {"v": "x$(echo pwned)"}) == ["Team: xpwned"]


def test_mounts_are_directories_of_the_pods_own(world: World) -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/work/deep/p", "default": ""}}]}
    env = [
        {"name": "WORK_DIR", "value": "/work"},
        {"name": "FILE", "value": "/work/deep/p"},
        {"name": "X", "value": "/workers"},
    ]
    mounts = [{"name": "work", "mountPath": "/work"}]
    text = 'echo "$X"; ls "$WORK_DIR"; mkdir "$WORK_DIR/deep"; echo kept > "$FILE"'
    template = script("main", text, outputs=outputs, container={"env": env, "volumeMounts": mounts})
    for name in ("one", "two"):
        world.submit(name, [template], volumes=[{"name": "work", "emptyDir": {}}])
    world.finish()
    assert world.log("one") == world.log("two") == ["/workers"]
    assert world.nodes("two")[""]["outputs"]["parameters"][0]["value"] == "kept"
    assert any("no need to save parameter - on overlapping volume" in line for line in all_lines(world, "one"))
    assert not Path("/work/deep").exists()


def test_nothing_of_a_pod_is_left_behind(world: World) -> None:
    run(world, "touch here; (trap '' HUP; sleep 600) & echo $!")
    [pid] = world.log("w")
    assert not Path(f"/proc/{pid}").exists() or _is_zombie(pid)
    base = Path(world.engine._directory.name)
    assert [path.name for path in base.iterdir()] == ["bin"]


def _is_zombie(pid: str) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_command_that_does_not_exist_fails_as_argoexec_says(world: World) -> None:
    run(world, "", command=["no-such-program"])
    message = world.status("w")["message"]
    assert message.startswith("main: Error (exit code 64): failed to find name in PATH:")


def test_an_image_without_a_command_is_not_run(world: World) -> None:
    world.submit("w", [{"name": "main", "container": {"image": "alpine:3.18"}}])
    world.finish()
    assert world.status("w")["message"] == ("main: Error (exit code 64): trial: the command of an image is not known")


def test_a_signal_is_told_as_a_shell_tells_it(world: World) -> None:
    run(world, "kill -9 $$$$")  # the kubelet makes $$ of it
    assert world.nodes("w")[""]["outputs"] == {"exitCode": "137"}


def test_pods_take_their_time_to_start(tmp_path: Path) -> None:
    world = World(tmp_path, pod_seconds=1.5)
    world.submit("w", [script("main", "echo hi")])
    world.engine.settle()
    assert "message" not in world.nodes("w")[""]
    assert world.nodes("w")[""]["taskResultSynced"] is True
    world.clock.advance(1)
    world.engine.settle()
    node = world.nodes("w")[""]
    assert (node["phase"], node["message"], node["taskResultSynced"]) == ("Pending", "PodInitializing", False)
    assert node["hostNodeName"] == "trial-node"
    world.clock.advance(0.5)
    world.finish()
    assert world.status("w")["phase"] == "Succeeded"
    world.close()


def test_the_controller_looks_later_when_it_is_told_to(tmp_path: Path) -> None:
    world = World(tmp_path, requeue_seconds=10.0)
    world.submit("w", [script("main", "echo hi")])
    due = world.engine.settle()
    assert due == world.clock() + 10
    assert world.phases("w") == {"": "Pending"}  # a short pod is never seen running
    assert world.log("w") == ["hi"]
    world.finish()
    assert world.status("w")["phase"] == "Succeeded"
    assert world.status("w")["finishedAt"] == "2027-01-15T08:00:10Z"
    assert world.nodes("w")[""]["finishedAt"] == "2027-01-15T08:00:00Z"
    world.close()
