"""Arguments that name objects: `TYPE NAME…`, `TYPE1,TYPE2`, `TYPE/NAME…`."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.trial.cluster.api import Target
from provisioning.trial.cluster.errors import KubectlError
from provisioning.trial.cluster.kinds import KINDS, Kind, resolve

MIXED = (
    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form"
    " (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Either objects by name, or whole kinds."""

    targets: tuple[Target, ...] = ()
    kinds: tuple[Kind, ...] = ()


def select(words: list[str], namespace: str) -> Selection:
    """Raises KubectlError for an unknown type or a form that kubectl does not take."""
    if not words:
        raise KubectlError.plain("Required resource not specified.")
    slashes = [word for word in words if "/" in word]
    if slashes and len(slashes) == len(words):
        return Selection(tuple(_slashed(word, namespace) for word in words))
    if slashes:
        raise KubectlError.plain(MIXED)
    kinds = tuple(kind for word in words[0].split(",") for kind in _kinds(word))
    if len(words) == 1:
        return Selection(kinds=kinds)
    if "" in words[1:]:
        raise KubectlError.plain("resource name may not be empty")
    return Selection(tuple(target(kind, namespace, name) for kind in kinds for name in words[1:]))


def target(kind: Kind, namespace: str, name: str) -> Target:
    return Target(kind, namespace if kind.namespaced else "", name)


def _slashed(word: str, namespace: str) -> Target:
    type_, name = word.split("/", 1)
    if not type_ or not name or "/" in name:
        raise KubectlError.plain(f"arguments in resource/name form must have a single resource and name, not {word}")
    return target(_kind(type_), namespace, name)


def _kinds(word: str) -> list[Kind]:
    return [kind for kind in KINDS if kind.in_all] if word == "all" else [_kind(word)]


def _kind(word: str) -> Kind:
    found = resolve(word)
    if found is None:
        raise KubectlError.plain(f'the server doesn\'t have a resource type "{word.partition(".")[0]}"')
    return found
