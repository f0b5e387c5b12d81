"""Argo's Go structs: what encoding/json takes into them, and what it writes out of them again.

`types.json` holds {struct: {field: type}} in Go's order. A type is a leaf (string, bool, int32, int64, float64, any,
AnyString, IntOrString, Quantity, Time), a struct's name, `[]T` or `map[string]T`; `!` at its end says that the
field is written even when it is empty.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .values import any_string, quantity

STRUCTS: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "types.json").read_text())
FOLDED = {name: {field.lower(): field for field in fields} for name, fields in STRUCTS.items()}
MAP = "map[string]"
SIZES = {"int32": 2**31, "int64": 2**63}
EMPTY: tuple[Any, ...] = (None, "", [], {})
ZERO = {"string": "", "bool": False, "int32": 0, "int64": 0, "float64": 0, "any": None}


class TypeFault(ValueError):
    """A value that its field can't hold; its words are encoding/json's."""


def decode(kind: str, value: Any) -> Any:
    """`value` as the struct `kind` keeps it: unknown fields gone, keys matched without case, leaves converted.

    Raises TypeFault.
    """
    return _decode(kind, value, kind, ())


def _decode(kind: str, value: Any, owner: str, path: tuple[str, ...]) -> Any:
    if value is None:
        return None
    if kind.startswith("[]"):
        _require(isinstance(value, list), value, kind, owner, path)
        return [_decode(kind[2:], item, owner, path) for item in value]
    if kind.startswith(MAP):
        _require(isinstance(value, dict), value, kind, owner, path)
        return {key: _decode(kind[len(MAP) :], item, owner, path) for key, item in value.items()}
    if kind in STRUCTS:
        _require(isinstance(value, dict), value, kind, owner, path)
        return _struct(kind, value, path)
    return _leaf(kind, value, owner, path)


def _struct(kind: str, value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    fields, folded, found = STRUCTS[kind], FOLDED[kind], {}
    for key, item in value.items():
        name = key if key in fields else folded.get(key.lower())
        if name is not None:
            found[name] = _decode(fields[name].removesuffix("!"), item, kind, (*path, name))
    return found


def _leaf(kind: str, value: Any, owner: str, path: tuple[str, ...]) -> Any:
    match kind:
        case "string" | "Time":
            _require(isinstance(value, str), value, "string", owner, path)
        case "bool":
            _require(isinstance(value, bool), value, kind, owner, path)
        case "int32" | "int64":
            fits = isinstance(value, int) and not isinstance(value, bool) and -SIZES[kind] <= value < SIZES[kind]
            _require(fits, value, kind, owner, path)
        case "IntOrString":
            _require(isinstance(value, str | int) and not isinstance(value, bool), value, "int32", owner, path)
        case "AnyString":
            return any_string(value)
        case "Quantity":
            return _quantity(value, owner, path)
    return value


def _quantity(value: Any, owner: str, path: tuple[str, ...]) -> str:
    _require(isinstance(value, str | int | float), value, "string", owner, path)
    try:
        return quantity(value)
    except ValueError as fault:
        raise TypeFault(str(fault)) from None


def _require(fits: bool, value: Any, kind: str, owner: str, path: tuple[str, ...]) -> None:  # noqa: FBT001
    if not fits:
        where = f" Go struct field {owner}.{'.'.join(path)} of type" if path else " Go value of type"
        raise TypeFault(f"json: cannot unmarshal {_json_kind(value, kind)} into{where} {_go_name(kind)}")


def _json_kind(value: Any, kind: str) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
    return f"number {json.dumps(value)}" if kind in SIZES else "number"


def _go_name(kind: str) -> str:
    if kind.startswith("[]"):
        return "[]" + _go_name(kind[2:])
    if kind.startswith(MAP):
        return MAP + _go_name(kind[len(MAP) :])
    if kind.endswith("Request"):
        return f"{'workflowtemplate' if kind.startswith('WorkflowTemplate') else 'workflow'}.{kind}"
    return f"v1alpha1.{kind}" if kind in STRUCTS else kind


def encode(kind: str, value: Any) -> Any:
    """`value` as Go writes the struct: fields in its order, empty ones left out or, where Go must, written."""
    if kind.startswith("[]"):
        return [encode(kind[2:], item) for item in value or ()]
    if kind.startswith(MAP):
        return {key: encode(kind[len(MAP) :], value[key]) for key in sorted(value or ())}
    fields = STRUCTS.get(kind)
    if fields is None:
        return value
    written = {}
    for name, field in fields.items():
        inner = field.removesuffix("!")
        item = value.get(name) if value else None
        if field is not inner:
            written[name] = _always(inner, item)
        elif item is not None and (item not in EMPTY or inner in STRUCTS or inner in {"any", "AnyString"}):
            written[name] = encode(inner, item)
    return written


def _always(kind: str, value: Any) -> Any:
    if kind in STRUCTS or value is not None:
        return None if kind == "Time" and not value else encode(kind, value)
    return ZERO.get(kind)
