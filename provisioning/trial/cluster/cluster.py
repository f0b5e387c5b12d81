"""The trial's Kubernetes cluster: objects, kubectl, and the conditions that people set to see failure."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioning.trial.cluster import (
    annotating,
    applying,
    arguments,
    controllers,
    deleting,
    outage,
    reading,
    server,
    workloads,
)
from provisioning.trial.cluster.api import Api, Change, Target
from provisioning.trial.cluster.clock import Clock
from provisioning.trial.cluster.conditions import Conditions, Outage, Refusal
from provisioning.trial.cluster.errors import KubectlError
from provisioning.trial.cluster.installation import Installation
from provisioning.trial.cluster.kinds import NAMESPACE, Kind, resolve
from provisioning.trial.cluster.objects import Objects
from provisioning.trial.cluster.outcome import Files, Input, KubectlResult, Outcome
from provisioning.trial.cluster.rbac import ADMIN, User

Object = dict[str, Any]


class Cluster:
    """`path`: its SQLite file. Namespaces take `deletion_seconds` to go; controllers follow a request after
    `controller_seconds`. `installation`: what the platform's roles and policies name otherwise than shipped.
    All methods may be called from any thread."""

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock = time.time,
        deletion_seconds: float = 5.0,
        controller_seconds: float = 0.2,
        installation: Installation | None = None,
    ) -> None:
        self._installation = installation or Installation()
        self._objects = Objects(path)
        self._conditions = Conditions(self._objects)
        self._clock = clock
        self._deletion_seconds = deletion_seconds
        self._controller_seconds = controller_seconds
        self._listener: server.Listener | None = None

    def close(self) -> None:
        """Stops listening and closes the file."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None
        self._objects.close()

    # ----- kubectl

    def kubectl(
        self, account: str, argv: list[str], stdin: str, files: Files, *, discovered: bool = True
    ) -> KubectlResult:
        """One call as `account` (a service account of the workflows, or `admin`).

        `files` gives the content of a path that `-f` names, or raises OSError. `discovered`: whether an earlier
        call of the same HOME has succeeded, which shows only while the server does not answer.
        """
        return self._kubectl(account, argv, Input(stdin, files), discovered=discovered)[0]

    def _kubectl(self, account: str, argv: list[str], given: Input, *, discovered: bool) -> tuple[KubectlResult, bool]:
        try:
            command = arguments.parse(argv, self._installation.namespace)
        except KubectlError as error:
            return Outcome(errors=[error]).result(), False
        now = self._clock()
        with self._objects.transaction():
            failing = self._conditions.outage(now)
        if failing is not None:
            mode = outage.MODES[failing.mode]
            return outage.answer(mode, command, given, discovered=discovered, time=_klog(now)), False
        self.reconcile()
        with self._api(account) as api:
            return _run(api, command, given).result(), "raw" not in command.values

    @contextmanager
    def _api(self, account: str) -> Iterator[Api]:
        with self._objects.transaction():
            yield Api(
                objects=self._objects,
                conditions=self._conditions,
                now=self._clock(),
                controller_seconds=self._controller_seconds,
                deletion_seconds=self._deletion_seconds,
                user=User(account, self._installation),
            )

    def reconcile(self) -> None:
        """Lets the controllers do what is due. Every call of kubectl begins with it."""
        with self._objects.transaction():
            controllers.run(self._objects, self._clock())

    def serve(self, socket_path: str | Path) -> None:
        """Listens for the `kubectl` of scripts in a thread, until `close()`. A socket's path has 107 bytes at most."""
        self._listener = server.listen(Path(socket_path), self._answer)

    def _answer(self, request: Object) -> tuple[KubectlResult, bool]:
        contents = request["files"]

        def files(name: str) -> bytes:
            content = contents.get(name)
            if content is None:
                raise FileNotFoundError(name)
            return str(content).encode()

        given = Input(request["stdin"], files)
        return self._kubectl(request["account"], request["argv"], given, discovered=request["discovered"])

    def install(self, bin_dir: str | Path) -> None:
        """Writes the executable `kubectl`; it finds the cluster by TRIAL_CLUSTER_SOCKET and TRIAL_ACCOUNT."""
        server.install(Path(bin_dir))

    # ----- looking inside

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """An object with its managedFields; `namespace` is empty for a Namespace. Raises ValueError."""
        with self._objects.transaction():
            return self._objects.get(_kind(kind), namespace, name)

    def every(self, kind: str, namespace: str | None = None) -> list[Object]:
        """Objects of a kind, of one namespace or all. Raises ValueError for an unknown kind."""
        with self._objects.transaction():
            return self._objects.every(_kind(kind), namespace)

    def put(self, obj: Object) -> None:
        """Puts an object in as it is, past every check; it gets a resourceVersion of its own."""
        with self._objects.transaction():
            self._objects.put(_kind(obj["kind"]), obj)

    # ----- conditions

    def refuse(self, kind: str, name: str, message: str) -> None:
        """Refuses writes of an object as an admission policy would; `*` for every kind or name."""
        with self._objects.transaction():
            self._conditions.refuse(kind, name, message)

    def unrefuse(self, kind: str, name: str) -> None:
        with self._objects.transaction():
            self._conditions.unrefuse(kind, name)

    def refusals(self) -> tuple[Refusal, ...]:
        with self._objects.transaction():
            return tuple(self._conditions.refusals())

    def fail(self, mode: str = outage.REFUSED, seconds: float | None = None) -> None:
        """The API server fails in one of the ways of `outage.MODES`, for `seconds` or until `recover()`."""
        if mode not in outage.MODES:
            raise ValueError(f"{mode} is none of {', '.join(outage.MODES)}")
        until = None if seconds is None else self._clock() + seconds
        with self._objects.transaction():
            self._conditions.set_outage(Outage(mode, until))

    def recover(self) -> None:
        with self._objects.transaction():
            self._conditions.set_outage(None)

    def outage(self) -> Outage | None:
        with self._objects.transaction():
            return self._conditions.outage(self._clock())

    def create_foreign_namespace(self, name: str) -> None:
        """A namespace that somebody made by hand, without any label of the platform."""
        with self._api(ADMIN) as api:
            api.apply(Target(NAMESPACE, "", name), {"metadata": {"name": name}}, Change("kubectl-create"))

    def label_namespace(self, name: str, labels: dict[str, str]) -> None:
        """What `kubectl label namespace` of a cluster administrator does. Raises KubectlError."""
        with self._api(ADMIN) as api:
            target = Target(NAMESPACE, "", name)
            api.get(target)
            api.apply(target, {"metadata": {"name": name, "labels": labels}}, Change("kubectl-label"))

    def seed(self, namespace: str) -> None:
        """Puts workloads into a namespace: pods, claims, services and what runs them. Raises KubectlError."""
        with self._api(ADMIN) as api:
            workloads.seed(api, namespace)

    def hold(self, namespace: str) -> None:
        """Puts in an object whose finalizer keeps the namespace from going once it is deleted."""
        with self._api(ADMIN) as api:
            workloads.hold(api, namespace)

    def release(self, namespace: str) -> None:
        """Takes that finalizer away again."""
        with self._api(ADMIN) as api:
            workloads.release(api, namespace)


def _run(api: Api, command: arguments.Command, given: Input) -> Outcome:
    try:
        if command.verb == "get":
            return reading.get(api, command)
        if command.verb == "apply":
            return applying.apply(api, command, given)
        if command.verb == "annotate":
            return annotating.annotate(api, command)
        return deleting.delete(api, command, given)
    except KubectlError as error:
        return Outcome(errors=[error])


def _kind(word: str) -> Kind:
    found = resolve(word)
    if found is None:
        raise ValueError(f'the server doesn\'t have a resource type "{word}"')
    return found


def _klog(now: float) -> str:
    fraction = re.sub(r"^\d+", "", f"{now % 1:.6f}")
    return time.strftime("%m%d %H:%M:%S", time.gmtime(now)) + fraction
