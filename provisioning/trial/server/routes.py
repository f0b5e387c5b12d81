"""Argo's paths, which handler answers each, and which of them the trial leaves out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import actions, archive, info, listing, logs, submit, templates, watch, workflows
from .query import DELETE_OPTIONS, LIST_OPTIONS, LOG_OPTIONS
from .status import UNIMPLEMENTED, Status, not_implemented

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .calls import Call


@dataclass(frozen=True, slots=True)
class Route:
    """`message` is the struct of the body, None where there is none; `query` the fields that are no strings."""

    method: str
    path: str
    rpc: str
    handler: Callable[[Call], Any]
    message: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    stream: bool = False


W, T, A, I = (  # noqa: E741 - the services' initials keep the table readable
    f"{service}.{service.capitalize()}Service" for service in ("workflow", "workflowtemplate", "archived", "info")
)
WF, WT, AR = "/api/v1/workflows/{namespace}", "/api/v1/workflow-templates/{namespace}", "/api/v1/archived-workflows"
ROUTES = (
    Route("GET", "/api/v1/version", f"{I}/GetVersion", info.version),
    Route("GET", "/api/v1/info", f"{I}/GetInfo", info.info),
    Route("GET", "/api/v1/userinfo", f"{I}/GetUserInfo", info.user),
    Route("POST", "/api/v1/tracking/event", f"{I}/CollectEvent", info.collect, "CollectEventRequest"),
    Route("POST", WF, f"{W}/CreateWorkflow", submit.create, "WorkflowCreateRequest"),
    Route("GET", WF, f"{W}/ListWorkflows", listing.list_workflows, None, LIST_OPTIONS),
    Route("POST", f"{WF}/lint", f"{W}/LintWorkflow", submit.lint, "WorkflowLintRequest"),
    Route("POST", f"{WF}/submit", f"{W}/SubmitWorkflow", submit.from_template, "WorkflowSubmitRequest"),
    Route("GET", f"{WF}/{{name}}", f"{W}/GetWorkflow", workflows.get),
    Route("DELETE", f"{WF}/{{name}}", f"{W}/DeleteWorkflow", workflows.delete, None, DELETE_OPTIONS),
    Route("PUT", f"{WF}/{{name}}/stop", f"{W}/StopWorkflow", actions.stop, "WorkflowStopRequest"),
    Route("PUT", f"{WF}/{{name}}/terminate", f"{W}/TerminateWorkflow", actions.terminate, "WorkflowTerminateRequest"),
    Route("PUT", f"{WF}/{{name}}/suspend", f"{W}/SuspendWorkflow", actions.suspend, "WorkflowSuspendRequest"),
    Route("PUT", f"{WF}/{{name}}/resume", f"{W}/ResumeWorkflow", actions.resume, "WorkflowResumeRequest"),
    Route("PUT", f"{WF}/{{name}}/retry", f"{W}/RetryWorkflow", actions.retry, "WorkflowRetryRequest"),
    Route("PUT", f"{WF}/{{name}}/resubmit", f"{W}/ResubmitWorkflow", actions.resubmit, "WorkflowResubmitRequest"),
    Route("PUT", f"{WF}/{{name}}/set", f"{W}/SetWorkflow", actions.set_node, "WorkflowSetRequest"),
    Route("GET", f"{WF}/{{name}}/log", f"{W}/WorkflowLogs", logs.logs, None, LOG_OPTIONS, stream=True),
    Route("GET", f"{WF}/{{name}}/{{podName}}/log", f"{W}/PodLogs", logs.logs, None, LOG_OPTIONS, stream=True),
    Route("GET", "/api/v1/workflow-events/{namespace}", f"{W}/WatchWorkflows", watch.watch, None, LIST_OPTIONS,
          stream=True),
    Route("GET", WT, f"{T}/ListWorkflowTemplates", templates.list_templates, None, LIST_OPTIONS),
    Route("POST", WT, f"{T}/CreateWorkflowTemplate", templates.create, "WorkflowTemplateCreateRequest"),
    Route("POST", f"{WT}/lint", f"{T}/LintWorkflowTemplate", templates.lint, "WorkflowTemplateLintRequest"),
    Route("GET", f"{WT}/{{name}}", f"{T}/GetWorkflowTemplate", templates.get),
    Route("PUT", f"{WT}/{{name}}", f"{T}/UpdateWorkflowTemplate", templates.update, "WorkflowTemplateUpdateRequest"),
    Route("DELETE", f"{WT}/{{name}}", f"{T}/DeleteWorkflowTemplate", templates.delete, None, DELETE_OPTIONS),
    Route("GET", AR, f"{A}/ListArchivedWorkflows", archive.list_archived, None, LIST_OPTIONS),
    Route("GET", f"{AR}-label-keys", f"{A}/ListArchivedWorkflowLabelKeys", archive.label_keys),
    Route("GET", f"{AR}-label-values", f"{A}/ListArchivedWorkflowLabelValues", archive.label_values, None,
          LIST_OPTIONS),
    Route("GET", f"{AR}/{{uid}}", f"{A}/GetArchivedWorkflow", archive.unsupported),
    Route("DELETE", f"{AR}/{{uid}}", f"{A}/DeleteArchivedWorkflow", archive.unsupported),
    Route("PUT", f"{AR}/{{uid}}/retry", f"{A}/RetryArchivedWorkflow", archive.unsupported, "WorkflowRetryRequest"),
    Route("PUT", f"{AR}/{{uid}}/resubmit", f"{A}/ResubmitArchivedWorkflow", archive.unsupported,
          "WorkflowResubmitRequest"),
)  # fmt: skip
LEFT_OUT = {
    "cron-workflows": "cron workflows",
    "cluster-workflow-templates": "cluster workflow templates",
    "event-sources": "event sources",
    "events": "events from outside",
    "sensors": "sensors",
    "stream": "the stream of Kubernetes events",
    "sync": "the API for semaphore limits",
    "workflow-event-bindings": "workflow event bindings",
}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]*)", path), re.DOTALL)


TABLE = [(_pattern(route.path), route) for route in ROUTES]


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The first route that fits: fixed names stand before parameters in the table."""
    for pattern, route in TABLE:
        if route.method == method and (match := pattern.fullmatch(path)):
            return route, match.groupdict()
    return None


def unknown(path: str) -> Status:
    """The answer to a path that no route fits."""
    area = (path.split("/") + [""] * 4)[3]
    if (
        path.startswith("/api/v1/")
        and area in LEFT_OUT
        and path.strip("/").count("/") > 1 + (area != "cluster-workflow-templates")
    ):
        return not_implemented(LEFT_OUT[area])
    return Status(UNIMPLEMENTED, "Not Implemented", before_grpc=True)
