"""What somebody asks for: the body of a request, and the same as it is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from provisioning.api.answers import Answer, Body
from provisioning.spec import LEVELS, NamespaceSpec, Subject, parse_subjects


class SubjectBody(Body):
    kind: Literal["User", "Group"]
    name: str


class SubjectAnswer(Answer):
    """A person or a group of the cluster's directory."""

    kind: Literal["User", "Group"]
    name: str


def _from_text(value: Any) -> Any:
    """A text names one person or group, as on the form: `alice@example.com`, `group:payments-devs`."""
    if not isinstance(value, str):
        return value
    found = parse_subjects(value)
    if len(found) != 1:
        raise ValueError("One person or one group, please.")
    return {"kind": found[0].kind, "name": found[0].name}


_SUBJECT_SCHEMA = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"kind": {"enum": ["User", "Group"]}, "name": {"type": "string"}},
            "required": ["kind", "name"],
            "additionalProperties": False,
        },
        {"type": "string", "description": "`alice@example.com` is a person, `group:payments-devs` a group."},
    ]
}
SubjectIn = Annotated[SubjectBody, BeforeValidator(_from_text), WithJsonSchema(_SUBJECT_SCHEMA)]


class AccessBody(Body):
    """Who gets access, besides the requester, who always is an admin."""

    admins: list[SubjectIn] = Field(default=[], description="Manage workloads and secrets.")
    editors: list[SubjectIn] = Field(default=[], description="Deploy.")
    viewers: list[SubjectIn] = Field(default=[], description="Read everything but secrets.")

    def subjects(self, level: str) -> list[Subject]:
        return [Subject(item.kind, item.name) for item in getattr(self, level)]


class AccessAnswer(Answer):
    admins: list[SubjectAnswer]
    editors: list[SubjectAnswer]
    viewers: list[SubjectAnswer]


class NamespaceBody(Body):
    """A request for a namespace."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespaceName": "payments-checkout-dev",
                    "team": "payments",
                    "resourceTier": "small",
                    "features": ["logging", "monitoring"],
                    "rbac": {
                        "admins": ["alice@example.com"],
                        "editors": [{"kind": "Group", "name": "payments-devs"}],
                        "viewers": [],
                    },
                    "purpose": "Checkout, for trying out",
                    "leaseDays": 90,
                }
            ]
        }
    )
    namespace_name: str
    team: str = Field(description="The name of a team that you lead.")
    resource_tier: str = Field(description="A key of the catalogue's tiers.")
    features: list[str] = Field(default=[], description="Keys of the catalogue's features.")
    rbac: AccessBody = Field(default_factory=AccessBody)
    purpose: str = Field(default="", description="What runs there; the approver reads this first.")
    lease_days: int | None = Field(default=None, description="Left out: what the catalogue says is usual.")
    options: dict[str, str | int] = Field(
        default={}, description="What the chosen features ask for, e.g. `gpu_count`; see the catalogue."
    )


class SpecAnswer(Answer):
    """A namespace as it was asked for, or as it was granted."""

    namespace_name: str
    team: str
    resource_tier: str
    features: list[str]
    rbac: AccessAnswer
    purpose: str
    lease_days: int
    options: dict[str, str]


def spec_answer(spec: NamespaceSpec) -> SpecAnswer:
    return SpecAnswer(
        namespace_name=spec.name,
        team=spec.team,
        resource_tier=spec.tier,
        features=list(spec.features),
        rbac=access_answer(spec),
        purpose=spec.purpose,
        lease_days=spec.lease_days,
        options=dict(spec.options),
    )


def access_answer(spec: NamespaceSpec) -> AccessAnswer:
    levels = {
        level: [SubjectAnswer(kind=subject.kind, name=subject.name) for subject in getattr(spec, level)]
        for level in LEVELS
    }
    return AccessAnswer(**levels)
