"""A directory in which a container's script runs: its mounts, its environment, its command."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .plan import PodPlan

REFERENCE = re.compile(r"\$\$|\$\(([^()]*)\)")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The script begins when it is told to, by a line on stdin: a trial that is killed before it has written the process
# down leaves none behind.
LAUNCH = 'ulimit -c 0; ulimit -t 3600; ulimit -f 4194304; read -r _ || exit 125; exec "$@" </dev/null'


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` as the kubelet replaces it: known names only, `$$` is a dollar."""

    def one(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else env.get(found[1], found[0])

    return REFERENCE.sub(one, text)


class Sandbox:
    """Made for one run of one pod; `close` removes all of it.

    Every emptyDir is a directory in here, and each value of the environment and each output path at or below a mount
    path points into it. An output path below no mount gets a file of its own, also where the script names it.
    """

    def __init__(self, plan: PodPlan, base: Path, bin_dir: Path, extra: Mapping[str, str]) -> None:
        self.plan = plan
        self.root = Path(tempfile.mkdtemp(prefix="pod-", dir=base))
        self.container = plan.template["container"]
        self.mounts = {
            mount["mountPath"].rstrip("/") or "/": self._directory(f"volume-{mount['name']}")
            for mount in self.container.get("volumeMounts", [])
        }
        self.aliases = self._aliases()
        self.work_dir = self._directory("work")
        self.env = self._environment(bin_dir, extra)

    def close(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, inside: str) -> Path:
        """Where a path of the container really is."""
        return Path(self.aliases.get(inside) or self.mapped(inside))

    def on_mount(self, inside: str) -> bool:
        return any(inside == mount or inside.startswith(f"{mount}/") for mount in self.mounts)

    def mapped(self, value: str) -> str:
        for mount in sorted(self.mounts, key=len, reverse=True):
            if value == mount or value.startswith(f"{mount}/"):
                return str(self.mounts[mount]) + value[len(mount) :]
        return value

    def command(self) -> list[str]:
        """What to execute; empty when the image alone knows. Raises FileNotFoundError for an unknown program."""
        words = [*self.container.get("command", []), *self.container.get("args", [])]
        if not self.container.get("command"):
            return []
        words = [self._aliased(expand(word, self.declared)) for word in words]
        program = shutil.which(words[0], path=self.env["PATH"])
        if program is None:
            raise FileNotFoundError(
                f'failed to find name in PATH: exec: "{words[0]}": executable file not found in $PATH'
            )
        return ["/bin/sh", "-c", LAUNCH, "sh", program, *words[1:]]

    def _directory(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def _aliases(self) -> dict[str, str]:
        paths = [
            parameter["valueFrom"]["path"]
            for parameter in self.plan.template.get("outputs", {}).get("parameters", [])
            if "path" in parameter.get("valueFrom", {})
        ]
        outputs = self._directory("outputs")
        lonely = [path for path in paths if not self.on_mount(path)]
        return {path: str(outputs / str(number)) for number, path in enumerate(lonely)}

    def _aliased(self, word: str) -> str:
        for path, real in self.aliases.items():
            word = word.replace(path, real)
        return word

    def _environment(self, bin_dir: Path, extra: Mapping[str, str]) -> dict[str, str]:
        self.declared: dict[str, str] = {}
        for entry in self.container.get("env", []):
            self.declared[entry["name"]] = expand(str(entry.get("value", "")), self.declared)
        env = {name: self._aliased(self.mapped(value)) for name, value in self.declared.items()}
        env["PATH"] = f"{bin_dir}:{env.get('PATH') or DEFAULT_PATH}"
        return {"HOSTNAME": self.plan.name, "HOME": str(self.work_dir)} | env | dict(extra)
