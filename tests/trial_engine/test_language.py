"""Names, tags and expressions."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.trial.engine.errors import ExpressionError, Invalid, UnknownName
from provisioning.trial.engine.expressions import evaluate, should_execute
from provisioning.trial.engine.ids import fnv1a, node_id, pod_name
from provisioning.trial.engine.labels import value_errors
from provisioning.trial.engine.substitute import quote, replace_in
from tests import recordings

SCOPE: dict[str, Any] = {"lastRetry": {"exitCode": "75", "status": "Failed"}, "n": 3, "names": ["a", "b"]}


@pytest.mark.parametrize(
    ("task", "number"),
    [
        ("validate-request", 1561071943),
        ("create-namespace", 1152277479),
        ("apply-rbac", 3494917066),
        ("set-resource-quotas", 267441464),
        ("apply-network-policies", 1374303469),
        ("enable-monitoring", 729106651),
        ("finalize-setup", 1027574715),
    ],
)
def test_ids_and_pod_names_are_argos(task: str, number: int) -> None:
    workflow = "create-namespace-abc12"
    assert fnv1a(f"{workflow}.{task}") == number
    assert node_id(workflow, f"{workflow}.{task}") == f"{workflow}-{number}"
    assert pod_name(workflow, f"{workflow}.{task}", task) == f"{workflow}-{task}-{number}"


def test_the_root_has_the_name_of_its_workflow() -> None:
    assert node_id("w", "w") == pod_name("w", "w", "main") == "w"
    assert pod_name("w", "w.a", "t" * 300) == f"w-{'t' * 240}-{fnv1a('w.a')}"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('lastRetry.exitCode not in ["64", "65", "66", "67"]', True),
        ("lastRetry.exitCode in ['75']", True),
        ("asInt(lastRetry.exitCode) > 70 && lastRetry.status == 'Failed'", True),
        ("lastRetry.exitCode == 75", False),  # a text is no number
        ("not (n == 3) or n >= 4 || n < 0", False),
        ("n == 3 ? 'three' : nil", "three"),
        ("1 + 2 * 3 - 4 / 2", 5),
        ("2 ** 3 % 5", 3),
        ("-n + 1", -2),
        ("names[1] + string(n)", "b3"),
        ("lastRetry['status'] matches '^F'", True),
        ("'abc' contains 'b' and 'abc' startsWith 'a' and !('abc' endsWith 'b')", True),
        ("nil ?? 'x'", "x"),
        ('"a\\n\\"b\\""', 'a\n"b"'),
        ("len(names) == 2", True),
        ("false && missing_is_not_reached", None),
    ],
)
def test_an_expression_has_a_value(expression: str, value: object) -> None:
    if value is None:
        with pytest.raises(UnknownName):
            evaluate(expression, SCOPE)
    else:
        assert evaluate(expression, SCOPE) == value


@pytest.mark.parametrize("expression", ["1 +", "(1", "1 2", "a b", "#", "lastRetry.nope", "n.x", "names[9]", "1 - 'a'"])
def test_what_is_no_expression_is_an_error(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression, SCOPE)


def test_a_function_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ExpressionError, match=r"trial: function in expression 'lastRetry\.x"):
        evaluate("lastRetry.x(1)", SCOPE)


@pytest.mark.parametrize(
    ("when", "value"),
    [
        ("", True),
        ("no == yes", False),
        ("yes == yes", True),
        ("'a b' != 'c'", True),
        ("Failed =~ '^F'", True),
        ("5 > 3 && 10 > 9", True),
        ("2 < 10", True),
        ("a in (a, b)", True),
        ("c in (a, b)", False),
        ("!(1 == 2)", True),
        ("1.0 == 1", True),
        ("true", True),
        ("and == and", True),  # a word like any other here
        ("a.b == a.b", True),
    ],
)
def test_a_when_clause_takes_bare_words_as_text(when: str, value: bool) -> None:
    assert should_execute(when) is value


@pytest.mark.parametrize(
    ("when", "text"), [("a-b == c", "Invalid 'when' expression 'a-b == c': "), ("a", "Expected boolean")]
)
def test_a_when_clause_that_is_none_says_so(when: str, text: str) -> None:
    with pytest.raises(ExpressionError, match=text):
        should_execute(when)


VALUES = {"workflow.name": "w", "workflow.parameters.p": 'a "q"\n{{workflow.name}}', "inputs.parameters.x": "1"}


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("{{workflow.name}}-{{ inputs.parameters.x }}", "w-1"),
        ("{{workflow.parameters.p}}", 'a "q"\n{{workflow.name}}'),
        ("{{unknown}} {{=unknown}} {{", "{{unknown}} {{=unknown}} {{"),
        ("{{=1 + 1}} {{=workflow.name + '!'}}", "2 w!"),
        ("{{a.{{workflow.name}}}}", "{{a.w}}"),
    ],
)
def test_tags_are_replaced_and_unknown_ones_stay(text: str, replaced: str) -> None:
    assert replace_in({"k": [text]}, VALUES) == {"k": [replaced]}


def test_strictly_an_unknown_tag_is_an_error() -> None:
    with pytest.raises(Invalid, match=r"failed to resolve \{\{nope\}\}"):
        replace_in("{{nope}}", VALUES, strict=True)


@pytest.mark.parametrize("character", ["\x7f", "\x01", "\x0b", "\U000e0001"])
def test_a_value_that_go_quotes_otherwise_than_json_spoils_the_template(character: str) -> None:
    with pytest.raises(Invalid, match="the result was invalid JSON"):
        replace_in("{{v}}", {"v": character})


@pytest.mark.parametrize("character", ["é", "😀", "\u200b", "\u2028", "\n", "\t", "\\", '"', "\x08", "\u00a0", " "])
def test_any_other_value_arrives(character: str) -> None:
    assert replace_in("{{v}}", {"v": character}) == character


def test_quoting_is_gos() -> None:
    assert quote("a\u200b\x07\x7f\U000e0001é") == "a\\u200b\\a\\x7f\\U000e0001é"


@pytest.mark.parametrize("value", ["", "a", "a.b_c-D9", "x" * 63])
def test_label_values_that_are_some(value: str) -> None:
    assert value_errors(value) == []


@pytest.mark.parametrize("value", ["-a", "a-", "a b", "a\n", "x$(id)", "é"])
def test_label_values_that_are_none(value: str) -> None:
    recorded = recordings.load("runs")["runs/create-invalid-label.json"]["status"]["message"]
    assert value_errors(value) == [recorded.partition('"workflow.parameters.team": ')[2]]
    assert value_errors("x" * 64) == ["must be no more than 63 bytes"]
