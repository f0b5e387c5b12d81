"""A ValidatingAdmissionPolicy as the API server would evaluate it, by a CEL interpreter from the package index."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import celpy
from celpy import celtypes

Json = dict[str, Any]
_ENVIRONMENT = celpy.Environment()


@functools.cache
def _program(expression: str) -> celpy.Runner:
    return _ENVIRONMENT.program(_ENVIRONMENT.compile(expression))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody asks of the API server. `before` is the object as stored, `after` as it would be."""

    user: str
    operation: str  # CREATE, UPDATE or DELETE
    resource: str  # plural, lower case
    before: Json | None = None
    after: Json | None = None
    group: str = ""
    groups: tuple[str, ...] = ("system:authenticated",)
    namespace: Json | None = None  # the Namespace that the object is in
    name: str = field(default="")

    def activation(self) -> dict[str, Any]:
        shown = self.after or self.before or {}
        metadata = shown.get("metadata", {})
        request = {
            "operation": self.operation,
            "name": self.name or metadata.get("name", ""),
            "namespace": metadata.get("namespace", ""),
            "resource": {"group": self.group, "version": "v1", "resource": self.resource},
            "userInfo": {"username": self.user, "groups": list(self.groups)},
        }
        return {
            "request": celpy.json_to_cel(request),
            "object": celpy.json_to_cel(self.after),
            "oldObject": celpy.json_to_cel(self.before),
            "namespaceObject": celpy.json_to_cel(self.namespace),
        }


def refusals(policy: Mapping[str, Any], attempt: Attempt) -> list[str]:
    """The messages of the validations that refuse it; [] when it passes, or the policy is about something else."""
    spec = policy["spec"]
    if not any(_about(rule, attempt) for rule in spec["matchConstraints"]["resourceRules"]):
        return []
    known = attempt.activation()
    if not all(_true(each["expression"], known) for each in spec.get("matchConditions", ())):
        return []
    variables: dict[str, Any] = {}
    for variable in spec.get("variables", ()):
        value = _program(variable["expression"]).evaluate({**known, "variables": celtypes.MapType(_keyed(variables))})
        variables[variable["name"]] = value
    known["variables"] = celtypes.MapType(_keyed(variables))
    return [each["message"] for each in spec["validations"] if not _true(each["expression"], known)]


def _keyed(values: Mapping[str, Any]) -> dict[Any, Any]:
    return {celtypes.StringType(key): value for key, value in values.items()}


def _about(rule: Mapping[str, Any], attempt: Attempt) -> bool:
    return (
        attempt.group in rule["apiGroups"]
        and attempt.resource in rule["resources"]
        and attempt.operation in rule["operations"]
    )


def _true(expression: str, known: dict[str, Any]) -> bool:
    """An expression that fails counts as refused, as `failurePolicy: Fail` has it: the error is raised to the test."""
    return bool(_program(expression).evaluate(known))
