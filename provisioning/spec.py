"""What somebody asks for, as plain values, and the rules of what may be asked: the same for form, API and model."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from provisioning.catalog.text import is_label_value, text_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioning.catalog import Catalog

MAX_SUBJECTS = 50
MAX_SUBJECT_BYTES = 64 * 1024
MAX_PURPOSE = 500
LEVELS = ("admins", "editors", "viewers")
_NAME = re.compile(r"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")
_MAX_NAME = 63


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A person or a group of the cluster's directory. Service accounts are not given access by request."""

    kind: Literal["User", "Group"]
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "User" else f"group:{self.name}"


@dataclass(frozen=True, slots=True)
class NamespaceSpec:
    """Features are sorted and unique, subjects too: two specs that ask the same are equal."""

    name: str
    team: str
    tier: str
    features: tuple[str, ...] = ()
    admins: tuple[Subject, ...] = ()
    editors: tuple[Subject, ...] = ()
    viewers: tuple[Subject, ...] = ()
    purpose: str = ""
    lease_days: int = 90
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(sorted(set(self.features))))
        for level in LEVELS:
            object.__setattr__(self, level, tuple(sorted(set(getattr(self, level)))))
        object.__setattr__(self, "options", dict(sorted(self.options.items())))

    @property
    def subjects(self) -> tuple[Subject, ...]:
        return self.admins + self.editors + self.viewers

    def replace(self, **changes: Any) -> Self:
        return dataclasses.replace(self, **changes)

    def rbac(self) -> dict[str, list[dict[str, str]]]:
        """The workflow's parameter `rbacConfig`: levels without subjects are left out, but for admins."""
        levels = {level: getattr(self, level) for level in LEVELS}
        return {
            level: [{"kind": subject.kind, "name": subject.name} for subject in subjects]
            for level, subjects in levels.items()
            if subjects or level == "admins"
        }

    def to_json(self) -> dict[str, Any]:
        data = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        data["features"] = list(self.features)
        data["options"] = dict(self.options)
        for level in LEVELS:
            data[level] = [{"kind": subject.kind, "name": subject.name} for subject in data[level]]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises ValueError when `data` has not the shape of `to_json`. Says nothing about what may be asked."""
        try:
            admins, editors, viewers = (tuple(map(_subject, data.get(level, ()))) for level in LEVELS)
            return cls(
                **{key: _typed(data[key], str) for key in ("name", "team", "tier")},
                features=tuple(_typed(item, str) for item in data.get("features", ())),
                admins=admins,
                editors=editors,
                viewers=viewers,
                purpose=_typed(data.get("purpose", ""), str),
                lease_days=_typed(data["lease_days"], int),
                options={_typed(k, str): _typed(v, str) for k, v in data.get("options", {}).items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no namespace specification: {error}") from error


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _subject(item: Mapping[str, Any]) -> Subject:
    if item["kind"] not in {"User", "Group"}:
        raise TypeError(f"{item['kind']!r} is neither User nor Group")
    return Subject(item["kind"], _typed(item["name"], str))


def parse_subjects(text: str) -> tuple[Subject, ...]:
    """People and groups as typed, one a line or with commas between: `group:NAME` is a group, others are people.

    Raises ValueError with a sentence for people when a part has no name.
    """
    found: dict[Subject, None] = {}
    for part in re.split(r"[,\n]", text.replace("\r", "\n")):
        entry = part.strip()
        if not entry:
            continue
        prefix, colon, rest = entry.partition(":")
        is_group = bool(colon) and prefix.strip().lower() == "group"
        is_user = bool(colon) and prefix.strip().lower() == "user"
        name = rest.strip() if is_group or is_user else entry
        if not name:
            raise ValueError(f"“{entry}” has no name after the colon.")
        found[Subject("Group" if is_group else "User", name)] = None
    return tuple(found)


def format_subjects(subjects: Iterable[Subject]) -> str:
    """One a line, as `parse_subjects` reads them."""
    return "\n".join(_formatted(subject) for subject in subjects)


def _formatted(subject: Subject) -> str:
    ambiguous = subject.kind == "User" and subject.name.partition(":")[0].strip().lower() in {"user", "group"}
    return f"user:{subject.name}" if ambiguous and ":" in subject.name else str(subject)


def name_errors(name: str, team: str, catalog: Catalog) -> list[str]:
    """What keeps `name` from being a namespace of `team`, in sentences. Whether it is taken is not known here."""
    if not name:
        return ["Give the namespace a name."]
    errors = []
    if not _NAME.match(name):
        errors.append("Only lower-case letters, digits and inner dashes.")
    if len(name) > _MAX_NAME:
        errors.append(f"{_MAX_NAME} characters at most; this has {len(name)}.")
    if reason := catalog.reserved(name):
        errors.append(f"This name is reserved: {reason}.")
    if not errors and team and not _fits(name, team, catalog.name_pattern):
        wanted = catalog.name_pattern.replace("{team}", team)
        errors.append(f"Names of team {team} look like “{wanted}”.")
    return errors


def _fits(name: str, team: str, pattern: str) -> bool:
    if not pattern:
        return True
    parts = (re.escape(part) for part in pattern.replace("{team}", team).split("*"))
    return re.fullmatch(".+".join(parts), name) is not None


def validate(spec: NamespaceSpec, catalog: Catalog) -> dict[str, list[str]]:
    """Field -> what is wrong with it; {} when `spec` may be asked for."""
    found = {
        "team": [] if is_label_value(spec.team) else ["Choose a team."],
        "name": name_errors(spec.name, spec.team, catalog),
        "tier": [] if spec.tier in catalog.tiers else ["Choose one of the tiers."],
        "features": [f"There is no feature “{_shown(key)}”." for key in spec.features if key not in catalog.features],
        **{level: _level_errors(getattr(spec, level)) for level in LEVELS},
        "purpose": _purpose_errors(spec.purpose),
        "lease_days": _lease_errors(spec.lease_days, catalog),
        "options": _option_errors(spec, catalog),
    }
    if crowd := _crowd_error(spec.subjects):
        largest = max(LEVELS, key=lambda level: len(getattr(spec, level)))
        found[largest].append(crowd)
    return {key: errors for key, errors in found.items() if errors}


def _crowd_error(subjects: tuple[Subject, ...]) -> str:
    if len(subjects) > MAX_SUBJECTS:
        return f"{MAX_SUBJECTS} people and groups at most, this has {len(subjects)}: use a group instead."
    # The kernel takes 128 KiB for one environment variable, and a character beyond ASCII is six bytes of it or twelve.
    if sum(len(json.dumps(subject.name)) for subject in subjects) > MAX_SUBJECT_BYTES:
        return "These names are too long together: use a group instead."
    return ""


def _shown(text: str) -> str:
    """Unknown text for a message: cut, and without what a page or a log should not get."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= _MAX_NAME else clean[:_MAX_NAME] + "…"


def _level_errors(subjects: tuple[Subject, ...]) -> list[str]:
    return [error for subject in subjects if (error := _subject_error(subject))]


def _subject_error(subject: Subject) -> str:
    name = subject.name
    if cast("str", subject.kind) not in {"User", "Group"}:
        return "Access is given to people and groups only."
    if not name or name != name.strip():
        return f"“{_shown(name)}”: a name without blanks around it, please."
    if name.lower().startswith("system:"):
        own = "names that start with “system:” belong to Kubernetes. Use a group of your directory."
        return f"“{_shown(name)}” cannot get access: {own}"
    if fault := text_fault(name, limit=253, lines=False):
        return f"“{_shown(name)}”: {fault}."
    return ""


def _purpose_errors(purpose: str) -> list[str]:
    fault = text_fault(purpose, limit=MAX_PURPOSE, lines=True)
    return [f"The purpose: {fault}."] if fault else []


def _lease_errors(days: int, catalog: Catalog) -> list[str]:
    if 1 <= days <= catalog.lease.max_days:
        return []
    return [f"A lease runs from 1 to {catalog.lease.max_days} days."]


def _option_errors(spec: NamespaceSpec, catalog: Catalog) -> list[str]:
    fields = {f.key: f for key in spec.features if key in catalog.features for f in catalog.features[key].fields}
    errors = [f"“{_shown(key)}” belongs to none of the chosen features." for key in spec.options if key not in fields]
    errors += [fault for key, item in fields.items() if (fault := item.check(spec.options.get(key, "")))]
    return errors


def option_errors(spec: NamespaceSpec, catalog: Catalog) -> dict[str, str]:
    """As `validate`, for the fields of features one by one: option -> what is wrong with it."""
    fields = {f.key: f for key in spec.features if key in catalog.features for f in catalog.features[key].fields}
    return {key: fault for key, item in fields.items() if (fault := item.check(spec.options.get(key, "")))}
