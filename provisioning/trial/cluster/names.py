"""Rules for names, labels and annotations, with the texts of the API server."""

from __future__ import annotations

import re
from typing import Any

from provisioning.trial.cluster.errors import Cause

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
VALUE = f"({KEY_NAME})?"
CONFIG_KEY = "[-._a-zA-Z0-9]+"
MAX_LABEL = 63
MAX_SUBDOMAIN = 253
MAX_ANNOTATIONS = 262144

_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end"
    f" with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL}')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start"
    f" and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
)
_KEY_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an"
    " alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    f" '{KEY_NAME}')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start"
    " and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for"
    f" validation is '{VALUE}')"
)
_CONFIG_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or"
    f" 'KEY_NAME',  or 'key-name', regex used for validation is '{CONFIG_KEY}')"
)


def label(name: str) -> list[str]:
    """What is wrong with a DNS label such as the name of a namespace."""
    too_long = [f"must be no more than {MAX_LABEL} characters"] if len(name) > MAX_LABEL else []
    return too_long + ([] if re.fullmatch(LABEL, name) else [_LABEL_TEXT])


def subdomain(name: str) -> list[str]:
    too_long = [f"must be no more than {MAX_SUBDOMAIN} characters"] if len(name) > MAX_SUBDOMAIN else []
    return too_long + ([] if re.fullmatch(SUBDOMAIN, name) else [_SUBDOMAIN_TEXT])


def path_segment(name: str) -> list[str]:
    """Names of RBAC objects: anything that fits into a path."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in name]


def qualified(key: str) -> list[str]:
    """What is wrong with the key of a label or an annotation: `prefix/name`."""
    prefix, slash, name = key.rpartition("/")
    problems = []
    if slash:
        problems += ["prefix part must be non-empty"] if not prefix else [
            f"prefix part {text}" for text in subdomain(prefix)
        ]  # fmt: skip
    if not name:
        problems.append("name part must be non-empty")
    elif len(name) > MAX_LABEL:
        problems.append(f"name part must be no more than {MAX_LABEL} bytes")
    return problems + ([] if re.fullmatch(KEY_NAME, name) else [_KEY_TEXT])


def label_value(value: str) -> list[str]:
    too_long = [f"must be no more than {MAX_LABEL} bytes"] if len(value.encode()) > MAX_LABEL else []
    return too_long + ([] if re.fullmatch(VALUE, value) else [_VALUE_TEXT])


def config_key(key: str) -> list[str]:
    too_long = [f"must be no more than {MAX_SUBDOMAIN} bytes"] if len(key) > MAX_SUBDOMAIN else []
    return too_long + ([] if re.fullmatch(CONFIG_KEY, key) else [_CONFIG_KEY_TEXT])


def quoted(value: Any) -> str:
    """A value as `Invalid value: …` prints it."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def invalid(path: str, value: Any, message: str) -> Cause:
    return Cause(path, f"Invalid value: {quoted(value)}: {message}")


def metadata(meta: dict[str, Any], name_problems: list[str]) -> list[Cause]:
    """Causes in an object's metadata, in the order in which the server looks: name, labels, annotations."""
    causes = [invalid("metadata.name", meta["name"], problem) for problem in name_problems]
    for key, value in meta.get("labels", {}).items():
        causes += [invalid("metadata.labels", key, problem) for problem in qualified(key)]
        causes += [invalid("metadata.labels", value, problem) for problem in label_value(value)]
    return causes + annotation_causes(meta.get("annotations", {}))


def annotation_causes(given: dict[str, str]) -> list[Cause]:
    causes = [invalid("metadata.annotations", key, problem) for key in given for problem in qualified(key.lower())]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in given.items())
    if size > MAX_ANNOTATIONS:
        causes.append(Cause("metadata.annotations", f"Too long: may not be more than {MAX_ANNOTATIONS} bytes"))
    return causes
