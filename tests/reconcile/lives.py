"""A namespace's whole life against the trial: the worker in passes, requests of people, looks at the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioning import lifecycle
from provisioning.argo import ArgoWorkflowsClient
from provisioning.models import SETTLED, Check, Namespace, Request, Run, User
from provisioning.trial.server.machine import Machine
from tests.conftest import make_spec
from tests.support.trials import Trial
from tests.support.workers import Clock, Passes


@dataclass
class Life:
    """`alice` asks, `dana` decides, the worker and the trial do the rest."""

    trial: Trial
    worker: Passes
    alice: User
    dana: User

    @property
    def control(self) -> Any:
        return self.trial.control

    @property
    def cluster(self) -> Any:
        return self.trial.cluster

    def done(self, request: Request) -> Request:
        """Approve it if it waits for that, and let it run to its end."""
        if request.phase == "Pending":
            lifecycle.approve(request, by=self.dana, digest=request.digest)
        return self.over(request)

    def over(self, request: Request) -> Request:
        def ended() -> bool:
            request.refresh_from_db()
            return request.phase in SETTLED

        self.worker.until(ended, self.trial, 60, f"{request} is over")
        self.worker.settle()
        request.refresh_from_db()
        return request

    def namespace(self, **spec: Any) -> Namespace:
        """One that is ready."""
        request = self.done(lifecycle.open_request(make_spec(**spec), by=self.alice))
        assert request.phase == "Succeeded", request.message
        return Namespace.objects.get(name=request.name)

    def looked(self, name: str, **asked: Any) -> Check:
        """Look at a namespace, or at all with ""."""
        check = lifecycle.ask_check(name, **asked)
        self.worker.until(lambda: again(check).is_over, self.trial, 60, f"{check} is over")
        return again(check)

    def labels(self, name: str) -> dict[str, str]:
        return self.trial.labels(name)

    def annotations(self, name: str) -> dict[str, str]:
        return dict(self.there("Namespace", name)["metadata"].get("annotations") or {})

    def there(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        found = self.trial.cluster_object(kind, name, namespace)
        assert found is not None, f"no {kind} {name}"
        return found


def again(check: Check) -> Check:
    return Check.objects.get(pk=check.pk)


def live_of(
    machine: Machine, connect: Callable[..., ArgoWorkflowsClient], clock: Clock, alice: User, dana: User
) -> Life:
    trial = Trial(machine.store, machine.server, machine.token, machine.settings.state, machine.cluster)
    return Life(trial, Passes(connect(machine), clock=clock), alice, dana)


def failed_step(request: Request) -> tuple[str, int | None]:
    """Name and exit code of the step that broke in the newest run."""
    run = Run.objects.get(request=request, attempt=request.attempt)
    step = run.steps.filter(planned=True, phase__in=["Failed", "Error"]).first()
    assert step is not None, list(run.steps.values_list("name", "phase"))
    return step.name, step.exit_code
