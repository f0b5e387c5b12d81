"""Resource quantities: `2000m`, `1.5Gi`, `1e2`, and the form in which the API server stores them."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Context, Decimal

PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_SPLIT = re.compile(r"([+-]?)([0-9]*)(\.[0-9]*)?(.*)", re.DOTALL)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}
_STEP = 1024
_NANO = Decimal("1e-9")
_MOST = Decimal(2**63 - 1)  # what is above counts as this much
_MAX_EXPONENT = 40  # beyond the largest and below the smallest amount
_EXACT = Context(prec=100)


def parse(text: str) -> Decimal:
    """The amount; raises ValueError for what is no quantity."""
    return _parts(text)[0]


def _parts(text: str) -> tuple[Decimal, str]:
    amount, form = _read(text)
    return max(-_MOST, min(_MOST, amount)), form


def _read(text: str) -> tuple[Decimal, str]:
    match = _SPLIT.fullmatch(text)
    if match is None or not (match[2] or (match[3] or "").strip(".")):
        raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
    number = Decimal(f"{match[1]}{match[2] or '0'}{match[3] or ''}".rstrip("."))
    suffix = match[4]
    if suffix in _BINARY:
        return _EXACT.multiply(number, Decimal(_STEP ** _BINARY[suffix])), "binary"
    if suffix in _DECIMAL:
        return _EXACT.scaleb(number, Decimal(_DECIMAL[suffix])), "decimal"
    if exponent := _EXPONENT.fullmatch(suffix):
        power = max(-_MAX_EXPONENT, min(_MAX_EXPONENT, int(exponent[1])))
        return _EXACT.scaleb(number, Decimal(power)), "exponent"
    raise ValueError(f"quantities must match the regular expression '{PATTERN}'")


def canonical(text: str) -> str:
    """As the API server writes it: the largest suffix that leaves a whole number.

    A plain integer without fraction and a suffixed integer that is already canonical stay byte by byte as they
    are (`010`, `+5`, `1048576`, `1000Ki`); that is how the server stores them, since it keeps the text it read.
    """
    amount, form = _parts(text)
    if re.fullmatch(r"[+-]?[0-9]+", text) and len(text) <= 18:  # noqa: PLR2004 - digits that fit an int64
        return text
    if form == "binary":
        return _binary(amount)
    return _decimal(amount, exponent=form == "exponent")


def format_like(amount: Decimal, sample: str) -> str:
    """`amount` in the family (binary or decimal) of `sample`."""
    return _binary(amount) if _parts(sample)[1] == "binary" else _decimal(amount)


def _binary(amount: Decimal) -> str:
    if amount != amount.to_integral_value() or abs(amount) < _STEP:
        return _decimal(amount)
    whole, power = int(amount), 0
    while whole and whole % _STEP == 0 and power < len(_BINARY_SUFFIX):
        whole, power = whole // _STEP, power + 1
    return f"{whole}{_BINARY_SUFFIX.get(power, '')}"


def _decimal(amount: Decimal, *, exponent: bool = False) -> str:
    amount = amount.quantize(_NANO, rounding=ROUND_UP, context=_EXACT)
    if not amount:
        return "0"
    power = max(p for p in _SUFFIX if amount.scaleb(-p) == amount.scaleb(-p).to_integral_value())
    whole = int(amount.scaleb(-power))
    if exponent:
        return f"{whole}e{power}" if power else str(whole)
    return f"{whole}{_SUFFIX[power]}"
