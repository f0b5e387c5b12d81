"""Labels that a workflow gives itself: `spec.workflowMetadata`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import Invalid
from .expressions import evaluate, nested

VALUE = re.compile(r"(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")
VALUE_LENGTH = 63
TOO_LONG = "must be no more than 63 bytes"
RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def value_errors(value: str) -> list[str]:
    """Kubernetes' IsValidLabelValue, with its texts."""
    errors = [TOO_LONG] if len(value.encode()) > VALUE_LENGTH else []
    return errors if VALUE.match(value) else [*errors, RULE]


def workflow_metadata(
    spec: Mapping[str, Any], values: Mapping[str, str], labels: dict[str, str], annotations: dict[str, str]
) -> None:
    """Set labels and annotations at the first look. Raises Invalid with the controller's message."""
    metadata = spec.get("workflowMetadata") or {}
    annotations |= metadata.get("annotations") or {}
    for name, value in sorted((metadata.get("labels") or {}).items()):
        if errors := value_errors(value):
            raise Invalid(f'invalid label value "{value}" for label "{name}": {";".join(errors)}')
        labels[name] = value
    for name, source in sorted((metadata.get("labelsFrom") or {}).items()):
        labels[name] = _from_expression(name, source["expression"], values)


def _from_expression(name: str, expression: str, values: Mapping[str, str]) -> str:
    try:
        value = evaluate(expression, nested(values))
    except Invalid as error:
        raise Invalid(f'failed to evaluate label "{name}" expression "{expression}": {error.message}') from error
    if not isinstance(value, str):
        raise Invalid(
            f'failed to evaluate label "{name}" expression "{expression}" evaluted to {value} ({type(value).__name__}) '
            "instead of string"
        )
    if errors := value_errors(value):
        raise Invalid(
            f'invalid label value "{value}" for label "{name}" and expression "{expression}": {";".join(errors)}'
        )
    return value
