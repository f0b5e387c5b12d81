"""The life of a workflow, one look at a time: begin, lock, pods, entrypoint, exit handler, end."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from .errors import Invalid
from .execution import execute
from .labels import workflow_metadata
from .locks import Locks, lock_names
from .nodes import FAILED, Node, Nodes, fulfilled
from .pod_status import reconcile
from .run import Call, Key, Pods, Run, to_timestamp
from .spec import join, resolve, stored_templates
from .substitute import quote

GetTemplate = Callable[[str, str], dict[str, Any]]

PREFIX = "workflows.argoproj.io/"
TERMINAL = frozenset({"Succeeded", "Failed", "Error"})


def phase_of(workflow: Mapping[str, Any]) -> str:
    return str(workflow.get("status", {}).get("phase") or "")


def end_in_error(workflow: dict[str, Any], message: str, now: str) -> None:
    """The end of a workflow that cannot be looked at."""
    status = workflow.setdefault("status", {})
    status |= {"phase": "Error", "message": message, "finishedAt": now, "startedAt": status.get("startedAt") or now}
    status.pop("synchronization", None)
    labels = workflow["metadata"].setdefault("labels", {})
    labels |= {f"{PREFIX}phase": "Error", f"{PREFIX}completed": "true"}


class Look:
    """`workflow` is changed in place; `run` says what must be done about pods afterwards."""

    def __init__(
        self, workflow: dict[str, Any], pods: Pods, locks: Locks, get_template: GetTemplate, now: float
    ) -> None:
        self.workflow, self.pods, self.locks, self.get_template, self.now = workflow, pods, locks, get_template, now
        self.status: dict[str, Any] = workflow.setdefault("status", {})
        self.first = not self.status.get("phase")
        self.freed: list[Key] = []
        self.run = self._run({**workflow.get("spec", {}), "templates": []}, {})

    @property
    def key(self) -> Key:
        return (self.run.namespace, self.run.name)

    def look(self) -> None:
        """Go as far as possible now."""
        if self.status.get("phase") not in TERMINAL:
            self._look()
        if not self.status["nodes"]:
            del self.status["nodes"]

    def _look(self) -> None:
        try:
            self._prepare()
        except Invalid as error:
            self._end("Error", error.message)
            return
        if not self._locked():
            return
        self._begin()
        reconcile(self.run)
        if self.run.spec.get("suspend"):
            self._count()
            return
        self._execute()
        self._count()

    def _run(self, spec: dict[str, Any], values: dict[str, str]) -> Run:
        name = self.workflow["metadata"]["name"]
        scope = "local/" if self.workflow.get("spec", {}).get("workflowTemplateRef") else f"local/{name}"
        nodes = Nodes(name, self.status.setdefault("nodes", {}), scope, lambda: to_timestamp(self.now))
        return Run(self.workflow, spec, values, nodes, self.pods, self.now)

    def _prepare(self) -> None:
        """The spec to execute; at the first look also what the workflow gets written on. Raises Invalid."""
        spec = self.workflow["spec"]
        meta = self.workflow["metadata"]
        if reference := spec.get("workflowTemplateRef"):
            self._store_spec(reference["name"])
            spec = join(spec, self.status["storedWorkflowTemplateSpec"])
        resolved, values = resolve(self.workflow, spec)
        self.run = self._run(resolved, values)
        if self.first:
            annotations = meta.get("annotations") or {}
            workflow_metadata(resolved, values, meta.setdefault("labels", {}), annotations)
            annotations.setdefault(f"{PREFIX}trace-id", secrets.token_hex(16))
            meta["annotations"] = annotations
            self.run.values = resolve(self.workflow, spec)[1]
            if not reference:
                spec |= {key: value for key, value in resolved.items() if key not in {"templates", "shutdown"}}

    def _store_spec(self, template: str) -> None:
        if "storedWorkflowTemplateSpec" in self.status:
            return
        self.workflow["metadata"].setdefault("labels", {})[f"{PREFIX}workflow-template"] = template
        found = self.get_template(self.run.namespace, template)
        self.status.setdefault("storedTemplates", stored_templates(found))
        self.status["storedWorkflowTemplateSpec"] = join(self.workflow["spec"], found["spec"])

    def _locked(self) -> bool:
        """Whether the workflow has its locks; else it is Pending (or, terminated, over)."""
        names = lock_names(self.run.namespace, self.run.spec)
        if not names:
            return True
        if self.run.shutdown == "Terminate" and not self._holds():
            self._end("Failed", "Stopped with strategy 'Terminate'")
            return False
        missing = self.locks.acquire(names, self.key, self.workflow, int(self.run.spec.get("priority") or 0))
        me = "/".join(self.key)
        if missing is None:
            self.status["synchronization"] = {"mutex": {"holding": [{"mutex": name, "holder": me} for name in names]}}
            return True
        holder = self.locks.holder(missing)
        self.status["synchronization"] = {
            "mutex": {"waiting": [{"mutex": missing, "holder": "/".join(holder) if holder else ""}]}
        }
        self._phase("Pending", f"Waiting for {missing} lock. Lock status: 0/1")
        self.status |= {"startedAt": None, "progress": "0/0"}
        self._artifacts()
        return False

    def _holds(self) -> bool:
        return bool(self.status.get("synchronization", {}).get("mutex", {}).get("holding"))

    def _begin(self) -> None:
        if self.first:
            self.workflow["metadata"].setdefault("annotations", {})[f"{PREFIX}pod-name-format"] = "v2"
        if self.status.get("phase") != "Running":
            self.status["startedAt"] = self.status.get("startedAt") or to_timestamp(self.now)
            self._phase("Running", "")
            self._artifacts()

    def _artifacts(self) -> None:
        self.status["artifactRepositoryRef"] = {"default": True, "artifactRepository": {}}
        self.status["artifactGCStatus"] = {"notSpecified": True}

    def _execute(self) -> None:
        run = self.run
        arguments = run.spec.get("arguments") or {}
        entry = Call(name=run.name, display=run.name, template=run.spec.get("entrypoint", ""), arguments=arguments)
        root = execute(run, entry)
        if run.deadline is not None and not run.overdue and not run.pods_unschedulable():
            run.requeue.append(run.deadline)
        if root is None or not fulfilled(root):
            return
        handler = self._exit_handler(root)
        if handler is not None and not fulfilled(handler):
            return
        self._finish(root, handler)

    def _exit_handler(self, root: Node) -> Node | None:
        run = self.run
        template = run.spec.get("onExit")
        name = f"{run.name}.onExit"
        if not template or (run.shutdown == "Terminate" and run.nodes.get(name) is None):
            return None
        run.values["workflow.status"] = root["phase"] if root["phase"] in TERMINAL else "Succeeded"
        run.values["workflow.failures"] = f'"{quote(self._failures())}"'
        call = Call(
            name=name, display=name, template=template, arguments=run.spec.get("arguments") or {},
            flag={"hooked": True}, on_exit=True,
        )  # fmt: skip
        return execute(run, call) or {"phase": "Pending"}

    def _failures(self) -> str:
        """`{{workflow.failures}}`: what has failed, as JSON (the exit handler itself left out)."""
        keys = ("displayName", "message", "templateName", "phase")
        handler = f"{self.run.name}.onExit"
        return json.dumps(
            [
                {key: node.get(key, "") for key in keys}
                | {"podName": self.run.pod_key(node)[1], "finishedAt": node["finishedAt"]}
                for node in self.run.nodes.table.values()
                if node["phase"] in FAILED and not node["name"].startswith(handler)
            ],
            separators=(",", ":"),
        )

    def _finish(self, root: Node, handler: Node | None) -> None:
        if root["phase"] in FAILED and self.run.shutdown:
            self._end(root["phase"], f"Stopped with strategy '{self.run.shutdown}'")
        elif root["phase"] not in FAILED and handler is not None and handler["phase"] in FAILED:
            self._end(handler["phase"], handler.get("message", ""))
        else:
            self._end(root["phase"] if root["phase"] in FAILED else "Succeeded", root.get("message", ""))

    def _end(self, phase: str, message: str) -> None:
        self.status["startedAt"] = self.status.get("startedAt") or to_timestamp(self.now)
        self.status["finishedAt"] = to_timestamp(self.now)
        self._phase(phase, message)
        self.status.pop("synchronization", None)
        self.freed = self.locks.release(self.key)
        self._condition("Completed", "True")
        self.status.setdefault("progress", "0/0")

    def _phase(self, phase: str, message: str) -> None:
        self.status["phase"] = phase
        if message:
            self.status["message"] = message
        else:
            self.status.pop("message", None)
        self.status.setdefault("finishedAt", None)
        labels = self.workflow["metadata"].setdefault("labels", {})
        labels[f"{PREFIX}phase"] = phase
        labels[f"{PREFIX}completed"] = "true" if phase in TERMINAL else "false"

    def _condition(self, type_: str, value: str) -> None:
        conditions = self.status.setdefault("conditions", [])
        for condition in conditions:
            if condition["type"] == type_:
                condition["status"] = value
                return
        conditions.append({"type": type_, "status": value})

    def _count(self) -> None:
        progress, used = self.run.nodes.summarize()
        self.status["progress"] = progress
        if used:
            self.status["resourcesDuration"] = used
        pods = list(self.run.nodes.pods())
        if pods and not self.first:
            running = any(node["phase"] == "Running" for node in pods)
            self._condition("PodRunning", "True" if running else "False")
            self.status["conditions"].sort(key=lambda condition: condition["type"] != "PodRunning")
