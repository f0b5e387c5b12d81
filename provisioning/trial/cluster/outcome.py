"""What one call of kubectl comes to: output, warnings, errors, and the exit code they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from provisioning.trial.cluster.errors import KubectlError

Files = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class KubectlResult:
    exit_code: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class Outcome:
    stdout: str = ""
    warnings: list[str] = field(default_factory=list)
    errors: list[KubectlError] = field(default_factory=list)

    def result(self) -> KubectlResult:
        """Warnings first; one error reads differently from several."""
        lines = [f"Warning: {warning}" for warning in self.warnings]
        if len(self.errors) == 1:
            lines.append(self.errors[0].single)
        else:
            lines += [error.several for error in self.errors]
        return KubectlResult(1 if self.errors else 0, self.stdout, "".join(f"{line}\n" for line in lines))


@dataclass(frozen=True, slots=True)
class Input:
    """What a command may read: its standard input and files by the path it names."""

    stdin: str
    files: Files
