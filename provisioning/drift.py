"""What the cluster has against what was granted: every difference that means something, with want and have. Pure.

Desired must be contained in live: what the API server adds (status, uid, managedFields) is no difference. It rewrites
quantities (`2000m` becomes `2`), so these are compared as numbers; it drops empty lists, so an absent one is empty.
Lists count as a whole, as their order does; so do `spec.hard` and `data`, where a key that somebody added survives
every apply, and for which a finding carries the command that takes it out again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from provisioning.catalog.quantities import parse_quantity

FindingKind = Literal["missing", "changed", "foreign", "wrong owner"]
KINDS: tuple[FindingKind, ...] = ("missing", "changed", "foreign", "wrong owner")

OWNER = "platform.io/request-id"
# Written by the workflows, or by a cluster administrator's consent to an adoption; nothing that was granted.
STATUS_KEYS = frozenset(
    {
        "platform.io/status",
        "platform.io/provisioned-at",
        "platform.io/updated-at",
        "platform.io/last-change-request",
        "platform.io/adopt",
    }
)
OURS = ("platform.io/", "pod-security.kubernetes.io/")
# Any of these in the namespace bears on what was granted, whoever made it.
WATCHED = ("RoleBinding", "NetworkPolicy", "ResourceQuota", "LimitRange")
# Maps that are ours as a whole, by the kind of their object.
WHOLE_MAPS = {("ResourceQuota", "spec.hard"), ("ConfigMap", "data")}
# Below these, texts are quantities.
_QUANTITIES = {("ResourceQuota", "spec.hard"), ("LimitRange", "spec.limits")}
_SKIPPED = frozenset({"apiVersion", "kind"})
_EMPTY: tuple[Any, ...] = (None, [], {})


@dataclass(frozen=True, slots=True)
class Finding:
    """`object` is `Kind/name`; `path` names the field (`spec.hard[requests.cpu]`), "" when the whole object is meant.
    `want` and `have` are plain values, None = absent. `command` puts it right where no change of the portal does."""

    kind: FindingKind
    object: str
    path: str = ""
    want: Any = None
    have: Any = None
    command: str = ""

    @property
    def sentence(self) -> str:
        match self.kind:
            case "missing":
                return f"{self.object} is missing."
            case "foreign":
                return f"{self.object} is there, and the portal does not know it."
            case "wrong owner":
                return f"{self.object} belongs to request {_shown(self.have)}, not to {_shown(self.want)}."
            case _:
                return f"{self.object}: {self.path} is {_shown(self.have)}, granted is {_shown(self.want)}."

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError or ValueError for data that `to_json` did not make."""
        if data["kind"] not in KINDS:
            raise ValueError(f"{data['kind']!r} is no kind of finding")
        return cls(**{name: data[name] for name in ("kind", "object", "path", "want", "have", "command")})


def parse(text: str) -> dict[str, Any] | None:
    """The audit run's output `live`; None when the namespace does not exist. Raises ValueError for anything else."""
    if not text.strip():
        return None
    found = json.loads(text)
    if not isinstance(found, dict) or not {"namespace", "objects"} <= set(found):
        raise ValueError("this is no output of an audit run")
    return found


def compare(desired: Iterable[Mapping[str, Any]], live: Mapping[str, Any] | None) -> list[Finding]:
    """Findings in the order of the desired objects, then what is foreign. A namespace that is not there is one."""
    wanted = list(desired)
    namespace = next(item for item in wanted if item["kind"] == "Namespace")
    if live is None or not live.get("namespace"):
        return [Finding("missing", _name(namespace))]
    if (owner := _owner(live["namespace"])) != _owner(namespace):
        return [Finding("wrong owner", _name(namespace), _below("metadata.labels", OWNER), _owner(namespace), owner)]
    present = {_key(item): item for item in objects(live)}
    found = [finding for item in wanted for finding in _object(item, present.get(_key(item)))]
    known = {_key(item) for item in wanted}
    place = namespace["metadata"]["name"]
    foreign = (item for key, item in present.items() if key not in known and item["kind"] in WATCHED)
    return [*found, *(Finding("foreign", _name(item), command=_deletion(item, place)) for item in foreign)]


def objects(live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every object that an audit run reports, the namespace first."""
    single = (live["namespace"], live.get("monitoringConfig"), live.get("platformUser"))
    return [*(item for item in single if item), *live["objects"].get("items", [])]


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def _name(item: Mapping[str, Any]) -> str:
    return "/".join(_key(item))


def _owner(namespace: Mapping[str, Any]) -> str:
    return str((namespace["metadata"].get("labels") or {}).get(OWNER, ""))


def _object(want: Mapping[str, Any], have: Mapping[str, Any] | None) -> Iterator[Finding]:
    if have is None:
        yield Finding("missing", _name(want))
        return
    if have["metadata"].get("deletionTimestamp"):
        yield Finding("changed", _name(want), "metadata.deletionTimestamp", None, have["metadata"]["deletionTimestamp"])
    look = _Look(want)
    yield from look.fields({key: value for key, value in want.items() if key not in _SKIPPED}, have, "")
    if want["kind"] == "Namespace":
        yield from look.added_marks(have)


@dataclass(frozen=True, slots=True)
class _Look:
    """One object compared."""

    item: Mapping[str, Any]

    def fields(self, want: Any, have: Any, path: str) -> Iterator[Finding]:
        if isinstance(want, dict) and want and isinstance(have, dict):
            for key, value in want.items():
                yield from self.fields(value, have.get(key), _below(path, key))
            if (self.item["kind"], path) in WHOLE_MAPS:
                yield from self._added(want, have, path)
        elif not self._equal(want, have, path):
            yield Finding("changed", _name(self.item), path, want, have)

    def _added(self, want: Mapping[str, Any], have: Mapping[str, Any], path: str) -> Iterator[Finding]:
        for key in have:
            if key not in want:
                command = self._removal(path, key)
                yield Finding("changed", _name(self.item), _below(path, key), None, have[key], command)

    def added_marks(self, have: Mapping[str, Any]) -> Iterator[Finding]:
        """Labels and annotations of the platform that nobody granted."""
        for kind, verb in (("labels", "label"), ("annotations", "annotate")):
            wanted = self.item["metadata"].get(kind) or {}
            for key, value in (have["metadata"].get(kind) or {}).items():
                if key.startswith(OURS) and key not in wanted and key not in STATUS_KEYS:
                    command = f"kubectl {verb} namespace {self.item['metadata']['name']} {key}-"
                    path = _below(f"metadata.{kind}", key)
                    yield Finding("changed", _name(self.item), path, None, value, command)

    def _removal(self, path: str, key: str) -> str:
        pointer = "/".join(["", *path.split("."), key.replace("~", "~0").replace("/", "~1")])
        patch = json.dumps([{"op": "remove", "path": pointer}], separators=(",", ":"))
        metadata = self.item["metadata"]
        resource = f"{self.item['kind'].lower()} {metadata['name']} -n {metadata['namespace']}"
        return f"kubectl patch {resource} --type=json -p {_quoted(patch)}"

    def _equal(self, want: Any, have: Any, path: str) -> bool:
        numbers = any(self.item["kind"] == kind and path.startswith(start) for kind, start in _QUANTITIES)
        return bool(_normal(want, numbers=numbers) == _normal(have, numbers=numbers))


def _normal(value: Any, *, numbers: bool) -> Any:
    """The same for all that means the same: nothing for empty, a number for a quantity, no empty entries."""
    if value in _EMPTY:
        return None
    if isinstance(value, dict):
        return {key: _normal(item, numbers=numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [_normal(item, numbers=numbers) for item in value]
    return _worth(value) if numbers and isinstance(value, str) else value


def _worth(text: str) -> Any:
    try:
        return parse_quantity(text)
    except ValueError:
        return text


def _below(path: str, key: str) -> str:
    if not key.replace("-", "").isalnum():
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _deletion(item: Mapping[str, Any], place: str) -> str:
    return f"kubectl delete {item['kind'].lower()} {_quoted(item['metadata']['name'])} -n {place}"


def _quoted(text: str) -> str:
    """For a shell; plain names stay as they are."""
    if text.replace("-", "").replace(".", "").isalnum():
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return f"“{text}”" if len(text) <= 200 else f"“{text[:200]}…”"  # noqa: PLR2004 - a sentence of a page
