"""A parameter survives Argo's substitution, Go's quoting, the kubelet's expansion and `sh`; the digest is what the
first step computes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from provisioning.manifests import PARAMETERS, digest, digest_of, encode, objects_of, render, to_parameter
from provisioning.manifests.encoding import MAX_PARAMETER_BYTES
from provisioning.spec import NamespaceSpec, validate
from tests.manifests.golden import IDENTITY, PLAIN, SHIPPED
from tests.manifests.values import NASTY, PROPERTY, hostile_specs, specs, texts

values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@PROPERTY
@given(values)
@example({"a": {"b": {"c": {}}}, "{{x}}": "{{{y}}}"})
@example(" ".join(NASTY))
@example("\x7f\x00\ud800")
def test_any_value_becomes_printable_ascii_that_reads_back(value: Any) -> None:
    text = encode(value)
    assert json.loads(text) == value
    assert re.fullmatch(r"[ -~]*", text)
    assert "{{" not in text
    assert "$" not in text


def substituted(text: str, known: dict[str, str]) -> str:
    """Argo: the template as JSON, each tag replaced by the JSON-escaped value, until nothing changes any more."""
    for _ in range(5):
        after = re.sub(r"\{\{(.+?)\}\}", lambda m: known.get(m[1].strip(), m[0]), text)
        if after == text:
            return text
        text = after
    return text


def expanded(text: str, environment: dict[str, str]) -> str:
    """The kubelet: `$(NAME)` of an earlier variable, and `$$` as `$`."""
    return re.sub(r"\$\$|\$\((\w+)\)", lambda m: "$" if m[0] == "$$" else environment.get(m[1], m[0]), text)


@PROPERTY
@given(specs())
def test_a_parameter_arrives_as_it_was_approved(spec: NamespaceSpec) -> None:
    rendered = render(spec, IDENTITY, SHIPPED)
    for name, text in rendered.parameters.items():
        escaped = json.dumps(text)[1:-1]
        tags = {f"workflow.parameters.{name}": escaped, "workflow.name": "EVIL", "=1+1": "EVIL", "foo": "EVIL"}
        template = json.dumps({"env": [{"name": "X", "value": f"{{{{workflow.parameters.{name}}}}}"}]})
        arrived = json.loads(substituted(template, tags))["env"][0]["value"]
        assert expanded(arrived, {"HOME": "EVIL", "NAMESPACE_NAME": "EVIL"}) == text
        assert len(text) <= MAX_PARAMETER_BYTES


@PROPERTY
@given(specs())
def test_valid_requests_are_found_valid_and_render_to_what_reads_back(spec: NamespaceSpec) -> None:
    assert validate(spec, SHIPPED) == {}
    rendered = render(spec, IDENTITY, SHIPPED)
    assert tuple(rendered.parameters) == PARAMETERS
    assert objects_of(rendered.parameters) == rendered.objects
    assert (
        render(NamespaceSpec.from_json(json.loads(json.dumps(spec.to_json()))), IDENTITY, SHIPPED).digest
        == rendered.digest
    )


@PROPERTY
@given(hostile_specs)
def test_hostile_requests_get_sentences_and_never_an_exception(spec: NamespaceSpec) -> None:
    found = validate(spec, SHIPPED)
    assert found  # a tier of this kind of text does not exist
    for errors in found.values():
        assert all(error.isprintable() and 0 < len(error) < 400 for error in errors)


def test_a_value_of_placeholder_shape_stays_a_text() -> None:
    rendered = render(PLAIN.replace(purpose="<cluster.namespace>"), IDENTITY, SHIPPED)
    assert rendered.namespace["metadata"]["annotations"]["platform.io/purpose"] == "<cluster.namespace>"


@settings(max_examples=12, deadline=None, database=None)
@given(specs())
@example(PLAIN.replace(purpose=" ".join(NASTY)[:500].replace("\x00", "")))
def test_the_digest_is_what_the_first_step_computes(spec: NamespaceSpec) -> None:
    rendered = render(spec, IDENTITY, SHIPPED)
    script = """printf '%s' "$A" "$B" "$C" "$D" "$E" | sha256sum | cut -d' ' -f1"""
    variables = dict(zip("ABCDE", rendered.parameters.values(), strict=True))
    done = subprocess.run(
        ["sh", "-c", script], env={"PATH": os.environ["PATH"], **variables}, capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == rendered.digest == digest_of(rendered.parameters)


def test_the_digest_depends_on_the_order_of_the_texts_alone() -> None:
    assert digest(["a", "bc"]) == digest(["ab", "c"]) == hashlib.sha256(b"abc").hexdigest()
    shuffled = {name: str(number) for number, name in enumerate(reversed(PARAMETERS))}
    assert digest_of(shuffled) == digest(["4", "3", "2", "1", "0"])
    with pytest.raises(KeyError):
        digest_of({"namespaceManifest": ""})


def test_a_list_of_objects_becomes_one_list() -> None:
    assert json.loads(to_parameter([{"a": 1}])) == {"apiVersion": "v1", "kind": "List", "items": [{"a": 1}]}
    assert to_parameter({"b": 1, "a": 2}) == '{"a":2,"b":1}'
