"""Argo's wire format for as many runs in flight as one wants, without a controller: objects of a recorded run under
other names, which go on when they are told to. It answers the portal's calls as Argo 4.1 does, and counts them."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests import recordings

RECORDED = "runs/create-succeeded.json"
KEPT = ("name", "uid", "resourceVersion", "creationTimestamp", "labels")
Json = dict[str, Any]

LOG = [
    "Applying what was approved",
    "done",
    'time=2026-01-01T00:00:00.000Z level=INFO msg="sub-process exited" argo=true error=<nil>',
]


@dataclass
class Shape:
    """A recorded run as text, with its name to be replaced, and its pods in the order in which they began."""

    name: str
    text: str
    pods: list[str] = field(default_factory=list)

    @classmethod
    def load(cls) -> Self:
        found: Json = recordings.load("runs")[RECORDED]
        slim = {
            "metadata": {key: found["metadata"][key] for key in (*KEPT, "annotations") if key in found["metadata"]},
            "spec": {key: found["spec"][key] for key in ("workflowTemplateRef", "arguments")},
            "status": {key: value for key, value in found["status"].items() if key != "storedTemplates"},
        }
        slim["status"].pop("storedWorkflowTemplateSpec", None)
        nodes = found["status"]["nodes"].values()
        pods = sorted((node for node in nodes if node["type"] == "Pod"), key=lambda node: str(node["startedAt"]))
        return cls(found["metadata"]["name"], json.dumps(slim), [node["id"] for node in pods])

    def at(self, name: str, uid: str, version: int, done: int) -> Json:
        """The run `name` with `done` pods at their end and the next one running."""
        found: Json = json.loads(self.text.replace(self.name, name))
        found["metadata"] |= {"uid": uid, "resourceVersion": str(version)}
        ids = [pod.replace(self.name, name) for pod in self.pods]
        nodes = found["status"]["nodes"]
        for key in list(nodes):
            node = nodes[key]
            if node["type"] == "Pod" and key in ids[done + 1 :]:
                del nodes[key]
            elif node["type"] != "Pod" or key == ids[min(done, len(ids) - 1)]:
                node["phase"] = "Running"
                node["finishedAt"] = None
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        found["status"] |= {"phase": "Running", "finishedAt": None, "startedAt": now, "progress": f"{done}/{len(ids)}"}
        found["metadata"]["labels"].pop("workflows.argoproj.io/completed", None)
        return found


class Generator:
    """Use it in a `with`. `begin` makes runs, `go_on` lets one of them move; `calls` counts by kind."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.shape = Shape.load()
        self.uids: dict[str, str] = {}
        self._done: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._version = 1_000
        self._events: list[tuple[int, bytes]] = []
        self._news = threading.Condition()
        self._over = threading.Event()
        generator = self

        class Handler(_Handler):
            argo = generator

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with self._news:
            self._news.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def begin(self, name: str, *, done: int = 1) -> str:
        """A run that is in flight; its uid."""
        with self._news:
            self._version += 1
            self.uids[name] = uid = str(uuid.uuid4())
            self._versions[name], self._done[name] = self._version, done
        return uid

    def version(self, name: str) -> str:
        return str(self._versions[name])

    def go_on(self, name: str) -> str:
        """One more step of it ends, and the watch tells. The resource version that the run then has."""
        with self._news:
            self._version += 1
            self._versions[name] = self._version
            self._done[name] = min(self._done[name] + 1, len(self.shape.pods) - 1)
            message = {"result": {"type": "MODIFIED", "object": self.workflow(name)}}
            self._events.append((self._version, b"data: " + json.dumps(message).encode() + b"\n\n"))
            self._news.notify_all()
            return str(self._version)

    def workflow(self, name: str) -> Json:
        return self.shape.at(name, self.uids[name], self._versions[name], self._done[name])

    def items(self) -> list[bytes]:
        """What a list with the portal's `fields` holds of each run."""
        base = self.shape.at("name", "uid", 1, 1)
        found = []
        with self._news:
            versions = sorted(self._versions.items())
        for name, version in versions:
            metadata = {key: base["metadata"][key] for key in KEPT} | {
                "name": name, "uid": self.uids[name], "resourceVersion": str(version)
            }  # fmt: skip
            status = {key: base["status"].get(key) for key in ("phase", "startedAt", "finishedAt", "progress")}
            item = {"metadata": metadata, "spec": {"workflowTemplateRef": base["spec"]["workflowTemplateRef"]}}
            found.append(json.dumps({**item, "status": status}).encode())
        return found

    def page(self, limit: int, offset: int) -> bytes:
        items = self.items_cached()
        metadata: Json = {"resourceVersion": str(self._version)}
        if offset + limit < len(items):
            metadata |= {"continue": str(offset + limit), "remainingItemCount": len(items) - offset - limit}
        listed = b",".join(items[offset : offset + limit])
        return b'{"metadata":%s,"items":[%s]}' % (json.dumps(metadata).encode(), listed)

    def items_cached(self) -> list[bytes]:
        cached: tuple[int, list[bytes]] | None = getattr(self, "_cached", None)
        if cached is None or cached[0] != self._version:
            cached = self._cached = (self._version, self.items())
        return cached[1]

    def after(self, version: int, seconds: float) -> list[tuple[int, bytes]]:
        """Events after a version; an empty list when none came in time."""
        with self._news:
            if not self._over.is_set() and (not self._events or self._events[-1][0] <= version):
                self._news.wait(seconds)
            return [event for event in self._events[-200:] if event[0] > version]

    @property
    def is_over(self) -> bool:
        return self._over.is_set()


class _Handler(BaseHTTPRequestHandler):
    argo: Generator
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Nothing: it would be measured."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")[2:]
        if parts[0] == "workflow-events":
            seconds = float(query.get("listOptions.timeoutSeconds", "inf"))
            self._watch(int(query.get("listOptions.resourceVersion", "0") or 0), time.monotonic() + seconds)
        elif parts[0] != "workflows":
            self.argo.calls["other"] += 1
            self._send({"version": "v4.1.2"} if parts[0] == "version" else {"items": None, "metadata": {}})
        elif len(parts) == 2:
            self.argo.calls["list"] += 1
            limit, offset = int(query.get("listOptions.limit", "500")), int(query.get("listOptions.continue", "0") or 0)
            self._send_raw(self.argo.page(limit, offset))
        elif parts[-1] == "log":
            self.argo.calls["log"] += 1
            lines = [{"result": {"content": line, "podName": query.get("podName", "")}} for line in LOG]
            self._send_raw("".join(json.dumps(line) + "\n" for line in lines).encode())
        elif parts[2] in self.argo.uids:
            self.argo.calls["get"] += 1
            self._send(self.argo.workflow(parts[2]))
        else:
            self.argo.calls["get"] += 1
            self._send({"code": 5, "message": f'workflows.argoproj.io "{parts[2]}" not found'}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        self.argo.calls["submit"] += 1
        workflow = body["workflow"]
        name = workflow["metadata"]["name"]
        if not body.get("serverDryRun"):
            workflow["metadata"] |= {"uid": self.argo.begin(name, done=0), "resourceVersion": self.argo.version(name)}
        workflow["status"] = {"startedAt": None, "finishedAt": None}
        self._send(workflow)

    def _watch(self, version: int, until: float) -> None:
        self.argo.calls["watch"] += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._chunk(b":\n")
            while not self.argo.is_over and (left := until - time.monotonic()) > 0:
                events = self.argo.after(version, min(left, 10.0))
                version = events[-1][0] if events else version
                self._chunk(b"".join(message for _, message in events) or b":\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _send(self, value: Json, status: int = 200) -> None:
        self._send_raw(json.dumps(value).encode(), status)

    def _send_raw(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Grpc-Metadata-Argo-Version", "v4.1.2")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
