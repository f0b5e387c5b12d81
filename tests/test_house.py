"""The house's rule: imports point down. Each room is named with what it may import; everything else is refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# room -> the rooms of ours that it may import. A room is a module or package right below `provisioning`.
VALUES = {"spec", "catalog"}
PURE = {"policy", "manifests", "workflows", "drift", "inventory", "adoption", "lease"}
ROWS = {"models", "config", "access", "audit", "headroom"}
VIEWS = {"lease_view", "cluster_view"}
MAY_IMPORT: dict[str, set[str]] = {
    # level 0: nothing of ours; argo and trial not even Django
    "catalog": set(),
    "argo": set(),
    "trial": set(),
    "ansi": set(),
    "drawing": set(),
    "spec": {"catalog"},
    # level 1
    "models": VALUES,
    # level 2: the plain values of a request, not its row
    "policy": VALUES,
    "manifests": VALUES,
    "workflows": VALUES | {"manifests"},  # how a manifest is encoded as a parameter
    "drift": {"catalog"},
    "inventory": {"catalog"},
    "lease": {"catalog"},
    "adoption": VALUES | {"drift"},
    "config": {"catalog"},
    "progress": {"models", "workflows"},
    "logbook": {"models"},
    # level 3
    "access": {"models"},
    "audit": {"models"},
    "headroom": {"models", "config", "policy", "catalog"},
    "lifecycle": VALUES | PURE | ROWS,
    "lease_view": {"models", "lifecycle", "lease"},
    "cluster_view": {"models"},
    "safety": {"models"},
    "metrics": {"models", "catalog"},
    "checks": {"models", "catalog", "config", "safety"},
    "notify": {"models", "catalog"},
    # level 4
    "forms": VALUES | PURE | ROWS | {"lifecycle"},
    "pages": VALUES | PURE | ROWS | {"lifecycle", "forms", "progress", "logbook", "ansi", "drawing"} | VIEWS,
    "templatetags": {"models", "spec", "ansi", "drawing", "catalog", "config"},
    "api": VALUES | PURE | ROWS | {"lifecycle", "forms", "progress", "logbook"} | VIEWS,
    "reconcile": VALUES | ROWS | {"lifecycle", "workflows", "argo", "notify"},
    "migrations": set(),
    "apps": set(),
}
WITHOUT_DJANGO = {"catalog", "spec", "argo", "trial", "drawing"} | PURE


def _files(room: str) -> list[Path]:
    base = ROOT / "provisioning"
    module, package = base / f"{room}.py", base / room
    return [module] if module.exists() else sorted(package.rglob("*.py"))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import in the file; for `from a import b` both `a` and `a.b`."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            name = ".".join(part for part in (base, node.module or "") if part)
            yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)


def _room_of(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "provisioning" and len(parts) > 1 else None


def _rooms() -> list[str]:
    base = ROOT / "provisioning"
    found = {path.stem for path in base.glob("*.py")} | {path.parent.name for path in base.glob("*/__init__.py")}
    return sorted(found - {"__init__", "management"})


@pytest.mark.parametrize("room", _rooms())
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    assert room in MAY_IMPORT, f"say in MAY_IMPORT what provisioning/{room} may import"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in _files(room)
        for line, name in _imports(path)
        if ((other := _room_of(name)) not in {None, room} and other not in MAY_IMPORT[room])
        or name.split(".")[0] in {"portal", "tests"}
    ]
    assert wrong == []


@pytest.mark.parametrize("room", sorted(WITHOUT_DJANGO))
def test_the_pure_rooms_do_without_django(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in _files(room)
        for line, name in _imports(path)
        if name.split(".")[0] == "django"
    ]
    assert _files(room), f"there is no room {room}"
    assert wrong == []


def test_only_the_lifecycle_writes_a_phase() -> None:
    """`phase=` in an update, or an assignment to `.phase`, anywhere else would be a change without an event."""
    wrong = []
    for path in (ROOT / "provisioning").rglob("*.py"):
        if "lifecycle" in path.parts or "migrations" in path.parts or "trial" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update"):
                continue
            chain = ast.unparse(node.func.value)
            if "Request" in chain and any(keyword.arg == "phase" for keyword in node.keywords):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert wrong == []
