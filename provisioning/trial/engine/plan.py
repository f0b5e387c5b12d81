"""What a pod is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PodPlan:
    """A pod to be: `template` has no tags left; `deadline` is seconds from the pod's start (None: no limit)."""

    namespace: str
    name: str
    workflow: str
    node: str
    step: str
    template: dict[str, Any]
    account: str = "default"
    volumes: tuple[dict[str, Any], ...] = ()
    deadline: float | None = None
    keep_result: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return (self.namespace, self.name)

    @property
    def image(self) -> str:
        return str(self.template["container"].get("image", ""))


@dataclass(slots=True)
class PodResult:
    """`phase` is the node's last phase; `exit_code` None when no process ever ran or none ended by itself."""

    phase: str
    finished: float
    seconds: float = 0.0
    exit_code: int | None = None
    message: str = ""
    parameters: list[dict[str, Any]] = field(default_factory=list)
    result: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PodResult:
        return cls(**data)
