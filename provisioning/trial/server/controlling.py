"""The trial's switches, on a unix socket that only this user may open: it answers while Argo is away.

One JSON object per line: `{"call": "refuse", "arguments": {…}}`, answered by `{"result": …}` or `{"error": "…"}`.
"""

from __future__ import annotations

import json
import os
import socketserver
import threading
from typing import TYPE_CHECKING, Any

from provisioning.trial.cluster import MODES
from provisioning.trial.engine.conditions import IMAGE_PULL, UNSCHEDULABLE

from .accounts import RIGHTS, Account

if TYPE_CHECKING:
    from pathlib import Path

    from .machine import Machine

Result = dict[str, Any]
LONGEST_REQUEST = 2**20


class Refused(ValueError):  # the message is a sentence for people
    pass


class ControlSocket:
    """Listens on `path` for the switches of `machine`."""

    def __init__(self, machine: Machine, path: Path) -> None:
        self.path = path
        self._switches = Switches(machine)
        self._server: socketserver.ThreadingUnixStreamServer | None = None

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = socketserver.ThreadingUnixStreamServer(str(self.path), self._handler())
        self.path.chmod(0o600)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="trial-control", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self.path.unlink(missing_ok=True)

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        switches = self._switches

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in iter(lambda: self.rfile.readline(LONGEST_REQUEST), b""):
                    self.wfile.write(json.dumps(switches.answer(line)).encode() + b"\n")

        return Handler


class Switches:
    """What `manage.py trial` can do to a running trial. Each public method is one call."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._calls = {
            name: getattr(self, f"do_{name}")
            for name in (
                "status", "refuse", "allow", "foreign_namespace", "label_namespace", "remove_namespace",
                "image_pull_fails", "unschedulable", "stop_argo", "stop_kubernetes", "seed_workload", "hold",
                "release", "token", "reset",
            )
        }  # fmt: skip

    def answer(self, line: bytes) -> Result:
        try:
            request = json.loads(line)
            call = self._calls[request["call"]]
            return {"result": call(**request.get("arguments", {}))}
        except (Refused, ValueError, KeyError, TypeError) as fault:
            return {"error": str(fault) if isinstance(fault, Refused) else f"{type(fault).__name__}: {fault}"}

    def do_status(self) -> Result:
        machine = self._machine
        conditions = machine.store.conditions()
        outage = machine.cluster.outage()
        return {
            "url": machine.server.url,
            "version": machine.server.trial.version,
            "namespace": machine.settings.namespace,
            "process": os.getpid(),
            "state": str(machine.settings.state),
            "argo_away": machine.server.away,
            "kubernetes_fails": outage.mode if outage else None,
            "refused": [[item.kind, item.name, item.message] for item in machine.cluster.refusals()],
            "image_pull_fails": conditions.get(IMAGE_PULL),
            "unschedulable": conditions.get(UNSCHEDULABLE),
            "workflows": self._phases(),
            "templates": [item["metadata"]["name"] for item in machine.store.list("workflowtemplates")],
        }

    def _phases(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for item in self._machine.store.list("workflows"):
            phase = (item.get("status") or {}).get("phase") or "new"
            found[phase] = found.get(phase, 0) + 1
        return found

    def do_refuse(self, kind: str, name: str, message: str) -> None:
        self._machine.cluster.refuse(kind, name, message)

    def do_allow(self, kind: str, name: str) -> None:
        self._machine.cluster.unrefuse(kind, name)

    def do_foreign_namespace(self, name: str) -> None:
        if self._machine.cluster.get("Namespace", "", name) is not None:
            raise Refused(f"namespace {name} exists already")
        self._machine.cluster.create_foreign_namespace(name)

    def do_label_namespace(self, name: str, label: str) -> None:
        self._require(name)
        key, equals, value = label.partition("=")
        if not (key and equals):
            raise Refused(f"{label} is no KEY=VALUE")
        self._machine.cluster.label_namespace(name, {key: value})

    def do_remove_namespace(self, name: str) -> None:
        argv = ["delete", "namespace", name, "--wait=false"]
        done = self._machine.cluster.kubectl("admin", argv, "", _no_files)
        if done.exit_code:
            raise Refused(done.stderr.strip())

    def do_image_pull_fails(self, image: str | None) -> None:
        self._machine.store.set_condition(IMAGE_PULL, image)

    def do_unschedulable(self, step: str | None) -> None:
        self._machine.store.set_condition(UNSCHEDULABLE, step)

    def do_stop_argo(self, seconds: float) -> None:
        self._machine.server.pause(seconds)

    def do_stop_kubernetes(self, seconds: float, mode: str) -> None:
        if mode not in MODES:
            raise Refused(f"{mode} is none of {', '.join(MODES)}")
        self._machine.cluster.fail(mode, seconds)

    def do_seed_workload(self, namespace: str) -> None:
        self._require(namespace)
        self._machine.cluster.seed(namespace)

    def do_hold(self, namespace: str) -> None:
        self._require(namespace)
        self._machine.cluster.hold(namespace)

    def do_release(self, namespace: str) -> None:
        self._require(namespace)
        self._machine.cluster.release(namespace)

    def _require(self, namespace: str) -> None:
        if self._machine.cluster.get("Namespace", "", namespace) is None:
            raise Refused(f"there is no namespace {namespace}")

    def do_token(self, rights: str) -> str:
        if rights not in RIGHTS:
            raise Refused(f"{rights} is none of {', '.join(RIGHTS)}")
        namespace = self._machine.settings.namespace
        account = Account(f"trial-{rights}", namespace, RIGHTS[rights], frozenset({namespace}))
        return self._machine.accounts.add(account)

    def do_reset(self) -> None:
        """Everything works again; objects and workflows stay."""
        for item in self._machine.cluster.refusals():
            self._machine.cluster.unrefuse(item.kind, item.name)
        self._machine.cluster.recover()
        for name in (IMAGE_PULL, UNSCHEDULABLE):
            self._machine.store.set_condition(name, None)
        if self._machine.server.away:
            self._machine.server.pause(0)


def _no_files(name: str) -> bytes:
    raise FileNotFoundError(name)
