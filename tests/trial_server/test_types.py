"""Argo's structs: the file of them agrees with the swagger, and values are taken in and written out as Go does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioning.trial.server.fields import Cleaner
from provisioning.trial.server.goregexp import RegexpFault, compile_re2
from provisioning.trial.server.rfc3339 import TimeFault, parse_time
from provisioning.trial.server.types import TypeFault, decode, encode
from provisioning.trial.server.values import any_string, quantity

from .go_types import TYPES_FILE, derive, text


def test_the_file_of_structs_is_what_swagger_and_recordings_say() -> None:
    assert TYPES_FILE.read_text() == text(derive())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("text", "text"), (3, "3"), (1.0, "1"), (1.5, "1.5"), (True, "true"), (False, "false"), (1e21, "1" + "0" * 21),
        (9007199254740993, "9007199254740992"), ({"a": 1}, ""), ([1], ""), (-0.001, "-0.001"),
    ],
)  # fmt: skip
def test_a_parameter_of_any_type_becomes_text(sent: Any, kept: str) -> None:
    assert any_string(sent) == kept
    assert decode("Parameter", {"name": "p", "value": sent}) == {"name": "p", "value": kept}


def test_a_null_parameter_has_no_value() -> None:
    assert encode("Parameter", decode("Parameter", {"name": "p", "value": None})) == {"name": "p"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("100m", "100m"), ("1000m", "1"), ("0.5", "500m"), (2, "2"), (0.25, "250m"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"),
        ("128Mi", "128Mi"), ("1e3", "1e3"), ("1500M", "1500M"), ("0", "0"), ("1000k", "1M"), ("2048", "2048"),
    ],
)  # fmt: skip
def test_a_quantity_is_written_in_its_canonical_form(sent: Any, kept: str) -> None:
    assert quantity(sent) == kept


def test_what_is_no_quantity_is_refused() -> None:
    for bad in ("", "lots", "1 Gi", "1GiB"):
        with pytest.raises(ValueError, match="quantities must match"):
            quantity(bad)
    with pytest.raises(TypeFault, match="quantities must match"):
        decode("ResourceRequirements", {"limits": {"cpu": "lots"}})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"spec": {"entrypoint": 3}}, "json: cannot unmarshal number into Go struct field WorkflowSpec.spec.entrypoint of type string"),
        ({"spec": {"templates": {}}}, "json: cannot unmarshal object into Go struct field WorkflowSpec.spec.templates of type []v1alpha1.Template"),
        ({"spec": {"templates": [{"container": {"args": "x"}}]}}, "json: cannot unmarshal string into Go struct field Container.spec.templates.container.args of type []string"),
        ({"spec": {"activeDeadlineSeconds": 1.5}}, "json: cannot unmarshal number 1.5 into Go struct field WorkflowSpec.spec.activeDeadlineSeconds of type int64"),
        ({"spec": {"suspend": "yes"}}, "json: cannot unmarshal string into Go struct field WorkflowSpec.spec.suspend of type bool"),
        ("text", "json: cannot unmarshal string into Go value of type v1alpha1.Workflow"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_named_with_its_field(value: Any, message: str) -> None:
    with pytest.raises(TypeFault) as fault:
        decode("Workflow", value)
    assert str(fault.value) == message


def test_keys_match_without_case_and_unknown_ones_vanish() -> None:
    sent = {"META": 1, "Metadata": {"NAME": "x"}, "spec": {"entryPoint": "a", "bogus": {}}}
    assert decode("Workflow", sent) == {"metadata": {"name": "x"}, "spec": {"entrypoint": "a"}}


def test_what_go_must_write_is_written_and_empty_things_are_not() -> None:
    written = encode("Workflow", {"spec": {"templates": [{"name": "", "container": {"args": []}}], "suspend": False}})
    assert json.dumps(written) == (
        '{"metadata": {}, "spec": {"templates": [{"inputs": {}, "outputs": {}, "metadata": {}, "container": '
        '{"name": "", "resources": {}}}], "arguments": {}, "suspend": false}, "status": {"startedAt": null, '
        '"finishedAt": null}}'
    )


def test_fields_keep_what_lies_on_or_below_a_path_and_leave_out_exact_ones() -> None:
    value = {"status": {"phase": "Failed", "nodes": {"a": {"id": "a"}}}, "metadata": {"name": "x", "namespace": "n"}}
    assert Cleaner("status").clean(value) == {"status": value["status"]}
    assert Cleaner("status.phase,metadata.name").clean(value) == {
        "status": {"phase": "Failed"},
        "metadata": {"name": "x"},
    }
    assert Cleaner("-status.nodes,metadata").clean(value) == {"status": {"phase": "Failed"}}
    assert Cleaner("items.status.nodes").clean({"items": [value]}) == {
        "items": [{"status": {"nodes": {"a": {"id": "a"}}}}]
    }


@pytest.mark.parametrize(
    ("text_", "fault"),
    [
        ("yesterday", 'cannot parse "yesterday" as "2006"'),
        ("2026-13", 'cannot parse "" as "-"'),
        ("2026-01-01T00:00:00", 'cannot parse "" as "Z07:00"'),
        ("2026/01/01", 'cannot parse "/01/01" as "-"'),
    ],
)
def test_a_bad_time_is_refused_in_gos_words(text_: str, fault: str) -> None:
    with pytest.raises(TimeFault) as found:
        parse_time(text_)
    assert str(found.value) == f'parsing time "{text_}" as "2006-01-02T15:04:05Z07:00": {fault}'


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("(", "missing closing ): `(`"),
        (")", "unexpected ): `)`"),
        ("[a", "missing closing ]: `[a`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
    ],
)
def test_a_bad_expression_is_refused_in_gos_words(pattern: str, fault: str) -> None:
    with pytest.raises(RegexpFault) as found:
        compile_re2(pattern)
    assert str(found.value) == fault
