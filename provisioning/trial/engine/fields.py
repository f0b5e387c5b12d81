"""The fields that the trial implements. A field that says something and is not in here is refused, by its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import Invalid

ANYTHING = None  # taken as it is: implemented, or without any effect in a trial (an image is never pulled)

PARAMETER = {"name": ANYTHING, "value": ANYTHING, "default": ANYTHING, "enum": ANYTHING, "description": ANYTHING}
ARGUMENTS = {"parameters": [PARAMETER]}
CONTINUE_ON = {"failed": ANYTHING, "error": ANYTHING}
STEP = {
    "name": ANYTHING,
    "template": ANYTHING,
    "arguments": ARGUMENTS,
    "when": ANYTHING,
    "continueOn": CONTINUE_ON,
}
TASK = STEP | {"dependencies": ANYTHING, "depends": ANYTHING}
RETRY_STRATEGY = {
    "limit": ANYTHING,
    "retryPolicy": ANYTHING,
    "expression": ANYTHING,
    "backoff": {"duration": ANYTHING, "factor": ANYTHING, "maxDuration": ANYTHING, "cap": ANYTHING},
}
CONTAINER = {
    "name": ANYTHING,
    "image": ANYTHING,
    "imagePullPolicy": ANYTHING,
    "command": ANYTHING,
    "args": ANYTHING,
    "env": [{"name": ANYTHING, "value": ANYTHING}],
    "resources": ANYTHING,
    "securityContext": ANYTHING,
    "volumeMounts": [{"name": ANYTHING, "mountPath": ANYTHING}],
}
OUTPUT = PARAMETER | {"valueFrom": {"path": ANYTHING, "default": ANYTHING, "parameter": ANYTHING}}
TEMPLATE = {
    "name": ANYTHING,
    "inputs": ARGUMENTS,
    "outputs": {"parameters": [OUTPUT]},
    "metadata": {},
    "container": CONTAINER,
    "dag": {"tasks": [TASK], "failFast": ANYTHING, "target": ANYTHING},
    "steps": [[STEP]],
    "activeDeadlineSeconds": ANYTHING,
    "retryStrategy": RETRY_STRATEGY,
    "serviceAccountName": ANYTHING,
    "automountServiceAccountToken": ANYTHING,
    "securityContext": ANYTHING,
}
SPEC = {
    "entrypoint": ANYTHING,
    "templates": [TEMPLATE],
    "arguments": ARGUMENTS,
    "onExit": ANYTHING,
    "workflowTemplateRef": {"name": ANYTHING},
    "serviceAccountName": ANYTHING,
    "automountServiceAccountToken": ANYTHING,
    "securityContext": ANYTHING,
    "volumes": [{"name": ANYTHING, "emptyDir": ANYTHING}],
    "parallelism": ANYTHING,
    "priority": ANYTHING,
    "activeDeadlineSeconds": ANYTHING,
    "retryStrategy": RETRY_STRATEGY,
    "ttlStrategy": {
        "secondsAfterCompletion": ANYTHING,
        "secondsAfterSuccess": ANYTHING,
        "secondsAfterFailure": ANYTHING,
    },
    "synchronization": {"mutexes": [{"name": ANYTHING, "namespace": ANYTHING}]},
    "workflowMetadata": {
        "labels": ANYTHING,
        "annotations": ANYTHING,
        "labelsFrom": ANYTHING,
    },
    "shutdown": ANYTHING,
    "suspend": ANYTHING,
}


def refuse_unimplemented(spec: dict[str, Any]) -> None:
    """Raises Invalid: `trial: spec.templates[0].script is not implemented`."""
    for path in _unknown(spec, SPEC, "spec"):
        raise Invalid(f"trial: {path} is not implemented")


def _unknown(value: Any, schema: Any, path: str) -> Iterator[str]:
    """Paths of what says something and is in no schema; what is empty says nothing."""
    if schema is ANYTHING:
        return
    if isinstance(value, list) and isinstance(schema, list):
        for index, item in enumerate(value):
            yield from _unknown(item, schema[0], f"{path}[{index}]")
    elif isinstance(value, dict) and isinstance(schema, dict):
        for name, item in value.items():
            if name in schema:
                yield from _unknown(item, schema[name], f"{path}.{name}")
            elif item not in (None, "", False, [], {}):
                yield f"{path}.{name}"
