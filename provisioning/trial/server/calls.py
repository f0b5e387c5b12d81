"""What a handler is given: the call, decoded, with the caller and the trial behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from provisioning.trial.store import NotFound

from .fields import Cleaner
from .status import NOT_FOUND, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioning.trial.store import Store

    from .accounts import Accounts, Caller
    from .query import Query

Object = dict[str, Any]


class Validation(Protocol):
    """The engine's checks; both raise `Invalid` with Argo's text, or what `get_template` raises."""

    def validate_workflow(
        self, workflow: Object, get_template: Callable[[str], Object], *, lint: bool = False
    ) -> None: ...
    def validate_template(self, template: Object) -> None: ...


@dataclass(slots=True)
class Trial:
    """The trial that is served. `namespace` is the only one that exists for workflows; `clock` gives seconds since
    1970; `keepalive_seconds` is the period of the SSE keepalive."""

    store: Store
    validation: Validation
    accounts: Accounts
    namespace: str
    clock: Callable[[], float]
    version: str = "v4.1.2+trial"
    keepalive_seconds: float = 15.0


@dataclass(slots=True)
class Call:
    """One call that was routed and decoded. `message` is the decoded body, with the path's parameters in it."""

    trial: Trial
    caller: Caller
    params: Mapping[str, str]
    query: Query
    message: Object = field(default_factory=dict)
    patience: Callable[[], float] = lambda: 1.0

    @property
    def store(self) -> Store:
        return self.trial.store

    @property
    def namespace(self) -> str:
        return self.params.get("namespace", "")

    @property
    def name(self) -> str:
        return self.params.get("name", "")

    @property
    def cleaner(self) -> Cleaner:
        return Cleaner(self.query.text("fields"))

    def find(self, kind: str, name: str | None = None, verb: str = "get") -> Object:
        """The stored object that the path names. Raises Status: 401, 403, 404."""
        name = self.name if name is None else name
        self.caller.require(verb, kind, self.namespace, name)
        try:
            return self.store.get(kind, self.namespace, name)
        except NotFound as missing:
            raise Status(NOT_FOUND, missing.message) from None
