"""The integration test of the portal with Argo: health, list, submit, status, log, and what else the portal needs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from provisioning.argo import ArgoError, ArgoWorkflowsClient, Forbidden, Observation, Refused, observe
from provisioning.reconcile.context import Context, Json
from provisioning.reconcile.selfcheck import checks
from provisioning.workflows import workflow

SHOWN = 10
POLL_SECONDS = 1.0
# What a controller says that takes references to templates only.
_REFERENCES_ONLY = ("workflowTemplateRef", "reference mode", "templateReferencing")

TEST_WORKFLOW: Json = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "platform-api-test-"},
    "spec": {
        "entrypoint": "test-step",
        "templates": [
            {
                "name": "test-step",
                "container": {
                    "image": "alpine:3.18",
                    "command": ["/bin/sh", "-c"],
                    "args": ["echo 'Platform API can submit workflows!' && date"],
                    "resources": {
                        "limits": {"cpu": "100m", "memory": "128Mi"},
                        "requests": {"cpu": "50m", "memory": "64Mi"},
                    },
                },
            }
        ],
    },
}


class Failed(Exception):
    """A step did not do; `cause` and `remedy` are sentences."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


class IntegrationTest:
    """`say` prints a line. `sleep` is what it does between two looks at the run; `clock` counts seconds."""

    def __init__(
        self,
        context: Context,
        say: Callable[[str], None],
        *,
        timeout_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._context = context
        self._client: ArgoWorkflowsClient = context.client
        self._say = say
        self._timeout = timeout_seconds
        self._clock = clock
        self._sleep = sleep

    def run(self) -> bool:
        """Whether all went well. The first failure ends it, with cause and remedy."""
        self._say("🧪 Testing Argo Workflows Integration for Platform API")
        try:
            self._health()
            self._list()
            self._log(self._follow(self._submit()))
            self._self_check()
        except (ArgoError, Failed) as error:
            self._say(f"❌ {error.cause}")
            if error.remedy:
                self._say(f"   → {error.remedy}")
            return False
        self._say("\n🎉 SUCCESS: Argo Workflows is ready for Platform API integration!")
        return True

    def _health(self) -> None:
        self._say("\n1️⃣ Testing Argo Workflows Health Check...")
        health = self._client.health_check()
        self._say(f"✅ Health Check: {health.version}")
        if health.advice:
            self._say(f"⚠️ {health.advice}")

    def _list(self) -> None:
        self._say("\n2️⃣ Testing Workflow Listing...")
        try:
            found = [observe(item) for item in self._client.list_workflows().items]
        except Forbidden as error:
            wrong = f"Or is {self._client.namespace} not the namespace of the workflows? ARGO_NAMESPACE names it."
            raise Failed(error.cause, f"{error.remedy} {wrong}") from error
        self._say(f"✅ Found {len(found)} workflow{'' if len(found) == 1 else 's'}")
        for seen in found[:SHOWN]:
            self._say(f"   - {seen.name}: {seen.phase or 'waiting'}")
        if len(found) > SHOWN:
            self._say(f"   … and {len(found) - SHOWN} more")

    def _submit(self) -> Json:
        self._say("\n3️⃣ Testing Workflow Submission Capability...")
        body = {**TEST_WORKFLOW, "metadata": {**TEST_WORKFLOW["metadata"], "namespace": self._client.namespace}}
        try:
            answer = self._client.submit_workflow(body)
        except (Refused, Forbidden) as error:
            if "admission policy" not in error.cause:
                raise
            return self._submit_audit(error.cause)
        self._say(f"✅ Workflow submission successful: {answer['metadata']['name']}")
        return answer

    def _submit_audit(self, why: str) -> Json:
        """The account may start the portal's templates and nothing else, as the set-up wants it."""
        self._say(f"i  {why}")
        self._say("i  That is as it should be: the portal's account starts its own templates only. One of them, then.")
        body = workflow.build_audit("", str(uuid.uuid4()), namespace=self._client.namespace)
        answer = self._client.submit_workflow(body)
        self._say(f"✅ Workflow submission successful: {answer['metadata']['name']}")
        return answer

    def _follow(self, submitted: Json) -> Observation:
        self._say("\n4️⃣ Testing Workflow Status Retrieval...")
        seen = self._until_over(str(submitted["metadata"]["name"]))
        references_only = any(text in seen.message for text in _REFERENCES_ONLY)
        if seen.phase == "Error" and references_only and seen.name.startswith("platform-api-test-"):
            return self._until_over(str(self._submit_audit(seen.message)["metadata"]["name"]), final=True)
        return self._good(seen)

    def _until_over(self, name: str, *, final: bool = False) -> Observation:
        deadline = self._clock() + self._timeout
        shown = None
        while True:
            seen = observe(self._client.get_workflow(name))
            if seen.over:
                return self._good(seen) if final else seen
            if seen.phase != shown:
                shown = seen.phase
                self._say(f"⏳ Workflow Status: {seen.phase or 'not looked at by a controller yet'}")
            if self._clock() >= deadline:
                raise _too_slow(seen, self._timeout)
            self._sleep(POLL_SECONDS)

    def _good(self, seen: Observation) -> Observation:
        if seen.phase != "Succeeded":
            step = next((step for step in seen.steps if step.phase in {"Failed", "Error"}), None)
            said = (step.message if step else "") or seen.message or "Argo does not say why"
            raise Failed(f"Workflow Status: {seen.phase}: {said}", "Look at the pod's events and log in the cluster.")
        self._say(f"✅ Workflow Status: {seen.phase}")
        return seen

    def _log(self, seen: Observation) -> None:
        self._say("\n5️⃣ Testing Log Retrieval...")
        pods = [attempt.pod_name for step in seen.steps for attempt in step.attempts]
        lines = [
            line.content for pod in pods for line in self._client.get_workflow_logs(seen.name, pod) if not line.executor
        ]
        if not lines:
            raise Failed(
                f"The log of {seen.name} is empty.",
                "Grant the portal's account get and list of pods and pods/log (`manage.py cluster_setup` prints it).",
            )
        self._say(f"✅ Log of {len(lines)} line{'' if len(lines) == 1 else 's'}")
        for line in lines[:SHOWN]:
            self._say(f"   {line[:200]}")

    def _self_check(self) -> None:
        self._say("\n6️⃣ Checking what the portal needs...")
        bad = []
        for check in checks(self._context):
            mark = "✅" if check.ok else "⚠️" if check.key == "version" else "❌"
            self._say(f"{mark} {check.title}: {check.text}")
            if not check.ok:
                self._say(f"   → {check.remedy}")
                bad += [] if check.key == "version" else [check]
        if bad:
            raise Failed(f"{len(bad)} of these are missing or wrong: {', '.join(check.title for check in bad)}.")


def _too_slow(seen: Observation, seconds: float) -> Failed:
    if not seen.phase:
        return Failed(
            f"No controller looked at {seen.name} within {seconds:.0f} s.",
            "Check that the workflow controller runs, and that it serves the namespace in ARGO_NAMESPACE.",
        )
    waiting = next((step.message for step in seen.steps if step.message), seen.message)
    return Failed(
        f"{seen.name} is still {seen.phase} after {seconds:.0f} s{f': {waiting}' if waiting else ''}.",
        "Check quotas, node capacity and that the image can be pulled; or give it more time with --timeout.",
    )
