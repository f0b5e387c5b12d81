"""A client for the switches of a trial that is running: what `manage.py trial` calls."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 30
POINTER = "control.path"  # names the socket: its path must be short, that of the state need not be


class ControlError(RuntimeError):
    """No trial is running there, or it refused; the message is a sentence for people."""


class Control:
    """The trial whose state is in `state`. Every method raises ControlError."""

    def __init__(self, state: str | Path) -> None:
        self._state = Path(state)

    def status(self) -> dict[str, Any]:
        """Where it is (url, namespace, version, process, state), which conditions are set (argo_away,
        kubernetes_fails, refused as [kind, name, message], image_pull_fails, unschedulable), how many workflows are
        in which phase, and the names of the templates."""
        found: dict[str, Any] = self._call("status")
        return found

    def refuse(self, kind: str, name: str, message: str) -> None:
        """The cluster refuses writes of this object, as an admission policy would; `*` for every kind or name."""
        self._call("refuse", kind=kind, name=name, message=message)

    def allow(self, kind: str, name: str) -> None:
        """Take a refusal back."""
        self._call("allow", kind=kind, name=name)

    def foreign_namespace(self, name: str) -> None:
        """A namespace that somebody made by hand."""
        self._call("foreign_namespace", name=name)

    def label_namespace(self, name: str, label: str) -> None:
        """What `kubectl label namespace NAME KEY=VALUE` of a cluster administrator does."""
        self._call("label_namespace", name=name, label=label)

    def remove_namespace(self, name: str) -> None:
        """Delete a namespace past the portal."""
        self._call("remove_namespace", name=name)

    def image_pull_fails(self, image: str | None) -> None:
        """Pods of this image can't pull it (`*`: of any image); None: they can again."""
        self._call("image_pull_fails", image=image)

    def unschedulable(self, step: str | None) -> None:
        """No node takes the pods of this step (`*`: of any step); None: there is room again."""
        self._call("unschedulable", step=step)

    def stop_argo(self, seconds: float) -> None:
        """Argo's Server refuses connections for a while, and cuts the ones it has. 0: it is back at once."""
        self._call("stop_argo", seconds=seconds)

    def stop_kubernetes(self, seconds: float, mode: str = "refused") -> None:
        """The cluster's API server fails the scripts' kubectl for a while, in one of the cluster's modes."""
        self._call("stop_kubernetes", seconds=seconds, mode=mode)

    def seed_workload(self, namespace: str) -> None:
        """Pods, claims, services and what runs them, as a team would have."""
        self._call("seed_workload", namespace=namespace)

    def hold(self, namespace: str) -> None:
        """An object whose finalizer keeps the namespace from going once it is deleted."""
        self._call("hold", namespace=namespace)

    def release(self, namespace: str) -> None:
        """Take that finalizer away."""
        self._call("release", namespace=namespace)

    def token(self, rights: str) -> str:
        """A token with `all`, `readonly` or `none` of the rights; it holds until the trial ends."""
        return str(self._call("token", rights=rights))

    def reset(self) -> None:
        """Every condition back to normal; objects and workflows stay."""
        self._call("reset")

    def _call(self, call: str, /, **arguments: Any) -> Any:
        request = json.dumps({"call": call, "arguments": arguments}).encode() + b"\n"
        try:
            path = (self._state / POINTER).read_text()
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(TIMEOUT_SECONDS)
                connection.connect(path)
                connection.sendall(request)
                with connection.makefile("rb") as lines:
                    answer = lines.readline()
        except (FileNotFoundError, ConnectionError) as error:
            raise ControlError(f"no trial is running on {self._state}: start it with `make run`") from error
        except OSError as error:
            raise ControlError(f"the trial on {self._state} does not answer: {error}") from error
        return _result(answer)


def _result(answer: bytes) -> Any:
    if not answer:
        raise ControlError("the trial ended before it answered")
    found = json.loads(answer)
    if "error" in found:
        raise ControlError(str(found["error"]))
    return found.get("result")
