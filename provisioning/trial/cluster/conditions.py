"""Conditions that people set to see failure: refused objects, an API server that does not answer."""

from __future__ import annotations

import json
from dataclasses import dataclass

from provisioning.trial.cluster.errors import Denied
from provisioning.trial.cluster.kinds import Kind, resolve
from provisioning.trial.cluster.objects import Objects

ANY = "*"
POLICY = "trial-conditions"
REFUSE = "refuse/"
OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Refusal:
    kind: str  # plural, e.g. resourcequotas
    name: str  # or `*`
    message: str


@dataclass(frozen=True, slots=True)
class Outage:
    mode: str  # see outage.MODES
    until: float | None  # Unix time; None: until it is lifted


class Conditions:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def refuse(self, kind: str, name: str, message: str) -> None:
        plural = _plural(kind)
        self._objects.set_setting(f"{REFUSE}{plural}/{name}", message)

    def unrefuse(self, kind: str, name: str) -> None:
        self._objects.set_setting(f"{REFUSE}{_plural(kind)}/{name}", None)

    def refusals(self) -> list[Refusal]:
        found = []
        for setting, message in self._objects.settings(REFUSE).items():
            kind, name = setting.removeprefix(REFUSE).split("/", 1)
            found.append(Refusal(kind, name, message))
        return found

    def check(self, kind: Kind, name: str) -> None:
        """Raises Denied, in the words of an admission policy, for an object that is to be refused."""
        for refusal in self.refusals():
            if refusal.kind in (kind.plural, ANY) and refusal.name in (name, ANY):
                raise Denied(kind.plural, kind.resource, name, POLICY, refusal.message)

    def set_outage(self, outage: Outage | None) -> None:
        value = None if outage is None else json.dumps({"mode": outage.mode, "until": outage.until})
        self._objects.set_setting(OUTAGE, value)

    def outage(self, now: float) -> Outage | None:
        """The outage in force at `now`."""
        value = self._objects.setting(OUTAGE)
        if value is None:
            return None
        outage = Outage(**json.loads(value))
        return outage if outage.until is None or now < outage.until else None


def _plural(kind: str) -> str:
    """Raises ValueError for a kind that this cluster does not have."""
    if kind == ANY:
        return kind
    found = resolve(kind)
    if found is None:
        raise ValueError(f'the server doesn\'t have a resource type "{kind}"')
    return found.plural
