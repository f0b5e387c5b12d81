"""Pods on the trial's one node: they wait, start, run in a bounded number of threads, and end.

All methods are for the controller's thread. The threads that run containers only put events into a queue and call
`wake`. A pod's end is in the store before the controller hears of it, so a killed trial runs no ended pod again.
"""

from __future__ import annotations

import heapq
import logging
import queue
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from . import conditions
from .container import Container, Surroundings
from .plan import PodPlan, PodResult
from .process import Process, identity, signal_group

log = logging.getLogger(__name__)

Key = tuple[str, str]

DEADLINE = "Pod was active on the node longer than the specified deadline"
INITIALIZING = "PodInitializing"
SCHEDULED_AFTER = 0.4  # of the seconds that a pod takes to start
LOOK_AGAIN_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Pod:
    """`phase` is Pending, Running or Done; `stopping` why it was told to end: "", "deadline", "Stop", "Terminate"."""

    key: Key
    workflow: str
    created: float
    plan: PodPlan | None = None
    phase: str = "Pending"
    message: str = ""
    scheduled: bool = False
    submitted: bool = False
    result: PodResult | None = None
    process: Process | None = None
    stopping: str = ""
    over_limit: bool = False
    kill_at: float | None = None
    dropped: bool = False
    blocked_since: float | None = None


class Kubelet:
    """`pod_seconds` is how long a pod takes to start, `slots` how many run at once, `grace` the seconds from SIGTERM
    to SIGKILL."""

    def __init__(
        self, around: Surroundings, pod_seconds: float, slots: int, grace: float, wake: Callable[[], None]
    ) -> None:
        self.around, self.pod_seconds, self.grace, self._wake = around, pod_seconds, grace, wake
        self._store = around.store
        self._pods: dict[Key, Pod] = {}
        self._of: dict[Key, set[Key]] = {}
        self._timers: list[tuple[float, int, Pod]] = []
        self._count = 0
        self._events: queue.SimpleQueue[tuple[str, Pod, Any]] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="trial-pod")
        self._running: set[Pod] = set()
        self._changed: set[Key] = set()
        self._closing = False

    def get(self, key: Key) -> Pod | None:
        return self._pods.get(key)

    def load(self, namespace: str, workflow: str) -> None:
        """Take over what the store knows of a workflow's pods: ended ones with their results.

        A process that an earlier, killed trial has left is ended; its pod is to be started again.
        """
        for record in self._store.pods(namespace, workflow):
            pod = Pod((namespace, record.name), workflow, record.data.get("created", 0.0))
            if result := record.data.get("result"):
                pod.phase, pod.scheduled, pod.result = "Done", True, PodResult.from_json(result)
                self._add(pod)
            elif (pid := record.data.get("pid")) and identity(pid) == record.data.get("identity"):
                signal_group(pid, signal.SIGKILL)

    def start(self, plan: PodPlan) -> None:
        pod = Pod(plan.key, plan.workflow, self.around.clock(), plan)
        self._store.put_pod(*plan.key, plan.workflow, {"node": plan.node, "created": pod.created})
        self._add(pod)
        if plan.deadline is not None:
            self._at(pod.created + plan.deadline, pod)
        if self._step(pod, pod.created) and not pod.submitted:
            self._changed.add((pod.key[0], pod.workflow))

    def stop(self, key: Key, reason: str) -> None:
        """Tell a running pod to end, once."""
        pod = self._pods.get(key)
        if pod is None or pod.process is None or pod.stopping or pod.phase != "Running":
            return
        pod.stopping = reason
        self._terminate(pod)

    def drop(self, key: Key) -> None:
        """Forget a pod that has not begun."""
        pod = self._pods.pop(key, None)
        if pod is not None:
            self._discard(pod)
            self._store.delete_pod(*key)

    def forget(self, namespace: str, workflow: str) -> None:
        """End and forget all pods of a workflow (the store forgets them with the workflow)."""
        for key in self._of.pop((namespace, workflow), set()):
            pod = self._pods.pop(key, None)
            if pod is not None:
                self._discard(pod)

    def advance(self, now: float) -> set[Key]:
        """Do what is due; returns the workflows (namespace, name) whose pods have changed."""
        changed, self._changed = self._changed, set()
        while True:
            try:
                kind, pod, data = self._events.get_nowait()
            except queue.Empty:
                break
            if self._happened(kind, pod, data):
                changed.add((pod.key[0], pod.workflow))
        while self._timers and self._timers[0][0] <= now:
            pod = heapq.heappop(self._timers)[2]
            if self._step(pod, now):
                changed.add((pod.key[0], pod.workflow))
        return changed

    def next_due(self) -> float | None:
        while self._timers and self._timers[0][2].phase == "Done":
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def busy(self) -> bool:
        """Whether a container runs or waits for its turn, or an event waits to be seen."""
        return bool(self._running) or not self._events.empty()

    def close(self) -> None:
        """End all processes; their pods count as not run."""
        self._closing = True
        for pod in self._running:
            pod.dropped = True
            if pod.process is not None:
                pod.process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _add(self, pod: Pod) -> None:
        self._pods[pod.key] = pod
        self._of.setdefault((pod.key[0], pod.workflow), set()).add(pod.key)

    def _discard(self, pod: Pod) -> None:
        pod.dropped = True
        if pod.process is not None and pod.phase != "Done":
            self._terminate(pod)

    def _at(self, moment: float, pod: Pod) -> None:
        self._count += 1
        heapq.heappush(self._timers, (moment, self._count, pod))

    def _terminate(self, pod: Pod) -> None:
        if pod.process is not None:
            pod.process.terminate()
            pod.kill_at = self.around.clock() + self.grace
            self._at(pod.kill_at, pod)

    def _step(self, pod: Pod, now: float) -> bool:
        """What a timer finds to do for a pod; whether that changes what is known of it."""
        if pod.phase == "Done":
            return False
        if pod.kill_at is not None:
            if now >= pod.kill_at and pod.process is not None:
                pod.process.kill()
            return False
        if pod.dropped or pod.plan is None:
            return False
        if pod.scheduled and pod.plan.deadline is not None and now >= pod.created + pod.plan.deadline:
            return self._over_limit(pod, now)
        return False if pod.submitted else self._prepare(pod, pod.plan, now)

    def _over_limit(self, pod: Pod, now: float) -> bool:
        """The kubelet's own limit: also while the image cannot be pulled."""
        pod.over_limit = True
        if pod.process is not None:
            self._terminate(pod)
            return False
        pod.dropped = True
        self._finish(pod, PodResult("Failed", now, message=DEADLINE))
        return True

    def _prepare(self, pod: Pod, plan: PodPlan, now: float) -> bool:
        before = (pod.message, pod.scheduled)
        if not pod.scheduled and now < (at := pod.created + self.pod_seconds * SCHEDULED_AFTER):
            self._at(at, pod)
            return False
        state = self._store.conditions()
        pod.message = "" if pod.scheduled else conditions.schedule_problem(state, plan.step, plan.template["name"])
        if not pod.message:
            self._begin(pod, plan, now, state)
        else:
            self._at(now + LOOK_AGAIN_SECONDS, pod)
        return before != (pod.message, pod.scheduled)

    def _begin(self, pod: Pod, plan: PodPlan, now: float, state: dict[str, Any]) -> None:
        pod.scheduled = True
        pod.message = INITIALIZING
        if now < (at := pod.created + self.pod_seconds):
            self._at(at, pod)
            return
        pod.blocked_since = pod.blocked_since or now
        if problem := conditions.pull_problem(state, plan.image, now - pod.blocked_since):
            pod.message = problem
            self._at(now + LOOK_AGAIN_SECONDS, pod)
            return
        pod.submitted = True
        self._running.add(pod)
        self._threads.submit(self._run, pod, plan)

    def _run(self, pod: Pod, plan: PodPlan) -> None:
        """In a thread of its own: the container from beginning to end. What is not written down did not happen."""
        written: PodResult | None = None
        try:
            if not pod.dropped:
                result = self._contained(pod, plan)
                if not pod.dropped:
                    self._write_down(pod, plan, result)
                    written = result
        finally:
            self._events.put(("ended", pod, written))
            self._wake()

    def _contained(self, pod: Pod, plan: PodPlan) -> PodResult:
        try:
            return Container(plan, self.around, lambda process: self._started(pod, plan, process)).run()
        except Exception as error:
            log.exception("pod %s could not be run", plan.name)
            return PodResult("Error", self.around.clock(), message=f"trial: the pod could not be run: {error}")

    def _started(self, pod: Pod, plan: PodPlan, process: Process) -> bool:
        data = {"node": plan.node, "created": pod.created, "pid": process.pid, "identity": identity(process.pid)}
        pod.process = process
        if pod.dropped:
            return False
        self._store.put_pod(*plan.key, plan.workflow, data)
        self._events.put(("running", pod, None))
        self._wake()
        return True

    def _write_down(self, pod: Pod, plan: PodPlan, result: PodResult) -> None:
        if pod.over_limit:
            result.message = DEADLINE
        self._store.put_pod(
            *plan.key, plan.workflow, {"node": plan.node, "created": pod.created, "result": result.to_json()}
        )
        self._store.end_log(*plan.key)

    def _happened(self, kind: str, pod: Pod, data: Any) -> bool:
        if kind == "running":
            pod.phase, pod.message = "Running", ""
            return not pod.dropped
        self._running.discard(pod)
        if pod.dropped or pod.phase == "Done":
            return False
        if data is None:
            return False
        self._end(pod, data)
        return True

    def _finish(self, pod: Pod, result: PodResult) -> None:
        if pod.plan is not None:
            self._write_down(pod, pod.plan, result)
        self._end(pod, result)

    def _end(self, pod: Pod, result: PodResult) -> None:
        pod.phase, pod.result, pod.message = "Done", result, ""
        pod.plan = pod.process = None  # manifests are large
