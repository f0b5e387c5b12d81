"""The controller: looks at workflows when something about them, their pods or the time has changed.

One thread looks; containers run in a few others (`kubelet`); one follows the store. Nothing about a run is only in
memory but timers and the line before a lock, and both come back from the workflows when the engine starts again.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from provisioning.trial.store import NotFound, Store, TooOld

from .agenda import Agenda, Key
from .container import Surroundings
from .errors import Invalid
from .kubelet import Kubelet
from .locks import Locks
from .look import TERMINAL, Look, end_in_error, phase_of
from .run import Run, to_seconds
from .tools import write_missing_tools

log = logging.getLogger(__name__)

WORKFLOWS = "workflows"
TEMPLATES = "workflowtemplates"
IDLE_SECONDS = 60.0
FOLLOW_SECONDS = 0.5
SOCKET_LENGTH = 100  # a unix socket's path is short by law


class Cluster(Protocol):
    """What the scripts' `kubectl` talks to."""

    def install(self, bin_dir: Path) -> None: ...

    def serve(self, socket_path: Path) -> Any: ...


class Engine:
    """`clock` gives seconds since 1970. `requeue_seconds` is Argo's DEFAULT_REQUEUE_TIME: how much later the
    controller looks at a pod's change. `pod_slots` pods run at once. `grace_seconds` lie between SIGTERM and SIGKILL.

    `start` and `stop` run it in threads. Without `start`, `settle` does what is due, in the caller's thread.
    """

    def __init__(
        self,
        store: Store,
        cluster: Cluster | None = None,
        *,
        pod_seconds: float = 1.5,
        requeue_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
        pod_slots: int = 8,
        grace_seconds: float = 30.0,
        work_dir: Path | None = None,
    ) -> None:
        self.store, self.clock, self.requeue_seconds = store, clock, requeue_seconds
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._directory = tempfile.TemporaryDirectory(prefix="trial-", dir=work_dir, ignore_cleanup_errors=True)
        base = Path(self._directory.name)
        around = Surroundings(store, base, base / "bin", self._connect(cluster, base), clock)
        self._kubelet = Kubelet(around, pod_seconds, pod_slots, grace_seconds, self._wake.set)
        self._locks = Locks()
        self._agenda = Agenda()
        self._written: dict[Key, int] = {}
        self._loaded: set[Key] = set()
        self._version = 0
        self._looking: Key | None = None
        self._threads: list[threading.Thread] = []
        self._resume()

    def start(self) -> None:
        for name, target in (("controller", self._work), ("follower", self._follow)):
            thread = threading.Thread(target=target, name=f"trial-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End threads and containers. Pods that were running are started again by the next engine."""
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()
        self._kubelet.close()
        self._directory.cleanup()

    def settle(self, until: Callable[[], bool] = lambda: False) -> float | None:
        """Do all that can be done without the clock going on, waiting for containers to end, or until `until`.

        Returns when, by the clock, there will be more to do; None when there never will.
        """
        while True:
            self.work()
            if until():
                return self.next_due()
            if not self._kubelet.busy():
                if self.work():
                    continue
                return self.next_due()
            self._wake.wait(IDLE_SECONDS)
            self._wake.clear()

    def work(self) -> bool:
        """Do all that is due now, waiting for nothing; whether there was anything."""
        did = self._see_events(0)
        while True:
            now = self.clock()
            changed = self._kubelet.advance(now)
            for key in changed:
                self._agenda.add(key, now + self.requeue_seconds)
            due = self._agenda.take(now)
            if due is None and not changed:
                return did
            did = True
            if due is not None:
                self._looking = due
                self._look(due, now)
                self._looking = None

    def next_due(self) -> float | None:
        moments = [moment for moment in (self._agenda.next(), self._kubelet.next_due()) if moment is not None]
        return min(moments, default=None)

    def _connect(self, cluster: Cluster | None, base: Path) -> dict[str, str]:
        bin_dir = base / "bin"
        bin_dir.mkdir()
        write_missing_tools(bin_dir)
        if cluster is None:
            return {}
        socket = base / "k.sock"
        if len(str(socket)) > SOCKET_LENGTH:
            socket = Path(tempfile.mkdtemp(prefix="trial-")) / "k.sock"
        cluster.install(bin_dir)
        cluster.serve(socket)
        return {"TRIAL_CLUSTER_SOCKET": str(socket)}

    def _resume(self) -> None:
        """Begin with everything that exists."""
        snapshot = self.store.snapshot(WORKFLOWS)
        self._version = snapshot.version
        for workflow in sorted(snapshot.items, key=lambda item: str(item["metadata"]["creationTimestamp"])):
            self._noticed(workflow)

    def _noticed(self, workflow: dict[str, Any]) -> None:
        meta = workflow["metadata"]
        key = (meta["namespace"], meta["name"])
        if phase_of(workflow) in TERMINAL:
            self._plan_deletion(key, workflow)
            return
        if key not in self._loaded:
            self._loaded.add(key)
            self._kubelet.load(*key)
            holding = workflow.get("status", {}).get("synchronization", {}).get("mutex", {}).get("holding", [])
            for held in holding:
                self._locks.hold(held["mutex"], key)
        delay = 0.0 if not phase_of(workflow) else self.requeue_seconds
        self._agenda.add(key, self.clock() + delay)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self.work()
            except Exception:
                log.exception("a look at workflow %s failed", self._looking)
                self._give_up()
            due = self.next_due()
            self._wake.wait(IDLE_SECONDS if due is None else max(0.0, min(due - self.clock(), IDLE_SECONDS)))
            self._wake.clear()

    def _give_up(self) -> None:
        """A workflow that the engine fails on ends too, instead of standing still."""

        def mutate(workflow: dict[str, Any]) -> dict[str, Any]:
            end_in_error(workflow, "trial: internal error, see the trial's log", self.store.now())
            return workflow

        if self._looking is not None:
            key, self._looking = self._looking, None
            with contextlib.suppress(NotFound):
                self.store.update(WORKFLOWS, *key, mutate)
            self._forget(key)

    def _follow(self) -> None:
        """Wake the controller when the store has news."""
        version = self._version
        while not self._stopping.is_set():
            try:
                events = self.store.events(WORKFLOWS, "", version, FOLLOW_SECONDS)
            except TooOld:
                version = self.store.version()
                self._wake.set()
                continue
            if events:
                version = events[-1].version
                self._wake.set()

    def _see_events(self, timeout: float) -> bool:
        try:
            events = self.store.events(WORKFLOWS, "", self._version, timeout)
        except TooOld:
            self._resume()
            return True
        for event in events:
            self._version = event.version
            meta = event.object["metadata"]
            key = (meta["namespace"], meta["name"])
            if event.type == "DELETED":
                self._forget(key)
            elif self._written.get(key) != event.version:
                self._noticed(event.object)
        return bool(events)

    def _forget(self, key: Key) -> None:
        self._kubelet.forget(*key)
        self._agenda.remove(key)
        self._written.pop(key, None)
        self._loaded.discard(key)
        for following in self._locks.release(key):
            self._agenda.add(following, self.clock() + self.requeue_seconds)

    def _look(self, key: Key, now: float) -> None:
        looks: list[Look] = []

        def mutate(workflow: dict[str, Any]) -> dict[str, Any] | None:
            if phase_of(workflow) in TERMINAL:
                return None
            if not phase_of(workflow) and workflow.get("status", {}).get("nodes"):
                self._kubelet.forget(*key)  # a retried workflow: what the store still has counts
                self._kubelet.load(*key)
            look = Look(workflow, self._kubelet, self._locks, self._get_template, now)
            look.look()
            looks.append(look)
            return workflow

        try:
            stored = self.store.update(WORKFLOWS, *key, mutate)
        except NotFound:
            self._forget(key)
            return
        self._written[key] = int(stored["metadata"]["resourceVersion"])
        if not looks:
            self._delete_when_due(key, stored, now)
            return
        self._carry_out(key, looks[0], stored)

    def _carry_out(self, key: Key, look: Look, stored: dict[str, Any]) -> None:
        run: Run = look.run
        for pod in run.drops:
            self._kubelet.drop(pod)
        for pod, reason in run.stops.items():
            self._kubelet.stop(pod, reason)
        for plan in run.plans:
            self._kubelet.start(plan)
        for moment in run.requeue:
            self._agenda.add(key, moment)
        for following in look.freed:
            self._agenda.add(following, self.clock() + self.requeue_seconds)
        if phase_of(stored) in TERMINAL:
            self._kubelet.forget(*key)
            self._plan_deletion(key, stored)

    def _get_template(self, namespace: str, name: str) -> dict[str, Any]:
        try:
            return self.store.get(TEMPLATES, namespace, name)
        except NotFound as error:
            raise Invalid(error.message) from error

    def _plan_deletion(self, key: Key, workflow: dict[str, Any]) -> None:
        if (moment := deletion_time(workflow)) is not None:
            self._agenda.add(key, moment)

    def _delete_when_due(self, key: Key, workflow: dict[str, Any], now: float) -> None:
        moment = deletion_time(workflow)
        if moment is None:
            return
        if now < moment:
            self._agenda.add(key, moment)
            return
        with contextlib.suppress(NotFound):
            self.store.delete(WORKFLOWS, *key)


def deletion_time(workflow: dict[str, Any]) -> float | None:
    """When a finished workflow's ttlStrategy lets it go; None for never."""
    status = workflow.get("status", {})
    if not status.get("finishedAt"):
        return None
    spec = status.get("storedWorkflowTemplateSpec") or workflow["spec"]
    ttl = workflow["spec"].get("ttlStrategy") or spec.get("ttlStrategy") or {}
    outcome = "secondsAfterSuccess" if status["phase"] == "Succeeded" else "secondsAfterFailure"
    limits = [ttl[name] for name in (outcome, "secondsAfterCompletion") if ttl.get(name) is not None]
    return to_seconds(status["finishedAt"]) + float(limits[0]) if limits else None
