"""The leaf values of Argo's structs that are more than a JSON string or number."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

QUANTITY = re.compile(r"\A([+-]?(?:\d+\.?\d*|\.\d+))([a-zA-Z]{0,2}|[eE][+-]?\d+)\Z")
DECIMAL_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY_SUFFIXES = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
BAD_QUANTITY = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"  # Kubernetes' text
)


def any_string(value: Any) -> str:
    """Argo's AnyString: numbers and booleans become text through a float64, objects and arrays nothing."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            text = format(Decimal(repr(float(value))), "f")
            return text.removesuffix(".0") if "." in text else text
    return ""


def quantity(value: str | float) -> str:
    """A resource quantity in the form that Kubernetes writes back: `1000m` is `1`, `1024Mi` is `1Gi`.

    Raises ValueError with Kubernetes' text.
    """
    match = QUANTITY.match(str(value).strip())
    if match is None:
        raise ValueError(BAD_QUANTITY)
    number, suffix = match.groups()
    try:
        if suffix in BINARY_SUFFIXES:
            return _binary(Decimal(number) * 2 ** BINARY_SUFFIXES[suffix])
        if suffix in DECIMAL_SUFFIXES:
            return _decimal(Decimal(number).scaleb(DECIMAL_SUFFIXES[suffix]))
        return _exponent(Decimal(number + suffix))
    except InvalidOperation:
        raise ValueError(BAD_QUANTITY) from None


def _binary(amount: Decimal) -> str:
    """The largest binary suffix that leaves a whole number; fractions of a byte fall back to decimal."""
    if amount != amount.to_integral_value():
        return _decimal(amount)
    whole = int(amount)
    for name, power in reversed(BINARY_SUFFIXES.items()):
        if whole and whole % 2**power == 0:
            return f"{whole // 2**power}{name}"
    return f"{whole}"


def _decimal(amount: Decimal) -> str:
    for name, power in reversed(DECIMAL_SUFFIXES.items()):
        scaled = amount.scaleb(-power)
        if amount and scaled == scaled.to_integral_value():
            return f"{int(scaled)}{name}"
    return "0"


def _exponent(amount: Decimal) -> str:
    for power in (18, 15, 12, 9, 6, 3, 0, -3, -6, -9):
        scaled = amount.scaleb(-power)
        if amount and scaled == scaled.to_integral_value():
            return f"{int(scaled)}e{power}" if power else f"{int(scaled)}"
    return "0"
