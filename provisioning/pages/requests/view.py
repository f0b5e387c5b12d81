"""What the page of a request shows, gathered from rows: never more than a fixed number of queries."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from provisioning import access, logbook, manifests
from provisioning.config import the_catalog
from provisioning.models import MOVING, Decision, Kind, Phase, Request, Run, RunState, User
from provisioning.pages import compare, story
from provisioning.pages.life.request import KindView
from provisioning.pages.requests.log_view import LogView
from provisioning.pages.sheet import Sheet, sheet_of
from provisioning.policy import Verdict
from provisioning.progress import Progress, StepView, of_run, plan_of
from provisioning.workflows import workflow

VIEWS = ("graph", "timeline")
# What the scripts of the workflow templates mean by their exit codes.
EXIT_CODES = {
    1: "something did not work; it was tried again",
    2: "the shell found a mistake in the script",
    64: "the input was refused",
    65: "the namespace exists, or belongs to somebody else",
    66: "the cluster refused an object",
    67: "something holds the namespace",
    75: "not now; it was tried again",
    127: "a program is missing in the image",
    137: "killed: too much memory, or too much time",
    143: "ended from outside",
}


@dataclass
class RequestView:
    """`query` holds what the address says: step, view, attempt (of the step), run (attempt of the request), q."""

    row: Request
    user: User
    query: QueryDict

    @functools.cached_property
    def runs(self) -> list[Run]:
        return list(self.row.runs.order_by("attempt"))

    @functools.cached_property
    def run(self) -> Run | None:
        """The newest, or the one that the address names."""
        wanted = self.query.get("run", "")
        chosen = next((run for run in self.runs if str(run.attempt) == wanted), None)
        return chosen or (self.runs[-1] if self.runs else None)

    @property
    def is_newest_run(self) -> bool:
        return self.run is None or self.run is self.runs[-1]

    @functools.cached_property
    def progress(self) -> Progress:
        return of_run(self.row, self.run)

    @property
    def plan(self) -> tuple[workflow.PlannedStep, ...]:
        return plan_of(self.row)

    @property
    def over(self) -> bool:
        """Whether steps that wait will never run."""
        return self.run is not None and self.run.state == RunState.FINISHED

    @property
    def lives(self) -> bool:
        """Whether the page has anything to wait for: until the request is settled and its logs are stored whole."""
        if not self.row.is_settled:
            return True
        return bool(self.runs) and not self.runs[-1].logs_complete

    @property
    def poll_seconds(self) -> int:
        """Seconds: runs are followed closely; a decision is on the page within two."""
        return 1 if self.row.phase in MOVING or self.row.is_settled else 2

    @property
    def view(self) -> str:
        return self.query.get("view", "") if self.query.get("view") in VIEWS else "graph"

    @property
    def keep(self) -> str:
        """What a link to another view keeps of this address."""
        kept = {key: self.query[key] for key in ("step", "run") if self.query.get(key)}
        return f"&{urlencode(kept)}" if kept else ""

    @property
    def step_url(self) -> str:
        """A step's link; its name is appended."""
        kept = {key: self.query[key] for key in ("view", "run") if self.query.get(key)}
        return f"{self.row.get_absolute_url()}?{urlencode({**kept, 'step': ''})}"

    @property
    def waits_for(self) -> str:
        """What a submitted run that has not begun waits for, as Argo says it."""
        if self.row.phase != Phase.PROVISIONING or self.run is None:
            return ""
        if self.run.workflow_phase == "Pending" and "lock" in self.run.workflow_message.lower():
            return "Another run works on a namespace of this name: this one waits for it to end."
        return self.run.workflow_message if self.run.workflow_phase in {"", "Pending"} else ""

    @property
    def next_attempt(self) -> int:
        return self.row.attempt + 1

    @property
    def exit_words(self) -> str:
        code = self.failed_step.exit_code if self.failed_step else None
        return EXIT_CODES.get(code, "") if code is not None else ""

    # ── the selected step and its log ──

    @property
    def chosen_by_hand(self) -> bool:
        return self.progress.get(self.query.get("step", "")) is not None

    @functools.cached_property
    def selected(self) -> StepView | None:
        return self.progress.get(self.query.get("step", "")) or self.progress.current

    @functools.cached_property
    def log(self) -> LogView | None:
        if self.run is None or self.selected is None:
            return None
        return LogView(self.row, self.run, self.selected, self.query)

    # ── what came of it ──

    @functools.cached_property
    def decisions(self) -> list[Decision]:
        return list(self.row.decisions.select_related("by"))

    @property
    def last_decision(self) -> Decision | None:
        return self.decisions[-1] if self.decisions else None

    @functools.cached_property
    def events(self) -> list[story.Told]:
        return story.of_request(self.row)

    @property
    def verdict(self) -> Verdict:
        return Verdict.from_json(self.row.verdict)

    @functools.cached_property
    def objects(self) -> list[dict[str, Any]]:
        return manifests.objects_of(self.row.rendered)

    @property
    def facts(self) -> list[compare.Difference]:
        return compare.differences(None, self.row.spec, the_catalog())

    @property
    def narrowed(self) -> list[compare.Difference]:
        if not self.row.was_narrowed:
            return []
        return compare.changes(self.row.asked_spec, self.row.spec, the_catalog())

    @property
    def sheet(self) -> Sheet | None:
        """Of a namespace that somebody gets by this request."""
        gets = self.row.phase == Phase.SUCCEEDED and self.row.kind in {Kind.CREATE, Kind.ADOPT}
        return sheet_of(self.row.spec, the_catalog()) if gets else None

    @functools.cached_property
    def failed_step(self) -> StepView | None:
        if self.row.phase != Phase.FAILED:
            return None
        return next((step for step in self.progress.steps if step.planned and step.failed), None)

    @functools.cached_property
    def last_lines(self) -> list[logbook.Line]:
        """The end of the failed step's last try."""
        if self.failed_step is None or self.run is None:
            return []
        logs = logbook.logs_of(self.run, self.failed_step.name)
        return logbook.tail(logs[-1]) if logs else []

    @functools.cached_property
    def undone(self) -> UndoneView | None:
        """What the exit handler did, when it ran."""
        extra = next((step for step in self.progress.steps if not step.planned), None)
        if extra is None or self.run is None:
            return None
        logs = logbook.logs_of(self.run, extra.name)
        return UndoneView(extra, logbook.tail(logs[-1], 3) if logs else [])

    @functools.cached_property
    def life(self) -> KindView:
        """What is particular about it by its kind."""
        return KindView(self.row, self.user)

    # ── what can be done ──

    @property
    def may_decide(self) -> bool:
        return access.may_decide(self.user, self.row)

    @functools.cached_property
    def may_edit(self) -> bool:
        return access.may_edit(self.user, self.row)

    @functools.cached_property
    def may_cancel(self) -> bool:
        return access.may_cancel(self.user, self.row)

    @functools.cached_property
    def may_retry(self) -> bool:
        return access.may_retry(self.user, self.row)

    @property
    def notes(self) -> dict[str, str]:
        """A line below each stage of the stepper."""
        requester = self.row.requester.display_name
        decision = self.last_decision
        notes = {"requested": requester}
        if decision is not None and decision.revision == self.row.revision:
            notes["decision"] = decision.by.display_name if decision.by else f"rule {decision.rule}"
        if self.run is not None and self.is_newest_run:
            notes["run"] = f"{self.progress.done} of {self.progress.total} steps"
        return notes

    @property
    def announcement(self) -> str:
        """For people who hear the page: the phase, and what runs."""
        parts = [f"{self.row.get_phase_display()}."]
        if self.run is not None:
            busy = [step.name for step in self.progress.steps if step.state in {"running", "finishing", "retrying"}]
            parts.append(f"{self.progress.done} of {self.progress.total} steps done.")
            parts += [f"{', '.join(busy)} running."] if busy else []
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class UndoneView:
    step: StepView
    lines: list[logbook.Line]
