"""What kubectl reads from `-f`: a stream of JSON or YAML documents, each an object or a List of objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from provisioning.trial.cluster import gojson
from provisioning.trial.cluster.errors import KubectlError

SEPARATOR = "---"


class Loader(yaml.SafeLoader):
    """YAML as JSON: dates stay text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def documents(text: str, source: str) -> Iterator[Any]:
    """Each document in turn; raises KubectlError at the first that cannot be read. Empty ones are left out.

    What begins with a brace is read as JSON values one after the other. The first that is no JSON is tried as
    YAML, later ones only after a `---`; if that fails, too, the error is the one of JSON.
    """
    if not text.lstrip().startswith("{"):
        yield from _yaml(text, source)
        return
    data = text.encode()
    scanner = gojson.Scanner(data)
    while not scanner.at_end():
        start = scanner.position
        try:
            scanner.value()
        except gojson.UnexpectedEnd as error:
            raise KubectlError.plain(f"error parsing {source}: unexpected EOF") from error
        except gojson.Malformed as error:
            yield from _after_json(data, start, source, error)
            return
        yield gojson.loads(data[start : scanner.position].decode())


def _after_json(data: bytes, start: int, source: str, error: gojson.Malformed) -> Iterator[Any]:
    rest = data[start:].decode()
    failed = KubectlError.plain(f"error parsing {source}: json: offset {error.offset}: {error.message}")
    if start and not rest.startswith(SEPARATOR):
        raise failed
    found = _yaml(rest, source)
    try:
        first = next(found, None)
    except KubectlError as again:
        raise failed from again
    if first is not None:
        yield first
    yield from found


def _yaml(text: str, source: str) -> Iterator[Any]:
    for part in _split(text):
        try:
            value = yaml.load(part, Loader)  # noqa: S506 - a SafeLoader
        except yaml.YAMLError as error:
            reason = str(error).replace("\n", " ")
            raise KubectlError.plain(
                f"error parsing {source}: error converting YAML to JSON: yaml: {reason}"
            ) from error
        if value is not None:
            yield _json(value)


def _split(text: str) -> Iterator[str]:
    part: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith(SEPARATOR):
            yield "".join(part)
            part = []
        else:
            part.append(line)
    yield "".join(part)


def _json(value: Any) -> Any:
    """The value with text as keys, as YAML converted to JSON has it."""
    if isinstance(value, dict):
        return {_key(name): _json(item) for name, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list) else value


def _key(name: Any) -> str:
    return {True: "true", False: "false"}[name] if isinstance(name, bool) else str(name)
