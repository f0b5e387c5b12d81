"""What Kubernetes checks of an object before it stores it, in its words, and the labels that Argo's server sets."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from .status import EXISTS, INTERNAL, INVALID, NOT_FOUND, Status

if TYPE_CHECKING:
    from .accounts import Caller

    Object = dict[str, Any]

PREFIX = "workflows.argoproj.io/"
CREATOR = f"{PREFIX}creator"
OWNED_LABELS = (CREATOR, f"{CREATOR}-email", f"{CREATOR}-preferred-username", f"{PREFIX}controller-instanceid")
SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
NAME_LIMIT, GENERATED_BASE, LABEL_LIMIT, SUBDOMAIN_LIMIT = 63, 58, 63, 253
ANNOTATIONS_LIMIT = 256 * 2**10
REQUEST_LIMIT = 1536 * 2**10  # etcd's default for one object
QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
VALUE = f"({QUALIFIED})?"
LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
BAD_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    f" '{VALUE}')"
)
BAD_KEY = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    " character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    f" '{QUALIFIED}')"
)
BAD_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    f" end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
)
NOT_ALL_CHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the"
    " existing errors to complete validation"
)


def set_creator(metadata: Object, caller: Caller) -> None:
    """Who asked, from the token's claims; nobody may claim it, nor belong to another controller's instance."""
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in OWNED_LABELS}
    if caller.label:
        labels[CREATOR] = caller.label
    metadata.pop("labels", None)
    if labels:
        metadata["labels"] = labels


def set_actor(metadata: Object, caller: Caller, action: str = "") -> None:
    """Who did the last thing to a workflow, and what (since 3.7)."""
    if caller.label:
        labels = metadata.setdefault("labels", {})
        labels[f"{PREFIX}actor"] = caller.label
        if action:
            labels[f"{PREFIX}action"] = action


def generated(base: str) -> str:
    return base[:GENERATED_BASE] + "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(5))


def admit(obj: Object, kind: str, namespace: str, existing: str, size: int) -> None:
    """Kubernetes' checks on a create, in its order, short of the one for a taken name. Raises Status.

    `kind` is Workflow or WorkflowTemplate, `existing` the only namespace there is, `size` the object's in bytes.
    """
    metadata = obj["metadata"]
    if metadata.get("namespace", namespace) != namespace:
        raise Status(INVALID, "the namespace of the provided object does not match the namespace sent on the request")
    if namespace != existing:
        raise Status(NOT_FOUND, f'namespaces "{namespace}" not found')
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = generated(metadata["generateName"])
    check(metadata, kind)
    if size > REQUEST_LIMIT:
        raise Status(INTERNAL, "etcdserver: request is too large")


def check(metadata: Object, kind: str) -> None:
    """Raises Status (400): a Kubernetes 422."""
    name = metadata.get("name", "")
    fatal = [*_name_faults(name), *_annotation_faults(metadata.get("annotations") or {})]
    faults = [*fatal, *_label_faults(metadata.get("labels") or {}), *([NOT_ALL_CHECKED] if fatal else [])]
    if faults:
        listed = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
        raise Status(INVALID, f'{kind}.argoproj.io "{name}" is invalid: {listed}')


def _name_faults(name: str) -> list[str]:
    if not name:
        return ["metadata.name: Required value: name or generateName is required"]
    if len(name) > SUBDOMAIN_LIMIT:
        return [f'metadata.name: Invalid value: "{name}": must be no more than {SUBDOMAIN_LIMIT} bytes']
    return [] if re.fullmatch(SUBDOMAIN, name) else [f'metadata.name: Invalid value: "{name}": {BAD_SUBDOMAIN}']


def _label_faults(labels: dict[str, str]) -> list[str]:
    faults = [f'metadata.labels: Invalid value: "{key}": {text}' for key in sorted(labels) for text in _key_faults(key)]
    for key in sorted(labels):
        value = labels[key]
        if len(value.encode()) > LABEL_LIMIT:
            faults.append(f'metadata.labels: Invalid value: "{value}": must be no more than 63 bytes')
        elif not re.fullmatch(VALUE, value):
            faults.append(f'metadata.labels: Invalid value: "{value}": {BAD_VALUE}')
    return faults


def _annotation_faults(annotations: dict[str, str]) -> list[str]:
    faults = [
        f'metadata.annotations: Invalid value: "{key}": {text}'
        for key in sorted(annotations)
        for text in _key_faults(key.lower())
    ]
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_LIMIT:
        faults.append(f"metadata.annotations: Too long: may not be more than {ANNOTATIONS_LIMIT} bytes")
    return faults


def _key_faults(key: str) -> list[str]:
    prefix, slash, name = key.rpartition("/")
    faults = []
    if slash and not re.fullmatch(SUBDOMAIN, prefix):
        faults.append(f"prefix part {BAD_SUBDOMAIN}")
    if not name:
        faults.append("name part must be non-empty")
    if len(name) > LABEL_LIMIT:
        faults.append("name part must be no more than 63 bytes")
    return faults if re.fullmatch(QUALIFIED, name) else [*faults, BAD_KEY]


def taken(kind: str, metadata: Object) -> Status:
    """The answer to a name that exists; with a generateName beside the name Kubernetes has more to say."""
    more = ", the server was not able to generate a unique name for the object" if metadata.get("generateName") else ""
    return Status(EXISTS, f'{kind}.argoproj.io "{metadata["name"]}" already exists{more}')
