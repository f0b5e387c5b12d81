"""The calls the portal makes to Argo Server."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus

import requests

from provisioning.argo import fields as wanted
from provisioning.argo.credentials import Credentials
from provisioning.argo.errors import ArgoError, BadAnswer, Refused, ResourceVersionTooOld, ServerError, StreamEnded
from provisioning.argo.logs import LogLine, tell_apart
from provisioning.argo.results import (
    Health,
    Json,
    ListResult,
    WatchEvent,
    event_of,
    identity,
    items_of,
    log_lines,
    named,
    namespace_name,
    number,
    segment,
)
from provisioning.argo.streams import EVENT_STREAM, SILENCE_SECONDS, Pump, Stream
from provisioning.argo.transport import Call, Transport
from provisioning.argo.version import Version, parse

PAGE = 500
MOST_PAGES = 1_000
MOST_LIST_STARTS = 3


class ArgoWorkflowsClient:
    """Every method raises subclasses of `errors.ArgoError` and nothing else, ValueError for impossible names apart.

    Reads are repeated inside `timeout_ms`; writes are sent once: repeat a submit only because its name is
    deterministic. `silence_seconds` is how long a stream may be mute. Safe to use from several threads.
    """

    def __init__(  # noqa: PLR0917
        self,
        url: str,
        namespace: str,
        token: str | None = None,
        token_file: str | None = None,
        timeout_ms: int = 30_000,
        ca_file: str | None = None,
        verify_tls: bool = True,  # noqa: FBT001, FBT002
        session: requests.Session | None = None,
        *,
        silence_seconds: float = SILENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.namespace = namespace_name(namespace)
        self._silence = silence_seconds
        self._version: Version | None = None
        self._transport = Transport(
            url,
            namespace,
            Credentials(token, token_file),
            timeout_seconds=timeout_ms / 1000,
            ca_file=ca_file,
            verify_tls=verify_tls,
            session=session,
            clock=clock,
            sleep=sleep,
        )

    def __repr__(self) -> str:
        return f"ArgoWorkflowsClient({self.url!r}, {self.namespace!r})"

    @property
    def url(self) -> str:
        """The normalised base URL."""
        return self._transport.url

    def close(self) -> None:
        self._transport.close()

    # --- workflows

    def submit_workflow(self, workflow: Json, *, server_dry_run: bool = False) -> Json:
        """The stored workflow; it has no `status.phase` yet. AlreadyExists on 409: `nodes.ours` decides."""
        body: Json = {"workflow": workflow}
        if server_dry_run:
            body["serverDryRun"] = True
        answer = self._ask("POST", self._workflows(), "submit a workflow", body=body)
        return named(answer, workflow.get("metadata", {}).get("name", ""))

    def get_workflow(self, name: str, fields: str | None = None) -> Json:
        """`fields`: comma-separated paths, as `fields.GET`. NotFound with `what == "workflow"`: it is gone."""
        answer = self._ask("GET", self._workflow(name), "read a workflow", fields=fields)
        return named(answer, name)

    def list_workflows(
        self,
        label_selector: str | None = None,
        fields: str | None = None,
        limit: int = PAGE,
        *,
        pages: int = MOST_PAGES,
    ) -> ListResult:
        """All pages together, each item once. The list may lag: what is absent may exist (a GET decides).

        `limit` is the size of a page, `pages` how many to read at most. Items have no nodes unless `fields`
        asks for them.
        """
        if limit < 1:
            raise ValueError("A page has at least one item: without a limit, Argo 4 repeats items.")
        for _ in range(MOST_LIST_STARTS - 1):
            try:
                return self._list(label_selector, fields, limit, pages)
            except ResourceVersionTooOld:
                continue  # the pages of Argo up to 3.5.6 expire after some minutes: from the beginning again
        return self._list(label_selector, fields, limit, pages)

    def stop_workflow(self, name: str) -> Json:
        """Ask for the end, exit handler included. A workflow waiting for a lock ignores it: terminate that."""
        return self._shut_down(name, "stop")

    def terminate_workflow(self, name: str) -> Json:
        """Ask for the end without exit handler. The answer is a promise, not a result: watch what comes of it."""
        return self._shut_down(name, "terminate")

    def _shut_down(self, name: str, how: str) -> Json:
        try:
            answer = self._ask("PUT", f"{self._workflow(name)}/{how}", f"{how} a workflow", body={})
        except ArgoError as error:
            if error.status == HTTPStatus.CONFLICT:
                # here it is never "already exists": somebody else wrote to the object in between
                raise ServerError(error.cause, "Nothing to do: it is asked again.", status=error.status) from None
            raise
        return named(answer, name)

    # --- logs

    def get_workflow_logs(
        self,
        name: str,
        pod_name: str,
        container: str = "main",
        follow: bool = False,  # noqa: FBT001, FBT002
        *,
        since_seconds: int | None = None,
        tail_lines: int | None = None,
        timestamps: bool = False,
        stop: threading.Event | None = None,
        heard: Callable[[], None] | None = None,
    ) -> Iterator[LogLine]:
        """The lines of one pod, as they come. Ends when the log is complete; StreamEnded when it was cut.

        With `follow` it goes on until the workflow is over, or `stop` is set. A pod that is pending, unknown or
        gone has no lines and is no error. `heard` is called at each sign of life.
        """
        params = {
            "podName": pod_name,
            "logOptions.container": container,
            "logOptions.follow": "true" if follow else "",
            "logOptions.timestamps": "true" if timestamps else "",
            "logOptions.sinceSeconds": number(since_seconds),
            "logOptions.tailLines": number(tail_lines),
        }
        call = self._call(
            "GET", f"{self._workflow(name)}/log", "read a log", params, accept=EVENT_STREAM if follow else None
        )
        if follow:
            found = Pump(self._stream(call, self._silence)).messages(stop or threading.Event())
        else:
            found = self._stream(call, self._transport.timeout).messages()
        return tell_apart(log_lines(found, timestamps=timestamps, heard=heard))

    # --- watch

    def watch_workflows(
        self,
        label_selector: str | None = None,
        resource_version: str | None = None,
        fields: str | None = None,
        stop: threading.Event | None = None,
        *,
        timeout_seconds: int | None = None,
        heard: Callable[[], None] | None = None,
    ) -> Iterator[WatchEvent]:
        """Events from `resource_version` on, or ADDED for all there is first. Returns only when `stop` is set.

        Raises StreamEnded when the stream is over, however it ended (connect again from the last event's version),
        ResourceVersionTooOld (list again), or what else went wrong. `heard` is called at each sign of life.
        `timeout_seconds` asks the server to end it then. `fields` defaults to `fields.WATCH`; another list has to
        contain `error`, or errors are lost.
        """
        params = {
            "listOptions.labelSelector": label_selector or "",
            "listOptions.resourceVersion": resource_version or "",
            "listOptions.allowWatchBookmarks": "true",
            "listOptions.timeoutSeconds": number(timeout_seconds),
            "fields": wanted.WATCH if fields is None else fields,
        }
        path = f"/api/v1/workflow-events/{self.namespace}"
        call = self._call("GET", path, "watch workflows", params, accept=EVENT_STREAM, repeat=False)
        stop = stop or threading.Event()
        with contextlib.closing(Pump(self._stream(call, self._silence)).messages(stop)) as results:
            for result in results:
                if heard:
                    heard()
                if result is not None:
                    yield event_of(result)
        if not stop.is_set():
            raise StreamEnded("The server ended the watch.", reason="closed")

    # --- about the server

    def health_check(self) -> Health:
        """Version and verdict. `rights.check_rights` proves the token, this does not."""
        version = self.version(fresh=True)
        return Health(version.text, version.supported, version.safe, version.trial, version.advice)

    def version(self, *, fresh: bool = False) -> Version:
        """As last heard of; asked for when never heard of, or when `fresh`."""
        if self._version is None or fresh:
            answer = self._ask("GET", "/api/v1/version", "tell its version")
            if not isinstance(answer.get("version"), str):
                raise BadAnswer("The answer to the question for Argo's version holds none.")
            self._version = parse(answer["version"])
        return self._version

    def userinfo(self) -> Json:
        """The claims of the token, read by the server without verifying them; may be empty."""
        return self._ask("GET", "/api/v1/userinfo", "tell whose token it is")

    def list_templates(self) -> tuple[Json, ...]:
        """All WorkflowTemplates of the namespace."""
        return items_of(self._ask("GET", f"/api/v1/workflow-templates/{self.namespace}", "list the templates"))

    def get_template(self, name: str) -> Json:
        """Raises NotFound with `what == "template"`."""
        path = f"/api/v1/workflow-templates/{self.namespace}/{segment(name)}"
        return named(self._ask("GET", path, "read a template"), name)

    # --- how

    def _list(self, label_selector: str | None, fields: str | None, limit: int, pages: int) -> ListResult:
        params = {
            "listOptions.labelSelector": label_selector or "",
            "listOptions.limit": str(limit),
            "listOptions.fieldSelector": wanted.REMAINING if self.version().counts_remaining else "",
            "fields": wanted.LIST if fields is None else fields,
        }
        first_version, token, seen = "", "", set[str]()
        items: dict[str, Json] = {}
        for _ in range(pages):
            page = self._page(params | {"listOptions.continue": token})
            for place, item in enumerate(items_of(page)):
                # pages are offsets into a list that changes meanwhile: the same item may come twice
                items[identity(item) or f"{token}/{place}"] = item
            metadata = page["metadata"]
            first_version = first_version or str(metadata.get("resourceVersion") or "")
            token = str(metadata.get("continue") or "")
            if not token or token in seen:
                break
            seen.add(token)
        return ListResult(tuple(items.values()), first_version)

    def _page(self, params: Mapping[str, str]) -> Json:
        try:
            return self._ask("GET", self._workflows(), "list workflows", params=params)
        except Refused:
            if not params["listOptions.fieldSelector"]:
                raise
        # a server older than its version says does not know this selector
        return self._ask("GET", self._workflows(), "list workflows", params={**params, "listOptions.fieldSelector": ""})

    def _workflows(self) -> str:
        return f"/api/v1/workflows/{self.namespace}"

    def _workflow(self, name: str) -> str:
        return f"{self._workflows()}/{segment(name)}"

    def _stream(self, call: Call, silence_seconds: float) -> Stream:
        return Stream(self._transport, call, silence_seconds)

    def _call(
        self,
        method: str,
        path: str,
        purpose: str,
        params: Mapping[str, str],
        *,
        body: Json | None = None,
        accept: str | None = None,
        repeat: bool | None = None,
    ) -> Call:
        return Call(
            method=method,
            path=path,
            purpose=purpose,
            params={key: value for key, value in params.items() if value},
            body=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
            accept=accept or "application/json",
            repeat=method == "GET" if repeat is None else repeat,
        )

    def _ask(
        self,
        method: str,
        path: str,
        purpose: str,
        *,
        params: Mapping[str, str] | None = None,
        fields: str | None = None,
        body: Json | None = None,
    ) -> Json:
        call = self._call(
            method, path, purpose, {**(params or {}), **({"fields": fields} if fields else {})}, body=body
        )
        answer = self._transport.answer(call, self._hear_version)
        if not isinstance(answer, dict):
            raise BadAnswer(f"The answer to the call to {purpose} is JSON, but not an object.")
        return answer

    def _hear_version(self, headers: Mapping[str, str]) -> None:
        # sent with every answer since 3.6, so a server that was upgraded or replaced meanwhile is noticed
        if text := headers.get("Grpc-Metadata-Argo-Version", ""):
            self._version = parse(text)
