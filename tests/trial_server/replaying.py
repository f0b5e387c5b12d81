"""Replays a recorded exchange with Argo 4.1.2 against the trial, and compares the two answers."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests import recordings

from . import departures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioning.trial.store import Store

    from .client import Answer, Client
    from .conftest import Clock

FOLDER = "transcripts/v4.1.2/"
VOLATILE = {"uid": "<uid>", "resourceVersion": "<version>", "generation": "<generation>"}
GENERATED = re.compile(r'"([a-z-]+-)[bcdfghjklmnpqrstvwxz2456789]{5}" is invalid')
STREAMS = ("/log", "/workflow-events/", "/stream/")


@dataclass(frozen=True)
class Exchange:
    """One recording."""

    name: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def body(self) -> Any:
        return self.response["body"]

    @property
    def lines(self) -> list[str]:
        """A stream's lines; a line that no newline ended is one as well."""
        return [line[1] for line in self.body]

    @property
    def is_stream(self) -> bool:
        return any(part in self.request["path"] for part in STREAMS)


def exchange(name: str) -> Exchange:
    found = recordings.load("transcripts")[f"{FOLDER}{name}.json"]
    return Exchange(name, found["request"], found["response"])


def listed(text: str) -> list[str]:
    """Names, one after the other."""
    return text.split()


def names() -> list[str]:
    """All recordings of 4.1.2."""
    paths = recordings.texts("transcripts")
    return sorted(path.removeprefix(FOLDER).removesuffix(".json") for path in paths if _is_exchange(path))


def _is_exchange(path: str) -> bool:
    return path.startswith(FOLDER) and path.endswith(".json")


def send(client: Client, recorded: Exchange, *, path: str = "") -> Answer:
    """The recorded request, with tokens of the trial. Recorded in server mode, it is sent with a token all the same."""
    request = recorded.request
    headers, data = parts(client, recorded)
    return client.call(
        request["method"], path or request["path"], data, query=request.get("query") or None, headers=headers
    )


def parts(client: Client, recorded: Exchange) -> tuple[dict[str, str], Any]:
    """Headers and body of the recorded request, as the trial gets them."""
    request = recorded.request
    headers = {name: _with_token(value, client) for name, value in (request.get("headers") or {}).items() if value}
    if "auth-mode=client" not in request.get("server", ""):
        headers.pop("Authorization", None)
        headers |= client.bearer()
    body = request.get("body")
    return headers, body.encode() if isinstance(body, str) else body


def _with_token(value: str, client: Client) -> str:
    return re.sub(r"<token:([a-z-]+)>", lambda match: client.tokens[match[1]], value)


def assert_same(recorded: Exchange, answer: Answer) -> None:
    """Status, headers, body: equal, but for what `departures` names."""
    assert answer.status == recorded.response["status"], answer.text
    assert headers_of(answer.headers) == headers_of(recorded.response["headers"])
    if recorded.is_stream and isinstance(recorded.body, list):
        assert lines_of(answer.raw) == recorded.lines
        assert ends_of(answer.raw) == (len(recorded.body) > 0 and len(recorded.body[-1]) == 3)
        return
    if isinstance(recorded.body, str):
        assert answer.text == recorded.body
        return
    theirs, ours = comparable(recorded.body), comparable(answer.json)
    assert json.dumps(ours) == json.dumps(theirs)  # as text: the order of keys counts


def headers_of(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What must be alike: names in order, and values where they say something."""
    kept = []
    for name, value in pairs:
        if name in departures.HEADERS_LEFT_OUT:
            continue
        if name in departures.HEADER_FRAMING:
            kept.append(("(framing)", ""))
        else:
            kept.append((name, "" if name in departures.HEADER_VALUES else value))
    return kept


def lines_of(raw: bytes) -> list[str]:
    return raw.decode().removesuffix("\n").split("\n") if raw else []


def ends_of(raw: bytes) -> bool:
    """Whether the last line has no newline."""
    return bool(raw) and not raw.endswith(b"\n")


def comparable(value: Any) -> Any:
    """Without what differs from one server to the next, and what the trial leaves out."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, str):
        return GENERATED.sub(r'"\1<random>" is invalid', value)
    if not isinstance(value, dict):
        return value
    kept = {key: item for key, item in value.items() if key not in departures.KEYS_LEFT_OUT}
    base = kept.get("generateName")
    if base and str(kept.get("name", "")).startswith(base[:58]):
        kept["name"] = f"{base}<random>"
    return {key: VOLATILE.get(key) or comparable(item) for key, item in kept.items()}


def moment(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def put(store: Store, clock: Clock, item: dict[str, Any], kind: str = "workflows") -> dict[str, Any]:
    """The recorded object in the store, made at its time of creation."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in departures.KEYS_LEFT_OUT}
    clock.set(moment(metadata["creationTimestamp"]))
    return store.create(kind, {**item, "metadata": metadata})
