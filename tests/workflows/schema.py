"""Argo's own description of its objects, made strict: an unknown field is refused, which the published one lets pass."""

from __future__ import annotations

import copy
import functools
from typing import Any

import jsonschema

from tests import recordings

VERSIONS = ("v3.5.5", "v4.1.2")


@functools.cache
def validator(version: str, kind: str) -> jsonschema.Draft4Validator:
    definitions = copy.deepcopy(recordings.load("swagger")[f"swagger-{version}.json"]["definitions"])
    for definition in definitions.values():
        if "properties" in definition and "additionalProperties" not in definition:
            definition["additionalProperties"] = False
    root = {"$ref": f"#/definitions/io.argoproj.workflow.v1alpha1.{kind}", "definitions": definitions}
    return jsonschema.Draft4Validator(root)


def mistakes(item: Any, version: str) -> list[str]:
    """What is wrong with a Workflow or WorkflowTemplate, in the validator's words."""
    errors = validator(version, item["kind"]).iter_errors(item)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]
