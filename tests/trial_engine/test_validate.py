"""What is said to a workflow before it is taken, against what a real server said."""

from __future__ import annotations

import re
from typing import Any

import pytest

from provisioning.trial.engine.errors import Invalid
from provisioning.trial.engine.validate import validate_template, validate_workflow
from tests import recordings

from .conftest import dag, script, task

FOLDER = "transcripts/v4.1.2/"
# What the server answers before or after the checks of a workflow: decoding, rights, Kubernetes.
NOT_VALIDATION = re.compile(
    r"json: |Unauthorized|token not valid|.* is forbidden|.*already exists|Workflow\.argoproj\.io|namespaces |etcdserver|"
    r"the namespace of the provided object"
)
# Fields that Argo drops or runs, and the trial refuses.
REFUSED = {
    "119-submit-unknown-field": "trial: spec.bogusSpecField is not implemented",
    "146-submit-mutex-singular": "trial: spec.synchronization.mutex is not implemented",
    "210-steps-submit": "trial: spec.templates[0].steps[1][0].withItems is not implemented",
    "217-timeout-template-submit": "trial: spec.templates[0].timeout is not implemented",
    "222-runtime-unresolved-submit": (
        "trial: templates.main.tasks.a {{=sprig.fail('boom')}} is not implemented: unknown name sprig"
    ),
}


class Missing(Exception):
    pass


def template_of(name: str) -> dict[str, Any]:
    created = recordings.load("transcripts")[f"{FOLDER}170-template-create.json"]["request"]["body"]["template"]
    if name != created["metadata"]["name"]:
        raise Missing(f'workflowtemplates.argoproj.io "{name}" not found')
    found: dict[str, Any] = created
    return found


def submissions() -> list[tuple[str, dict[str, Any], bool, str]]:
    """Name, workflow, whether it was a lint, and the message ("" for none) of every recorded POST of a workflow."""
    found = []
    for path, exchange in sorted(recordings.load("transcripts").items()):
        if not path.startswith(FOLDER) or not isinstance(exchange, dict) or "request" not in exchange:
            continue
        request, response = exchange["request"], exchange["response"]
        body = request.get("body")
        if request["method"] != "POST" or not isinstance(body, dict) or not body.get("workflow"):
            continue
        if not request["path"].startswith("/api/v1/workflows/") or not isinstance(response["body"], dict):
            continue
        message = "" if response["status"] == 200 else response["body"]["message"]
        if not NOT_VALIDATION.match(message):
            name = path.removeprefix(FOLDER).removesuffix(".json")
            found.append((name, body["workflow"], request["path"].endswith("/lint"), message))
    return found


SUBMISSIONS = submissions()


@pytest.mark.parametrize(("name", "workflow", "lint", "message"), SUBMISSIONS, ids=[name for name, *_ in SUBMISSIONS])
def test_the_answer_is_the_recorded_one(name: str, workflow: dict[str, Any], lint: bool, message: str) -> None:
    try:
        validate_workflow(workflow, template_of, lint=lint)
        said = ""
    except (Invalid, Missing) as error:
        said = str(error)
    assert said == REFUSED.get(name, message)


def test_enough_was_recorded() -> None:
    assert len(SUBMISSIONS) > 60
    assert REFUSED.keys() <= {name for name, *_ in SUBMISSIONS}
    assert len({message for *_, message in SUBMISSIONS}) > 12


def check(templates: list[dict[str, Any]], **spec: Any) -> None:
    validate_workflow(
        {"metadata": {"name": "w"}, "spec": {"entrypoint": "main", "templates": templates, **spec}}, template_of
    )


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ({"script": {"image": "x", "source": "y"}}, "spec.templates[0].script"),
        ({"resource": {"action": "apply"}}, "spec.templates[0].resource"),
        ({"suspend": {"duration": "1"}}, "spec.templates[0].suspend"),
        ({"sidecars": [{"name": "x"}]}, "spec.templates[0].sidecars"),
        ({"podSpecPatch": "x"}, "spec.templates[0].podSpecPatch"),
        ({"memoize": {"key": "x"}}, "spec.templates[0].memoize"),
        ({"synchronization": {"mutexes": [{"name": "x"}]}}, "spec.templates[0].synchronization"),
        ({"inputs": {"artifacts": [{"name": "x"}]}}, "spec.templates[0].inputs.artifacts"),
        ({"metadata": {"labels": {"a": "b"}}}, "spec.templates[0].metadata.labels"),
    ],
)
def test_what_is_not_implemented_is_refused_by_its_path(field: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        check([{"name": "main", "container": {"image": "x"}} | field])
    assert refused.value.message == f"trial: {path} is not implemented"


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"hooks": {"running": {"expression": "true"}}}, "spec.hooks"),
        ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "spec.volumes[0].hostPath"),
        ({"volumeClaimTemplates": [{}]}, "spec.volumeClaimTemplates"),
        ({"podGC": {"strategy": "OnPodCompletion"}}, "spec.podGC"),
        ({"synchronization": {"semaphores": [{}]}}, "spec.synchronization.semaphores"),
        ({"workflowTemplateRef": {"name": "greet", "clusterScope": True}}, "spec.workflowTemplateRef.clusterScope"),
        (
            {"arguments": {"parameters": [{"name": "a", "valueFrom": {"x": 1}}]}},
            "spec.arguments.parameters[0].valueFrom",
        ),
    ],
)
def test_the_same_for_the_workflow(spec: dict[str, Any], path: str) -> None:
    templates = [] if "workflowTemplateRef" in spec else [script("main", "true")]
    with pytest.raises(Invalid) as refused:
        check(templates, **spec)
    assert refused.value.message == f"trial: {path} is not implemented"


def test_an_empty_field_says_nothing() -> None:
    check([script("main", "true") | {"script": None, "sidecars": [], "metadata": {}}], hooks={}, podGC=None)


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        (
            [dag(task("a", "t")), script("t", "true", inputs={"parameters": [{"name": "v"}]})],
            "templates.main.tasks.a templates.t inputs.parameters.v was not supplied",
        ),
        (
            [dag(task("a", "t"), task("b", "t", "a", when="{{tasks.c.status}} == x")), script("t", "true")],
            "templates.main.tasks.b failed to resolve {{tasks.c.status}}",
        ),
        (
            [dag(task("a", "t")), script("t", "{{nope}}")],
            "templates.main.tasks.a templates.t: failed to resolve {{nope}}",
        ),
        (
            [{"name": "main", "steps": [[{"name": "s", "template": "nope"}]]}],
            "templates.main.steps[0].s template name 'nope' undefined",
        ),
        ([script("main", "true"), script("main", "true")], "spec.templates[1].name 'main' is not unique"),
        ([dag(task("a", "t"), task("a", "t")), script("t", "true")], "templates.main.tasks[1].name 'a' is not unique"),
        (
            [script("main", "true") | dag(task("a", "t"))],
            "template 'main' multiple template types specified. choose one of: container, dag, steps",
        ),
        ([script("main", "{{workflow.status}}")], "templates.main: failed to resolve {{workflow.status}}"),
    ],
)
def test_other_mistakes_are_named(templates: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(templates)
    assert refused.value.message == message


def test_the_exit_handler_may_ask_for_the_status() -> None:
    check([script("main", "true"), script("bye", "{{workflow.status}} {{workflow.failures}}")], onExit="bye")


def test_a_template_needs_no_values_but_a_right_entrypoint() -> None:
    spec = {"entrypoint": "main", "arguments": {"parameters": [{"name": "a"}]}}
    good = {"metadata": {"name": "t"}, "spec": spec | {"templates": [script("main", "{{workflow.parameters.a}}")]}}
    validate_template(good)
    with pytest.raises(Invalid, match="template name 'main' undefined"):
        validate_template({"metadata": {"name": "t"}, "spec": spec | {"templates": [script("other", "true")]}})
