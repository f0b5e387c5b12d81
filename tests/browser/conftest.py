"""The whole product as `make run` starts it, with its own data and port, and people who sign in to it in Chromium."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "test-results"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    if not CHROMIUM:
        pytest.fail("these tests need Chromium: `make browser` installs it, or set CHROMIUM to it")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": arguments}


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal that runs: its address, and `manage.py` speaking to it."""

    url: str
    var: Path

    def manage(self, *arguments: str) -> str:
        """Run a command as the README tells people to, in another terminal."""
        env = {key: value for key, value in os.environ.items() if key not in CLEARED} | {"VAR_DIR": str(self.var)}
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


# What the test's own settings put into the environment; `make run` starts without.
CLEARED = {"SECRET_KEY", "HTTPS", "LOG_LEVEL", "DATABASE_URL", "TRIAL", "ARGO_WORKFLOWS_URL", "DJANGO_SETTINGS_MODULE"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    var, port, trial_port = tmp_path_factory.mktemp("var"), _free_port(), _free_port()
    env = {key: value for key, value in os.environ.items() if key not in CLEARED}
    env |= {"VAR_DIR": str(var), "PORT": str(port), "TRIAL_PORT": str(trial_port), "TRIAL_POD_SECONDS": "0.7"}
    log = (var / "output.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.run"], cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
    )
    found = Portal(f"http://localhost:{port}", var)
    try:
        _wait_until_it_answers(found.url, process, var / "output.log")
        _make_room(var / "trial" / "portal.sqlite3")
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def _make_room(database: Path) -> None:
    """Tests ask for more than a team may hold."""
    with contextlib.closing(sqlite3.connect(database, timeout=20)) as connection, connection:
        connection.execute(
            "UPDATE provisioning_team SET max_namespaces = 900, max_cpu = 9000, max_memory_gib = 90000, max_pods = 9000"
        )


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
                if b'"worker": "ok"' in answer.read():
                    return
        except OSError:
            pass
        time.sleep(0.25)
    pytest.fail(f"the portal did not start: {log.read_text(errors='replace')[-3000:]}")


@pytest.fixture
def person(browser: Any, portal: Portal) -> Iterator[Callable[..., Any]]:
    """`person("alice")` is a page of a browser of her own, signed in. Nothing may be said on any console."""
    contexts: list[Any] = []
    said: list[str] = []

    def sign_in(username: str, *, width: int = 1440, expect: tuple[int, ...] = (), **options: Any) -> Any:
        """`expect`: statuses of errors that the test brings about; the browser itself reports those."""
        context = browser.new_context(viewport={"width": width, "height": 900}, base_url=portal.url, **options)
        contexts.append(context)
        page = context.new_page()
        known = tuple(f"status of {status}" for status in expect)
        page.on(
            "console",
            lambda message: (
                said.append(f"{message.text} at {message.location}")
                if not any(k in message.text for k in known)
                else None
            ),
        )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/accounts/login/")
        page.get_by_label("Username").or_(page.locator("[name=login]")).first.fill(username)
        page.locator("[name=password]").fill(f"{username}-trial")
        page.locator("main button[type=submit], form[action*=login] button[type=submit]").first.click()
        page.wait_for_url(lambda url: "/accounts/login/" not in url)
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def shot() -> Callable[[Any, str], None]:
    """Keep a picture of the whole page in test-results/, for people to look at."""
    SHOTS.mkdir(exist_ok=True)

    def take(page: Any, name: str) -> None:
        page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True)

    return take
