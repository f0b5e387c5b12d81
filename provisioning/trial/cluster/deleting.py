"""`kubectl delete`, of named objects and with `--raw`."""

from __future__ import annotations

import re
from typing import Any

from provisioning.trial.cluster import gojson, printers, targets
from provisioning.trial.cluster.api import Api, Target
from provisioning.trial.cluster.arguments import Command
from provisioning.trial.cluster.errors import ApiError, KubectlError, NotFound
from provisioning.trial.cluster.kinds import NAMESPACE
from provisioning.trial.cluster.outcome import Input, Outcome

NAMESPACE_PATH = re.compile(r"/api/v1/namespaces/([^/]+)")


def delete(api: Api, command: Command, given: Input) -> Outcome:
    if "raw" in command.values:
        return _raw(api, command, given)
    if command.flag("wait", default=True):
        raise KubectlError.plain("the trial cluster's kubectl deletes with --wait=false only")
    if "filename" in command.values or command.output is not None:
        raise KubectlError.plain("the trial cluster's kubectl deletes by TYPE/NAME, without -f and -o")
    wanted = targets.select(command.words, command.namespace).targets
    if not wanted:
        raise KubectlError.plain("resource(s) were provided, but no name was specified")
    outcome = Outcome()
    for target in wanted:
        try:
            api.delete(target)
        except NotFound as error:
            if not command.flag("ignore-not-found"):
                outcome.errors.append(error)
        except ApiError as error:
            outcome.errors.append(error)
        else:
            outcome.stdout += _line(target)
    return outcome


def _line(target: Target) -> str:
    where = f" from {target.namespace} namespace" if target.namespace else ""
    return f'{target.kind.type_name} "{target.name}" deleted{where}\n'


def _raw(api: Api, command: Command, given: Input) -> Outcome:
    """DELETE of a path with the options of a file; only namespaces, as only they are deleted this way."""
    path = NAMESPACE_PATH.fullmatch(command.values["raw"])
    if path is None:
        raise KubectlError.plain("the trial cluster's kubectl takes --raw /api/v1/namespaces/NAME only")
    if command.words:
        raise KubectlError.plain(f"arguments may not be passed when --raw is specified: {command.words}")
    options = _options(command, given)
    target = Target(NAMESPACE, "", path[1])
    uid = (options.get("preconditions") or {}).get("uid")
    return Outcome(printers.raw_namespace(api.delete(target, uid)))


def _options(command: Command, given: Input) -> dict[str, Any]:
    """DeleteOptions of the file; raises ApiError (BadRequest) in the server's words."""
    name = command.values.get("filename")
    if name is None:
        return {}
    try:
        text = given.stdin if name == "-" else given.files(name).decode(errors="replace")
    except OSError as error:
        raise KubectlError.plain(f"open {name}: no such file or directory") from error
    if problem := gojson.check(text):
        raise ApiError("BadRequest", f"couldn't get version/kind; json parse error: {problem}")
    options = gojson.loads(text)
    if not isinstance(options, dict):
        raise ApiError("BadRequest", "couldn't get version/kind; json parse error: the options are no object")
    kind, version = options.get("kind", "DeleteOptions"), options.get("apiVersion", "v1")
    if kind != "DeleteOptions":
        scheme = "pkg/apis/meta/internalversion/scheme/register.go:27"
        raise ApiError("BadRequest", f'no kind "{kind}" is registered for version "{version}" in scheme "{scheme}"')
    return options
