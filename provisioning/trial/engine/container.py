"""A pod's run from beginning to end: sandbox, process, the executor's own lines, outputs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.trial.store import Store

from .plan import PodPlan, PodResult
from .process import RESULT_LIMIT, Process
from .sandbox import Sandbox

NO_COMMAND = 64  # argoexec's exit code for what it cannot execute
SIGNAL_PATH = "/var/run/argo/ctr/main/signal"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every container of this trial shares. `clock` gives seconds since 1970."""

    store: Store
    base: Path
    bin_dir: Path
    env: Mapping[str, str]
    clock: Callable[[], float]


class Container:
    """`started` is called with the process as soon as there is one; it may refuse by returning False."""

    def __init__(self, plan: PodPlan, around: Surroundings, started: Callable[[Process], bool]) -> None:
        self.plan, self.around, self.started = plan, around, started

    def run(self) -> PodResult:
        around = self.around
        begun = around.clock()
        extra = {**around.env, "TRIAL_ACCOUNT": self.plan.account}
        sandbox = Sandbox(self.plan, around.base, around.bin_dir, extra)
        try:
            code, output, problem = self._execute(sandbox)
            parameters, missing = self._outputs(sandbox)
        finally:
            sandbox.close()
        if code:
            self._log([f"Error: exit status {code}"])
        ended = around.clock()
        if code == 0 and missing:
            return PodResult("Error", ended, ended - begun, code, f"Error (exit code 64): {missing}")
        return PodResult(
            phase="Failed" if code else "Succeeded",
            finished=ended,
            seconds=ended - begun,
            exit_code=code,
            message=f"main: Error (exit code {code}){problem}" if code else "",
            parameters=parameters,
            result=output.decode("utf-8", "replace").removesuffix("\n") if self.plan.keep_result else None,
        )

    def _execute(self, sandbox: Sandbox) -> tuple[int, bytes, str]:
        try:
            command = sandbox.command()
        except FileNotFoundError as error:
            self._log([f"Error: {error}"])
            return NO_COMMAND, b"", f": {error}"
        if not command:
            self._log(["Error: trial: the command of an image is not known, name it in the template"])
            return NO_COMMAND, b"", ": trial: the command of an image is not known"
        self._executor("waiting for signals", f"signalPath={SIGNAL_PATH}")
        with Process(sandbox, command) as process:
            if self.started(process):
                process.begin()
            else:
                process.kill()
            code = process.wait(self._log)
        self._executor("sub-process exited", f'error="exit status {code}"' if code else "error=<nil>")
        self._executor("file signal handler exiting due to context cancellation")
        return code, process.output[:RESULT_LIMIT], ""

    def _outputs(self, sandbox: Sandbox) -> tuple[list[dict[str, Any]], str]:
        """The declared parameters with their values, and what was missing."""
        declared = self.plan.template.get("outputs", {}).get("parameters", [])
        found: list[dict[str, Any]] = []
        missing = ""
        for parameter in declared:
            source = parameter.get("valueFrom", {})
            if "path" not in source:
                continue
            path = sandbox.path(source["path"])
            if sandbox.on_mount(source["path"]):
                self._executor("no need to save parameter - on overlapping volume", f"src={source['path']}")
            if path.is_file():
                value = path.read_bytes()[:RESULT_LIMIT].decode("utf-8", "replace").removesuffix("\n")
            elif "default" in source:
                value = str(source["default"])
            else:
                missing = missing or f"open {source['path']}: no such file or directory"
                continue
            found.append({**parameter, "value": value})
        return found, missing

    def _executor(self, message: str, more: str = "") -> None:
        moment = dt.datetime.fromtimestamp(self.around.clock(), dt.UTC)
        stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
        self._log([f'time={stamp} level=INFO msg="{message}" argo=true {more}'.rstrip()])

    def _log(self, lines: list[str]) -> None:
        self.around.store.append_lines(self.plan.namespace, self.plan.name, lines)
