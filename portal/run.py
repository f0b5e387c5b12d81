"""`make run`: set up what is missing, then web, worker and trial under one supervisor.

With ARGO_WORKFLOWS_URL set there is no trial: that server is used, and data is kept apart from the trial's.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from honcho.manager import Manager

BASE = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("VAR_DIR", BASE / "var"))
PYTHON = sys.executable


def main() -> int:
    VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    trial = not os.environ.get("ARGO_WORKFLOWS_URL")
    home = VAR / ("trial" if trial else "site")
    home.mkdir(mode=0o700, exist_ok=True)
    env = _environment(home, trial=trial)
    if problem := _port_problem(env["BIND"], int(env["PORT"])):
        print(problem, file=sys.stderr)
        return 2
    _remember(env)
    _prepare(env)
    people = _people(env, home, trial=trial)
    manager = Manager()
    for name, command in _processes(trial=trial).items():
        manager.add_process(name, command, env=env, cwd=str(BASE))
    threading.Thread(target=_announce, args=(env, people, trial), daemon=True).start()
    manager.loop()
    return int(manager.returncode or 0)


def _environment(home: Path, *, trial: bool) -> dict[str, str]:
    """What the three processes share; a variable that is set already wins."""
    env = {
        "BIND": "127.0.0.1",
        "PORT": "8000",
        "DATABASE_URL": f"sqlite:///{home / 'portal.sqlite3'}",
        "HTTPS": "false",
        "PYTHONUNBUFFERED": "1",
        "TRIAL": "true" if trial else "false",
        **os.environ,
    }
    if not (env.get("SECRET_KEY") or env.get("SECRET_KEY_FILE")):
        env["SECRET_KEY_FILE"] = str(_secret(VAR / "secret-key", secrets.token_urlsafe(48)))
    if trial:
        state = Path(env.setdefault("TRIAL_STATE", str(home)))
        port = env.setdefault("TRIAL_PORT", str(_free_port(2746)))
        env["ARGO_WORKFLOWS_URL"] = f"http://127.0.0.1:{port}"
        env["ARGO_TOKEN_FILE"] = str(state / "token")
    return env


def _remember(env: dict[str, str]) -> None:
    """For `manage.py` in another terminal: where this portal's data and Argo are. No secret goes in."""
    names = (
        "DATABASE_URL", "HTTPS", "TRIAL", "BIND", "PORT", "SECRET_KEY_FILE", "TRIAL_STATE", "TRIAL_PORT",
        "ARGO_WORKFLOWS_URL", "ARGO_NAMESPACE", "ARGO_TOKEN_FILE", "ARGO_CA_FILE", "ARGO_VERIFY_TLS", "CATALOG",
    )  # fmt: skip
    lines = [f"{name}='{env[name]}'\n" for name in names if env.get(name)]
    (VAR / "run.env").write_text("".join(lines))


def _secret(path: Path, value: str) -> Path:
    """A file that only this user reads, written once."""
    if not path.exists():
        with (
            contextlib.suppress(FileExistsError),
            os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file,
        ):
            file.write(value + "\n")
    return path


def _free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no free port on loopback")


def _port_problem(host: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            return f"Port {port} on {host} can't be used ({error.strerror}). Choose another: PORT={port + 1} make run"
    return ""


def _prepare(env: dict[str, str]) -> None:
    for arguments in (
        ["migrate", "--verbosity", "0"],
        ["createcachetable"],
        ["collectstatic", "--no-input", "--verbosity", "0"],
        ["check", "--database", "default", "--fail-level", "ERROR"],
    ):
        done = subprocess.run(
            [PYTHON, "manage.py", *arguments], cwd=BASE, env=env, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            raise SystemExit(done.returncode)


def _people(env: dict[str, str], home: Path, *, trial: bool) -> list[str]:
    """Make the demo people; lines that say who they are. Outside of the trial they share a password made here."""
    arguments = ["demo"]
    if not trial:
        file = _secret(home / "demo-password", env.get("DEMO_PASSWORD") or secrets.token_urlsafe(12))
        password = file.read_text().strip()
        arguments += ["--password", password]
    subprocess.run([PYTHON, "manage.py", *arguments], cwd=BASE, env=env, stdout=subprocess.DEVNULL, check=True)
    shown = "" if trial else password
    table = subprocess.run(
        [PYTHON, "manage.py", "demo", "--list", *(["--password", shown] if shown else [])],
        cwd=BASE,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return table.stdout.splitlines()


def _processes(*, trial: bool) -> dict[str, str]:
    names = ["web", "worker", *(["trial"] if trial else [])]
    return {name: f"exec {PYTHON} -m portal.keep {name}" for name in names}


def _announce(env: dict[str, str], people: list[str], trial: bool) -> None:  # noqa: FBT001
    """Once pages are served, say where to go and who to be; below the processes' own first lines."""
    host = "localhost" if env["BIND"] in {"127.0.0.1", "::1"} else env["BIND"]
    url = f"http://{host}:{env['PORT']}/"
    for _ in range(240):
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"http://{env['BIND']}:{env['PORT']}/healthz", timeout=2).close()
            break
        time.sleep(0.25)
    argo = "a trial cluster, on this machine alone" if trial else env["ARGO_WORKFLOWS_URL"]
    lines = [
        "",
        f"  The namespace portal is at  {url}",
        f"  Argo: {argo}",
        "",
        *(f"  {line}" for line in people),
        "",
        "  Ctrl-C stops everything; data stays in var/.",
        "",
    ]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
