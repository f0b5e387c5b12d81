"""Amounts, JSON, YAML and JSONPath in forms that no recording has."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.trial.cluster import gojson, manifests, quantity, selectors
from provisioning.trial.cluster.errors import KubectlError
from provisioning.trial.cluster.jsonpath import Template

STORED = {
    "2000m": "2", "0.5": "500m", "1024Mi": "1Gi", "1.5Gi": "1536Mi", "1e2": "100", "1e3": "1e3", "2E1": "20",
    "1k": "1k", "1000Ki": "1000Ki", "1048576": "1048576", "010": "010", "+5": "+5", "0": "0", "0Gi": "0",
    "1.": "1", ".5": "500m", "100u": "100u", "512Ki": "512Ki", "0.5Ki": "512", "-1": "-1",
}  # fmt: skip


@pytest.mark.parametrize("text", STORED)
def test_an_amount_is_stored_as_the_server_writes_it(text: str) -> None:
    assert quantity.canonical(text) == STORED[text]


@given(st.decimals(min_value=0, max_value=10**15, places=3), st.sampled_from(["", "m", "k", "Ki", "Mi", "Gi", "M"]))
def test_storing_an_amount_changes_its_form_and_not_its_value(number: Decimal, suffix: str) -> None:
    text = f"{number:f}{suffix}"
    stored = quantity.canonical(text)
    assert quantity.canonical(stored) == stored
    assert Decimal(0) <= quantity.parse(stored) - quantity.parse(text) <= Decimal("1e-9")


@pytest.mark.parametrize("text", ["1e999999999", "9" * 200, "8Ei", "9.3E"])
def test_too_much_counts_as_the_most_that_can_be_stored(text: str) -> None:
    assert quantity.parse(text) == 2**63 - 1
    assert quantity.parse(quantity.canonical(text)) == 2**63 - 1


def test_the_smallest_amount_is_a_billionth() -> None:
    assert quantity.parse(quantity.canonical("1e-999999999")) == Decimal("1e-9")


@pytest.mark.parametrize("text", ["", "ten", "1 Gi", "--1", "1Kb", ".", "1e", "Gi"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        quantity.parse(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_json_is_read_as_it_was_written(value: object) -> None:
    text = gojson.dumps(value)
    assert gojson.check(text) is None
    assert gojson.loads(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unexpected end of JSON input"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("{1:2}", "invalid character '1' looking for beginning of object key string"),
        ('"\n"', "invalid character '\\n' in string literal"),
        ('"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"),
        ("nul!", "invalid character '!' in literal null (expecting 'l')"),
        ("1 2", "invalid character '2' after top-level value"),
        ("'a'", "invalid character '\\'' looking for beginning of value"),
    ],
)
def test_errors_in_json_read_as_those_of_go(text: str, message: str) -> None:
    assert gojson.check(text) == message


def test_lone_surrogates_become_replacement_characters() -> None:
    assert gojson.loads('{"\\ud800":["\\ud83d\\ude00\\udc00"]}') == {"\ufffd": ["\U0001f600\ufffd"]}


def test_yaml_is_read_as_json_with_text_keys_and_dates_as_text() -> None:
    assert list(manifests.documents("2: [2026-01-05, null]\ntrue: {a: 1.5}\n", "STDIN")) == [
        {"2": ["2026-01-05", None], "true": {"a": 1.5}}
    ]


def test_yaml_that_is_none_is_told() -> None:
    with pytest.raises(KubectlError, match="error parsing STDIN: error converting YAML to JSON: yaml: "):
        list(manifests.documents("a: [", "STDIN"))


OBJECT = {"a": {"b": ["x", "y"], "n": 1, "t": True, "z": None}, "list": [{"k": "1", "v": "one"}, {"v": "two"}]}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.a.b[-1]}", "y"),
        ("{.a[*]}", '["x","y"] 1 true '),
        ("{$.a.n}{@.a.t}", "1true"),
        ("{.a.n[0]}", ""),
        ('{.list[?(@.k=="1")].v}', "one"),
        ('{.list[?(@.k!="1")].v}', "two"),
        ("{.list[?(@.k)].v}", "one"),
        ("{.a.b[?(@=='x')]}", "x"),
        ("{range .list[*]}{.v},{end}", "one,two,"),
        ("{range .list[*]}{range .v}{@}{end}{end}", "onetwo"),
        ('{"}"}{.}', "}" + gojson.dumps(OBJECT)),
    ],
)
def test_a_template_finds(template: str, text: str) -> None:
    assert Template(template).render(OBJECT) == text


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("", True),
        ("a", True),
        ("!a", False),
        ("b", False),
        ("!b", True),
        ("a=1, !b", True),
        ("a!=1", False),
        ("a==1", True),
    ],
)
def test_a_selector_fits(selector: str, fits: bool) -> None:
    assert selectors.parse(selector)({"a": "1"}) is fits
