"""The log of a workflow's pods: read, merged in time, followed."""

from __future__ import annotations

import heapq
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.trial.store import NotFound

from .actions import finished
from .goregexp import RegexpFault, compile_re2
from .metadata import PREFIX
from .selectors import SelectorFault, parse
from .status import INTERNAL, INVALID, Status
from .workflows import LATEST, latest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provisioning.trial.store import LogLine, Store

    from .calls import Call, Object

STAMP_BYTES = 31  # the kubelet's hidden timestamp with its space
LINE_LIMIT = 2**20  # longer lines are cut, the timestamp included; their remainder comes after all other lines
POLL_SECONDS = 0.2  # a real server flushes once a second
SEVERAL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Options:
    """The query of a log call; None means no limit."""

    container: str
    follow: bool
    previous: bool
    timestamps: bool
    since: float | None
    tail: int | None
    limit: int | None
    grep: re.Pattern[str] | None


@dataclass(slots=True)
class PodLog:
    """How far one pod's log has been read, and what of it is still allowed."""

    pod: str
    after: int = 0
    bytes_left: int | None = None
    rests: list[str] = field(default_factory=list)


def logs(call: Call) -> Iterator[Object | None]:
    """Lines, and None while waiting. Raises Status: 401, 403, 404 for the workflow, 500 for a bad `grep`."""
    name = latest(call)["metadata"]["name"] if call.name == LATEST else call.name
    call.find("workflows", name)
    call.caller.require("list", "pods", call.namespace)
    options = _options(call)
    reader = _Reader(call, name, options)
    yield from (reader.followed() if options.follow else reader.present())
    yield from reader.rests()


def _options(call: Call) -> Options:
    query = call.query
    try:
        grep = compile_re2(query.text("grep")) if query.text("grep") else None
    except RegexpFault as fault:
        raise Status(INTERNAL, f'failed to compile "{query.text("grep")}": error parsing regexp: {fault}') from None
    seconds = query.number("logOptions.sinceSeconds")
    return Options(
        container=query.text("logOptions.container"),
        follow=query.flag("logOptions.follow"),
        previous=query.flag("logOptions.previous"),
        timestamps=query.flag("logOptions.timestamps"),
        since=None if seconds is None else call.trial.clock() - seconds,
        tail=query.number("logOptions.tailLines"),
        limit=query.number("logOptions.limitBytes"),
        grep=grep,
    )


class _Reader:
    def __init__(self, call: Call, workflow: str, options: Options) -> None:
        self._call = call
        self._workflow = workflow
        self._options = options
        self._logs: dict[str, PodLog] = {}
        self._selected = self._selection()

    @property
    def _store(self) -> Store:
        return self._call.store

    def _selection(self) -> bool:
        """Whether the pods' labels fit `selector`. Raises Status (400)."""
        try:
            matches = parse(self._call.query.text("selector"))
        except SelectorFault as fault:
            raise Status(INVALID, str(fault)) from None
        return matches({f"{PREFIX}workflow": self._workflow})

    def _pods(self) -> list[PodLog]:
        """Logs of the pods that exist now and were asked for."""
        if self._options.previous or not self._selected:
            return []
        wanted = self._call.params.get("podName") or self._call.query.text("podName")
        for pod in self._store.pods(self._call.namespace, self._workflow):
            if wanted in {"", pod.name} and pod.name not in self._logs:
                self._logs[pod.name] = PodLog(pod.name, bytes_left=self._options.limit)
        return list(self._logs.values())

    def present(self) -> Iterator[Object | None]:
        """What there is, merged by time."""
        for line, log in heapq.merge(*map(self._paired, self._pods()), key=lambda pair: pair[0].time):
            yield from self._entries(line, log)

    def followed(self) -> Iterator[Object | None]:
        """Until the workflow is over or gone, and no pod has more to say."""
        yield from self.present()
        while True:
            over = self._over()  # asked before reading: what is written last is still read
            news = [(line, log) for log in self._pods() for line in self._lines(log)]
            for line, log in sorted(news, key=lambda pair: pair[0].time):
                yield from self._entries(line, log)
            if over and not news:
                return
            yield None
            self._wait()

    def rests(self) -> Iterator[Object]:
        for log in self._logs.values():
            for rest in log.rests:
                yield _entry(rest, log.pod)

    def _wait(self) -> None:
        patience = min(POLL_SECONDS, self._call.patience())
        open_logs = [log for log in self._logs.values() if not self._ended(log)]
        if open_logs:
            log = open_logs[0]
            # the store wakes for one log; the others are looked at in between
            patience = patience if len(open_logs) == 1 else min(SEVERAL_SECONDS, patience)
            self._store.wait_log(self._call.namespace, log.pod, self._options.container, log.after, patience)
        else:
            self._store.events("workflows", self._call.namespace, self._store.version(), patience)

    def _ended(self, log: PodLog) -> bool:
        return self._store.log_ended(self._call.namespace, log.pod, self._options.container)

    def _over(self) -> bool:
        try:
            workflow = self._store.get("workflows", self._call.namespace, self._workflow)
        except NotFound:
            return True
        return finished(workflow)

    def _lines(self, log: PodLog) -> Iterable[LogLine]:
        """The lines that were not read yet; the first time within the limits of `tail` and `since`."""
        first = log.after == 0
        lines: Iterable[LogLine] = self._batches(log)
        if first and self._options.since is not None:
            lines = (line for line in lines if line.time >= (self._options.since or 0))
        if first and self._options.tail is not None:
            lines = deque(lines, maxlen=max(0, self._options.tail))
        return lines

    def _paired(self, log: PodLog) -> Iterator[tuple[LogLine, PodLog]]:
        for line in self._lines(log):
            yield line, log

    def _batches(self, log: PodLog) -> Iterator[LogLine]:
        while batch := self._store.read_log(self._call.namespace, log.pod, self._options.container, log.after):
            log.after = batch[-1].number
            yield from batch

    def _entries(self, line: LogLine, log: PodLog) -> Iterator[Object]:
        content = self._limited(_whole(line.content, log), log)
        if content is None or (self._options.grep and not self._options.grep.search(content)):
            return
        yield _entry(f"{line.timestamp} {content}" if self._options.timestamps else content, log.pod)

    def _limited(self, content: str, log: PodLog) -> str | None:
        """`content` as far as `limitBytes` goes; the hidden timestamps count."""
        if log.bytes_left is None:
            return content
        raw = content.encode()
        room = log.bytes_left - STAMP_BYTES
        log.bytes_left -= min(log.bytes_left, STAMP_BYTES + len(raw) + 1)
        return raw[:room].decode("utf-8", "replace") if room >= 0 else None


def _whole(content: str, log: PodLog) -> str:
    """The line without its carriage return; of a line that is too long the beginning, and the rest put aside."""
    content = content.removesuffix("\r")
    room = LINE_LIMIT - STAMP_BYTES
    if len(content) <= room // 4:  # four bytes a character at most
        return content
    raw = content.encode()
    log.rests += [raw[at : at + LINE_LIMIT].decode("utf-8", "replace") for at in range(room, len(raw), LINE_LIMIT)]
    return raw[:room].decode("utf-8", "replace")


def _entry(content: str, pod: str) -> Object:
    return {"content": content, "podName": pod} if content else {"podName": pod}
