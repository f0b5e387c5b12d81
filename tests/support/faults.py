"""A proxy between the portal and the trial that does to calls what networks and gateways do.

`plan` decides on each request; a plan is a pure function of what was seen before and of a seed, so that the same seed
gives the same weather. The proxy never repeats anything by itself.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlsplit

Do = Literal["pass", "reset", "close", "hang", "slow", "truncate", "answer", "cut", "mute"]

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
LINGER_ZERO = struct.pack("ii", 1, 0)
LONGEST_HANG = 120.0
PIECE = 65536


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came from the portal."""

    method: str
    target: str
    head: bytes = b""
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def call(self) -> str:
        """Which of the portal's calls it is: submit, get, list, watch, log, stop, terminate, or other."""
        parts = self.path.strip("/").split("/")[2:]
        if parts[:1] == ["workflow-events"]:
            return "watch"
        if parts[:1] != ["workflows"]:
            return "other"
        if self.method == "POST":
            return "submit"
        if len(parts) == 2:
            return "list"
        return parts[3] if len(parts) > 3 else "get"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to a call. `forward`: Argo gets it, and does it, before the fault strikes."""

    do: Do = "pass"
    forward: bool = True
    status: int = 0
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    keep: int = 0


FAIR = Fault()
RESET_BEFORE = Fault("reset", forward=False)
RESET_AFTER = Fault("reset")
LOST = Fault("close")
CLOSED_BEFORE = Fault("close", forward=False)
HANGS = Fault("hang", forward=False)
HANGS_AFTER = Fault("hang")
SLOW = Fault("slow")
TRUNCATED = Fault("truncate")
MUTE = Fault("mute")


def gateway(status: int, body: bytes = b"", *, forward: bool = False, headers: Sequence[tuple[str, str]] = ()) -> Fault:
    """An answer that is not Argo's. With `forward`, Argo has done it all the same."""
    return Fault("answer", forward, status, body, tuple(headers))


def page(status: int = 502, *, forward: bool = False) -> Fault:
    return gateway(status, HTML, forward=forward, headers=[("Content-Type", "text/html")])


def cut(keep: int) -> Fault:
    """The answer ends after `keep` bytes of its body, or one earlier, so that it ends within a line."""
    return Fault("cut", keep=keep)


Plan = Callable[[Seen], Fault]


def fair(seen: Seen) -> Fault:
    return FAIR


def json_problem(code: int, message: str) -> bytes:
    return b'{"code":%d,"message":"%s"}' % (code, message.encode())


ANY = (
    RESET_BEFORE,
    RESET_AFTER,
    LOST,
    CLOSED_BEFORE,
    SLOW,
    TRUNCATED,
    gateway(429, b"Too Many Requests\n", headers=[("Retry-After", "0")]),
    gateway(429),
    gateway(500, json_problem(13, "etcdserver: request timed out")),
    gateway(500, forward=True),
    gateway(502),
    gateway(503, json_problem(14, "connection refused")),
    gateway(503),
    gateway(504, forward=True),
    gateway(504, json_problem(4, "context deadline exceeded"), forward=True),
    page(),
    page(503, forward=True),
)
STREAMS = (RESET_BEFORE, LOST, SLOW, gateway(429), gateway(503), page(), *(cut(keep) for keep in (1, 77, 900, 5000)))
WATCHES = (*STREAMS, MUTE)


class Weather:
    """A share `rate` of the calls meets a fault. The n-th call of a kind has the same fate for the same seed; a call
    that hangs costs its caller a whole timeout, so only one in `hang_every` faults does."""

    def __init__(self, seed: int, rate: float = 0.3, hang_every: int = 25) -> None:
        self.seed, self.rate, self.hang_every = seed, rate, hang_every
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Fault:
        with self._lock:
            self._counts[seen.call] += 1
            number = self._counts[seen.call]
        dice = random.Random(f"{self.seed}/{seen.call}/{number}")
        if dice.random() >= self.rate:
            return FAIR
        if dice.randrange(self.hang_every) == 0:
            return dice.choice((HANGS, HANGS_AFTER))
        return dice.choice({"watch": WATCHES, "log": STREAMS}.get(seen.call, ANY))


@dataclass
class Hold:
    """A call whose answer is kept back: `arrived` is set when Argo has done it, `release` lets the answer go."""

    match: Callable[[Seen], bool]
    arrived: threading.Event = field(default_factory=threading.Event)
    _go: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        self._go.set()

    def wait(self) -> None:
        self._go.wait(LONGEST_HANG)


class Proxy:
    """Listens on loopback, forwards to `upstream` (a port on loopback); use it in a `with`."""

    def __init__(self, upstream: int, plan: Plan = fair) -> None:
        self.upstream = upstream
        self.plan = plan
        self.log: list[tuple[Seen, Fault]] = []
        self._holds: list[Hold] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="fault-proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for hold in self._holds:
            hold.release()
        # shutdown wakes the thread that waits in accept; close alone would not
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def cease(self) -> None:
        """Fair weather from now on, for calls that are under way as well: those that hang are cut."""
        self.plan = fair
        self.cut_all()

    def cut_all(self) -> None:
        with self._lock:
            for one in list(self._open):
                _shut(one)

    @contextlib.contextmanager
    def holding(self, match: Callable[[Seen], bool]) -> Iterator[Hold]:
        """Keep back the answers of calls that match."""
        hold = Hold(match)
        self._holds.append(hold)
        try:
            yield hold
        finally:
            self._holds.remove(hold)
            hold.release()

    def count(self, call: str) -> int:
        return sum(seen.call == call for seen, _ in list(self.log))

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._tracked(client):
            seen = _read_request(client)
            if seen is None:
                return
            fault = self.plan(seen)
            self.log.append((seen, fault))
            if not fault.forward:
                self._strike(client, fault)
                return
            try:
                upstream = socket.create_connection(("127.0.0.1", self.upstream), timeout=5)
            except OSError:
                _reset(client)
                return
            with self._tracked(upstream):
                upstream.settimeout(None)
                upstream.sendall(_one_call(seen))
                self._answer(seen, fault, client, upstream)

    @contextlib.contextmanager
    def _tracked(self, one: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(one)
        try:
            # whoever is not interested any more, on either side, ends the call
            with contextlib.suppress(OSError):
                yield
        finally:
            with self._lock:
                self._open.discard(one)
            one.close()

    def _answer(self, seen: Seen, fault: Fault, client: socket.socket, upstream: socket.socket) -> None:
        hold = next((hold for hold in self._holds if hold.match(seen)), None)
        if fault.do == "pass" and hold is None:
            _relay(upstream, client)
            return
        if fault.do == "mute":
            client.sendall(_head_of(upstream))
            self._hang(client)
        elif fault.do == "cut":
            _relay_part(upstream, client, fault.keep)
        else:
            whole = _read_all(upstream)
            if hold is not None:
                hold.arrived.set()
                hold.wait()
            self._strike(client, fault, whole)

    def _strike(self, client: socket.socket, fault: Fault, answer: bytes = b"") -> None:
        if fault.do == "reset":
            _reset(client)
        elif fault.do == "hang":
            self._hang(client)
        elif fault.do == "slow":
            _drip(client, answer, self._over)
        elif fault.do == "truncate":
            client.sendall(_truncated(answer))
        elif fault.do == "answer":
            client.sendall(_made_up(fault))
        elif fault.do == "pass":
            client.sendall(answer)

    def _hang(self, client: socket.socket) -> None:
        """Until the client gives up, or the proxy ends."""
        client.settimeout(LONGEST_HANG)
        while client.recv(PIECE):
            pass


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _reset(one: socket.socket) -> None:
    """With a linger of zero seconds the kernel sends RST instead of FIN."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    one.close()


def _read_request(client: socket.socket) -> Seen | None:
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = client.recv(PIECE)
        if not piece:
            return None
        raw += piece
    head, _, body = raw.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = client.recv(PIECE)
        if not piece:
            return None
        body += piece
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    return Seen(method, target, head, body)


def _one_call(seen: Seen) -> bytes:
    """The request with `Connection: close`, so that the answer ends where the connection does."""
    first, *lines = seen.head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    return b"\r\n".join([first, *kept, b"Connection: close", b"", seen.body])


def _relay(upstream: socket.socket, client: socket.socket) -> None:
    """Byte for byte, as they come. A client that leaves ends it: Argo notices that at its next byte."""
    watcher = threading.Thread(target=_end_with, args=(client, upstream), daemon=True)
    watcher.start()
    while piece := upstream.recv(PIECE):
        client.sendall(piece)
    _shut(client)


def _end_with(client: socket.socket, upstream: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while client.recv(PIECE):
            pass
    _shut(upstream)


def _read_all(upstream: socket.socket) -> bytes:
    found = b""
    while piece := upstream.recv(PIECE):
        found += piece
    return found


def _head_of(upstream: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        piece = upstream.recv(PIECE)
        if not piece:
            return found
        found += piece
    return found.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def _relay_part(upstream: socket.socket, client: socket.socket, keep: int) -> None:
    found = b""
    while b"\r\n\r\n" not in found or len(found.partition(b"\r\n\r\n")[2]) < keep:
        piece = upstream.recv(PIECE)
        if not piece:
            break
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    part = body[:keep]
    # an end that looks proper would be a lie that nobody can see through
    part = part.removesuffix(b"0\r\n\r\n").rstrip(b"\r\n")
    client.sendall(head + b"\r\n\r\n" + part)


def _drip(client: socket.socket, answer: bytes, over: threading.Event) -> None:
    """In small pieces; each goes out by itself."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    size = max(1, len(answer) // 20)
    for start in range(0, len(answer), size):
        client.sendall(answer[start : start + size])
        over.wait(0.002)


def _truncated(answer: bytes) -> bytes:
    """HTTP is whole, what it carries is not."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        return answer[: len(head) + 4 + len(body) // 2]
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    part = body[: len(body) // 2]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(part), b"", part])


def _made_up(fault: Fault) -> bytes:
    headers = [*fault.headers, ("Content-Length", str(len(fault.body))), ("Connection", "close")]
    if fault.body.startswith(b"{"):
        headers.append(("Content-Type", "application/json"))
    lines = [f"HTTP/1.1 {fault.status} Weather", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode() + fault.body
