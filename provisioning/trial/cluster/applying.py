"""`kubectl apply --server-side`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioning.trial.cluster import clientcheck, manifests
from provisioning.trial.cluster.api import Api, Change, Target
from provisioning.trial.cluster.arguments import Command
from provisioning.trial.cluster.errors import KubectlError
from provisioning.trial.cluster.kinds import BY_GVK
from provisioning.trial.cluster.outcome import Input, Outcome

Object = dict[str, Any]
Item = tuple[Target, Object]


def apply(api: Api, command: Command, given: Input) -> Outcome:
    """Applies what works, and tells every error after it."""
    text, source = read(command, given)
    change = _change(command)
    outcome = Outcome()
    items = list(_items(text, source, command, outcome))
    if not items and not outcome.errors:
        raise KubectlError.plain("no objects passed to apply")
    for target, obj in items:
        try:
            _require_name(target, obj)
            api.apply(target, obj, change)
        except KubectlError as error:
            outcome.errors.append(error)
            continue
        outcome.stdout += _line(target, command)
    outcome.warnings = list(dict.fromkeys(api.warnings))
    return outcome


def read(command: Command, given: Input) -> tuple[str, str]:
    """The manifest and how errors call it."""
    name = command.values.get("filename")
    if name is None:
        raise KubectlError.plain("must specify one of -f and -k")
    if name == "-":
        return given.stdin, "STDIN"
    try:
        return given.files(name).decode(errors="replace"), name
    except OSError as error:
        raise KubectlError.plain(f'the path "{name}" does not exist') from error


def _change(command: Command) -> Change:
    if not command.flag("server-side"):
        raise KubectlError.plain("the trial cluster's kubectl applies with --server-side only")
    if command.output not in (None, "name"):
        raise KubectlError.plain("the trial cluster's kubectl prints what it applied as text or with -o name only")
    if command.words:
        raise KubectlError.plain(f"Unexpected args: [{' '.join(command.words)}]")
    dry_run = command.values.get("dry-run", "none")
    if dry_run not in ("none", "server"):
        raise KubectlError.plain(f"the trial cluster's kubectl has --dry-run=server and none, not {dry_run}")
    manager = command.values.get("field-manager", "kubectl")
    return Change(manager, force=command.flag("force-conflicts"), dry_run=dry_run == "server")


def _items(text: str, source: str, command: Command, outcome: Outcome) -> Iterator[Item]:
    """The objects in order; what cannot be read or recognised becomes an error and, if need be, the end."""
    try:
        for document in manifests.documents(text, source):
            clientcheck.check(document, source)
            for obj, alone in _objects(document):
                try:
                    yield _item(obj, source, command, alone=alone)
                except KubectlError as error:
                    outcome.errors.append(error)
    except KubectlError as error:
        outcome.errors.append(error)


def _objects(document: Object) -> Iterator[tuple[Object, bool]]:
    if clientcheck.is_list(document):
        yield from ((item, False) for item in document.get("items") or [])
    else:
        yield document, True


def _item(obj: Object, source: str, command: Command, *, alone: bool) -> Item:
    """The target of one object; raises KubectlError when kubectl does not know where to send it."""
    obj["metadata"] = metadata = obj.get("metadata") or {}
    name, namespace = metadata.get("name") or "", metadata.get("namespace") or ""
    kind = BY_GVK.get((obj["apiVersion"], obj["kind"]))
    if kind is None:
        unknown = f'no matches for kind "{obj["kind"]}" in version "{obj["apiVersion"]}"'
        if not alone:
            raise KubectlError(f"unable to recognize {unknown}")
        raise KubectlError.plain(
            f'resource mapping not found for name: "{name}" namespace: "{namespace}" from "{source}": {unknown}\n'
            "ensure CRDs are installed first"
        )
    _check_texts(metadata, source)
    if not kind.applicable:
        raise KubectlError.plain(f"the trial cluster keeps {kind.plural} but takes no manifests of them")
    if not kind.namespaced:
        return Target(kind, "", name), obj
    if "namespace" in command.values and namespace not in ("", command.namespace):
        raise KubectlError.plain(
            f'the namespace from the provided object "{namespace}" does not match the namespace'
            f" \"{command.namespace}\". You must pass '--namespace={namespace}' to perform this operation."
        )
    return Target(kind, namespace or command.namespace, name), obj


def _check_texts(metadata: Object, source: str) -> None:
    """kubectl reads labels and annotations by itself and stops at what is no text."""
    for part in ("labels", "annotations"):
        for value in (metadata.get(part) or {}).values():
            if value is not None and not isinstance(value, str):
                found = {bool: "bool", dict: "object", list: "array"}.get(type(value), "number")
                raise KubectlError.plain(
                    f'unable to decode "{source}": json: cannot unmarshal {found} into Go struct field'
                    f" ObjectMeta.metadata.{part} of type string"
                )


def _require_name(target: Target, obj: Object) -> None:
    if target.name:
        return
    if prefix := obj["metadata"].get("generateName"):
        raise KubectlError.plain(f"from {prefix}: cannot use generate name with apply")
    raise KubectlError.plain("resource name may not be empty")


def _line(target: Target, command: Command) -> str:
    name = f"{target.kind.type_name}/{target.name}"
    if command.output == "name":
        return f"{name}\n"
    dry = " (server dry run)" if command.values.get("dry-run") == "server" else ""
    return f"{name} serverside-applied{dry}\n"
