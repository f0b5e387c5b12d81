"""README says what the code does: settings, calls of the API, commands, targets and links, read off the code."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from django.core.management import BaseCommand, get_commands, load_command_class

from provisioning.api.site import api
from provisioning.management.commands.trial import SWITCHES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
SETTING = re.compile(r"\A[A-Z][A-Z0-9_]{2,}\Z")
READERS = {"env", "secrets", "os.environ", "environ"}
# Read, but nobody's to set: Django's own way to find its settings.
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED"}


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", README, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def tables(text: str) -> Iterator[list[str]]:
    """Each row of each table, cell by cell."""
    for line in text.splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def code(text: str) -> list[str]:
    """What stands in single backticks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read_in(path: str) -> set[str]:
    """Names of environment variables that a file reads: of `env.str("NAME")`, `env["NAME"]`, `{"NAME": default}`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if ast.unparse(node.func.value) in READERS:
                found |= _texts([node.args[0]])
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) in READERS:
            found |= _texts([node.slice])
    return {name for name in found if SETTING.match(name)} - NOT_SETTINGS


def _texts(nodes: list[ast.expr]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def documented_settings() -> set[str]:
    rows = [row for row in tables(sections()["Settings"]) if len(row) == 3 and row[0] != "variable"]
    return {name for row in rows for name in code(row[0]) if SETTING.match(name)}


SETTINGS_FILES = ("portal/settings.py", "portal/run.py", "portal/gunicorn_conf.py")


def test_every_setting_that_is_read_is_in_the_table_and_every_one_in_the_table_is_read():
    read = {
        name.removesuffix("_FILE") if name == "SECRET_KEY_FILE" else name
        for path in SETTINGS_FILES
        for name in read_in(path)
    }
    options = {f"TRIAL_{name}" for name in ("POD_SECONDS", "PORT", "STATE")}
    assert sorted(read - documented_settings()) == [], "missing in README's table of settings"
    assert sorted(documented_settings() - read - options) == [], "in README's table, but read nowhere"


def test_a_setting_that_is_no_setting_would_be_noticed():
    assert {"SECRET_KEY", "PORT", "ARGO_TIMEOUT", "RESYNC_SECONDS"} <= read_in("portal/settings.py")
    assert {"WEB_WORKERS", "BIND"} <= read_in("portal/gunicorn_conf.py")


def test_defaults_of_plain_settings_are_those_of_the_code():
    """`env.int("NAME", 5)`: the table says 5."""
    said = {name: row[1] for row in tables(sections()["Settings"]) for name in code(row[0])}
    wrong = {}
    for node in ast.walk(ast.parse((ROOT / "portal/settings.py").read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 2):
            continue
        name, default = node.args
        if not (isinstance(name, ast.Constant) and isinstance(default, ast.Constant) and name.value in said):
            continue
        if (
            default.value not in {"", None}
            and "set by" not in said[name.value]
            and _written(default.value) not in code(said[name.value])
        ):
            wrong[name.value] = (_written(default.value), said[name.value])
    assert wrong == {}


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


# ── the API ──────────────────────────────────────────────────────────────────────────────────────────────────────


def calls_there() -> set[str]:
    paths = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    return {f"{method.upper()} {_shape(path)}" for path, methods in paths.items() for method in methods}


def _shape(path: str) -> str:
    """What stands for something is called otherwise in the README than in the code."""
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/")


def test_every_call_of_the_api_is_in_the_readme_and_the_other_way_round():
    rows = tables(sections()["JSON API"])
    told = {
        f"{method} {_shape(path)}"
        for row in rows
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/api/v1/[^`?]*)", row[0])
    }
    assert sorted(calls_there() - told) == [], "missing in README's table of calls"
    assert sorted(told - calls_there()) == [], "in README, but not in the API"


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────


def our_commands() -> dict[str, BaseCommand]:
    return {name: load_command_class(app, name) for name, app in get_commands().items() if app == "provisioning"}


def test_every_command_is_in_the_readme():
    told = set(re.findall(r"manage\.py ([a-z_]+)", README))
    assert sorted(set(our_commands()) - told) == [], "missing in README"
    assert sorted(told - set(get_commands())) == [], "in README, but no command"


def lines_of_commands() -> list[str]:
    """Every use of `manage.py` in README that can be read as a command line."""
    found = []
    for text in [*re.findall(r"^.*manage\.py .*$", "\n".join(blocks()), re.MULTILINE), *code(README)]:
        line = re.split(r"\s*(?<!\\)[|#]|\\\|| && ", text[text.find("manage.py") + len("manage.py ") :])[0]
        if "manage.py " in text:
            found.append(line.strip())
    return sorted(set(found))


def blocks() -> list[str]:
    return re.findall(r"^ *```bash\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL)


def test_every_command_line_in_the_readme_can_be_typed_as_it_stands():
    commands, refused = our_commands(), {}
    for line in lines_of_commands():
        name, *arguments = shlex.split(line.replace("…", "x"))
        if name not in commands or not arguments:
            continue
        parser = commands[name].create_parser("manage.py", name)
        if problem := _refusal(parser, arguments):
            refused[line] = problem
    assert refused == {}


def _refusal(parser: ArgumentParser, arguments: list[str]) -> str:
    """Why these arguments can't be parsed; '' when they can."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parser.parse_args(arguments)
    except SystemExit as end:
        return said.getvalue().strip().splitlines()[-1] if end.code else ""
    except Exception as error:  # noqa: BLE001 -- Django's parser raises CommandError when it was not called from a shell
        return str(error)
    return ""


def test_every_condition_of_the_trial_is_in_the_readme():
    told = set(re.findall(r"manage\.py trial ([a-z-]+)", README)) | set(re.findall(r"`([a-z-]+)`", README))
    assert sorted(set(SWITCHES) - told - {"status", "remove-namespace", "token", "reset"}) == []


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_target_that_the_readme_names_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    there = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    told = set(re.findall(r"make ([a-z-]+)(?=[`\s])", "\n".join([*code(README), *blocks()]) + "\n"))
    assert sorted(told - there) == []
    assert {"run", "test", "test-browser", "chaos", "bench"} <= told


def test_links_lead_somewhere():
    headings = {_anchor(text) for text in re.findall(r"^#+ (.+)$", README, re.MULTILINE)}
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", README):
        if target.startswith("#"):
            if target[1:] not in headings:
                broken.append(target)
        elif not re.match(r"[a-z]+://|mailto:", target) and not (ROOT / target.partition("#")[0]).exists():
            broken.append(target)
    assert broken == []


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_paths_that_the_readme_names_are_there():
    """`provisioning/catalog.yaml` and the like."""
    named = {text for text in code(README) if re.fullmatch(r"[a-z][\w.-]*(/[\w.-]+)+/?", text)}
    made = ("var/", "test-results/")
    assert sorted(text for text in named if not text.startswith(made) and not (ROOT / text).exists()) == []


def test_each_dependency_has_its_sentence():
    bare, before = [], ""
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#") and not before.startswith("#"):
            bare.append(line)
        before = line
    assert bare == []
