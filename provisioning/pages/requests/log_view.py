"""The log of one try of one step, as the page and its polls show it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from provisioning import logbook
from provisioning.models import Request, Run, RunState, StepLog
from provisioning.progress import StepView


class LogView:
    """The log of one try of one step, from line `after` on."""

    def __init__(self, row: Request, run: Run, step: StepView, query: QueryDict) -> None:
        self.row, self.run, self.step, self.query = row, run, step, query
        self.logs = logbook.logs_of(run, step.name)
        self.log = self._chosen()
        self.q = query.get("q", "")
        self.lines = logbook.lines(self.log, after=self.after) if self.log else []
        if self.q:
            # Without script the search is the server's: lines that hold the text, in any case.
            self.lines = [line for line in self.lines if self.q.lower() in line.text.lower()]

    def _chosen(self) -> StepLog | None:
        wanted = self.query.get("attempt", "")
        found = next((log for log in self.logs if str(log.attempt) == wanted), None)
        return found or (self.logs[-1] if self.logs else None)

    @property
    def after(self) -> int:
        given = self.query.get("after", "")
        return int(given) if given.isdecimal() and len(given) < 10 else 0  # noqa: PLR2004

    @property
    def attempt(self) -> int:
        return self.log.attempt if self.log else 0

    @property
    def live(self) -> bool:
        """More lines may come: the step goes on, its log is still being stored, or the page did not take all."""
        if len(self.lines) >= logbook.PAGE:
            return True
        if self.log is None:
            return self.run.state != RunState.FINISHED and not self.step.ended
        newer_attempt = self.log is not self.logs[-1]
        return not (self.log.complete or newer_attempt) and not self.run.logs_complete

    @property
    def foot(self) -> str:
        if self.log is None:
            return _nothing_yet(self.step, self.run)
        if self.log.lost:
            return "Incomplete: the pod was gone before the rest could be read."
        if self.log.complete:
            return "Complete" if self.log.lines else "Complete: the step wrote nothing."
        return "Growing" if self.log.lines else "Waiting for the first line."

    @property
    def _address(self) -> list[str]:
        return [str(self.row.pk), self.step.name]

    @property
    def _which(self) -> str:
        return urlencode({"attempt": self.attempt, "run": self.run.attempt})

    @property
    def poll_url(self) -> str:
        return f"{reverse('request_log', args=self._address)}?{self._which}"

    @property
    def download_url(self) -> str:
        return f"{reverse('request_log_download', args=self._address)}?{self._which}" if self.log else ""

    @property
    def search_fields(self) -> list[tuple[str, str]]:
        return [("step", self.step.name), ("attempt", str(self.attempt)), ("run", str(self.run.attempt))]

    @property
    def executor(self) -> list[logbook.Line]:
        return logbook.executor_lines(self.log) if self.log else []


def _nothing_yet(step: StepView, run: Run) -> str:
    if step.state in {"omitted", "skipped"} or (step.state == "waiting" and run.state == RunState.FINISHED):
        return "This step did not run."
    return "Waiting for the first line." if step.state != "waiting" else "This step waits for those before it."
