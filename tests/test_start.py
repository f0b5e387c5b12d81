"""Starting: bad settings are told together, unsafe combinations are refused, `make run` sets up what is missing."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from portal import keep, run
from provisioning.management.commands.demo import PEOPLE, password_of
from provisioning.models import User
from provisioning.safety import is_loopback, refuse_unsafe, unsafe

ROOT = Path(__file__).resolve().parent.parent
KEY = "k" * 50


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "SECRET_KEY": KEY, "DATABASE_URL": "sqlite://:memory:", **environment}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_all_bad_settings_are_reported_together():
    found = manage(
        "check", SECRET_KEY="short", PORT="99999", HTTPS="maybe", ARGO_TIMEOUT="soon", LOG_FORMAT="xml",
        ARGO_WORKFLOWS_URL="argo:2746",
    )  # fmt: skip
    assert found.returncode == 1
    for name in ("SECRET_KEY", "PORT", "HTTPS", "ARGO_TIMEOUT", "LOG_FORMAT", "ARGO_WORKFLOWS_URL"):
        assert f"\n  {name}: " in found.stderr
    assert "short" not in found.stderr.replace("shorter", "")


def test_a_secret_may_come_from_a_file_with_a_newline(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    found = manage("shell", "-v0", "-c", "from django.conf import settings; print(repr(settings.SECRET_KEY))",
                   SECRET_KEY="", SECRET_KEY_FILE=str(file))  # fmt: skip
    assert found.stdout.strip() == repr(KEY)


def test_debug_is_refused_where_others_could_see_it():
    found = manage("check", DEBUG="true", BIND="0.0.0.0")
    assert found.returncode == 1
    assert "DEBUG: shows settings and source to everybody" in found.stderr


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("::1", True), ("127.8.9.10", True),
        ("0.0.0.0", False), ("*", False), (".example.com", False), ("10.0.0.1", False), ("localhost.example.com", False),
    ],
)  # fmt: skip
def test_what_counts_as_loopback(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"TRIAL": True, "BIND": "0.0.0.0"}, "BIND=0.0.0.0"),
        ({"TRIAL": True, "ALLOWED_HOSTS": ["localhost", "*"]}, "*"),
        ({"TRIAL": True, "ALLOWED_HOSTS": ["portal.example.com"]}, "portal.example.com"),
        ({"TRIAL": False}, "demo-dana"),
    ],
)
def test_known_passwords_are_refused_where_others_could_use_them(settings, changes, word):
    User.objects.create(username="demo-dana", is_demo=True)
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        refuse_unsafe()
    assert word in str(caught.value)


@pytest.mark.django_db
def test_the_trial_on_loopback_is_fine_and_so_is_a_portal_without_demo_people(settings):
    settings.TRIAL, settings.BIND, settings.ALLOWED_HOSTS = True, "127.0.0.1", ["localhost", "127.0.0.1", "[::1]"]
    User.objects.create(username="dana", is_demo=True)
    assert unsafe() == []
    settings.TRIAL, settings.BIND, settings.ALLOWED_HOSTS = False, "0.0.0.0", ["portal.example.com"]
    User.objects.update(is_active=False)
    assert unsafe() == []


def test_demo_people_exist_in_the_trial_alone(tmp_path):
    database = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    assert manage("migrate", "-v0", DATABASE_URL=database).returncode == 0
    refused = manage("demo", DATABASE_URL=database)
    assert refused.returncode == 1
    assert "trial alone" in refused.stderr
    assert manage("demo", DATABASE_URL=database, TRIAL="true").returncode == 0
    again = manage("demo", DATABASE_URL=database, TRIAL="true")
    assert again.stdout.strip() == "made: nobody, all are here"


def test_the_printed_table_says_who_and_what():
    shown = manage("demo", "--list").stdout
    for person in PEOPLE:
        assert f"{person.username} " in shown
        assert password_of(person.username) in shown
        assert person.part in shown


def test_a_port_in_use_is_a_clear_message():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        problem = run._port_problem("127.0.0.1", port)
    assert f"Port {port} on 127.0.0.1 can't be used" in problem
    assert f"PORT={port + 1} make run" in problem


def test_secrets_are_written_once_and_for_their_owner_alone(tmp_path):
    path = run._secret(tmp_path / "secret", "first")
    assert run._secret(path, "second").read_text() == "first\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_with_an_argo_of_ones_own_there_is_no_trial(monkeypatch, tmp_path):
    monkeypatch.setenv("ARGO_WORKFLOWS_URL", "https://argo.example.com:2746")
    env = run._environment(tmp_path, trial=False)
    assert (env["TRIAL"], env["ARGO_WORKFLOWS_URL"]) == ("false", "https://argo.example.com:2746")
    assert sorted(run._processes(trial=False)) == ["web", "worker"]


def test_the_trial_s_processes_share_one_address_and_token(monkeypatch, tmp_path):
    for name in ("ARGO_WORKFLOWS_URL", "TRIAL_PORT", "TRIAL_STATE"):
        monkeypatch.delenv(name, raising=False)
    env = run._environment(tmp_path, trial=True)
    assert env["ARGO_WORKFLOWS_URL"] == f"http://127.0.0.1:{env['TRIAL_PORT']}"
    assert env["ARGO_TOKEN_FILE"] == f"{tmp_path}/token"
    assert sorted(run._processes(trial=True)) == ["trial", "web", "worker"]


@pytest.mark.django_db
def test_an_account_is_made_with_its_parts_and_a_password_that_is_printed_once(capsys):
    call_command("person", "grace", "--email", "grace@example.com", "--lead", "billing", "--admin")
    printed = capsys.readouterr().out
    user = User.objects.get(username="grace")
    assert user.check_password(printed.rsplit(" ", 1)[1].strip())
    assert (user.is_platform_admin, user.is_auditor, user.is_demo) == (True, False, False)
    assert user.memberships.get().team.name == "billing"
    call_command("person", "grace", "--member", "search")
    assert "password" not in capsys.readouterr().out


@pytest.fixture
def script(tmp_path):
    """A command that counts its starts in a file and ends with the codes given, one after the other."""
    count = tmp_path / "count"
    count.write_text("")

    def make(*codes: int) -> list[str]:
        text = (
            "import sys, pathlib; p = pathlib.Path(sys.argv[1]); n = len(p.read_text()); p.write_text('x' * (n + 1));"
            "sys.exit(int(sys.argv[2 + n]))"
        )
        return [sys.executable, "-c", text, str(count), *map(str, codes)]

    make.starts = lambda: len(count.read_text())
    return make


def test_a_process_that_dies_is_started_again_until_it_ends_well(script, capsys):
    assert keep.keep(script(7, 9, 0), settled=0) == 0
    assert script.starts() == 3


def test_one_that_cannot_even_start_is_not_tried_again(script):
    assert keep.keep(script(2, 0), settled=60) == 2
    assert script.starts() == 1


def test_an_end_that_was_asked_for_is_passed_on():
    stop = threading.Event()
    stop.set()
    assert keep.keep([sys.executable, "-c", "import time; time.sleep(60)"], stop=stop) == signal.SIGTERM
