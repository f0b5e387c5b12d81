"""Kubernetes quantities as numbers: `500m`, `4Gi`, `1e2`. The API server itself stores 2000m as 2 and 1024Mi as 1Gi."""

from __future__ import annotations

import re
from decimal import Decimal

_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("0.001"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?", re.ASCII)


def parse_quantity(text: str) -> Decimal:
    """The number that `text` stands for, in cores, bytes or pieces. Raises ValueError for anything else."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"“{text}” is not a quantity such as 2, 500m or 4Gi")
    number, suffix, exponent = match.groups()
    if exponent:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * _SUFFIXES[suffix or ""]


def format_number(value: Decimal | int) -> str:
    """`2`, `0.5`, `12.25`: without trailing zeros or exponent."""
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_bytes(value: Decimal | int) -> str:
    """`4Gi`, `512Mi`, `1.5Gi`: the largest binary unit that leaves a whole number or half of one."""
    amount = Decimal(value)
    for suffix in ("Ti", "Gi", "Mi", "Ki"):
        scaled = amount / _SUFFIXES[suffix]
        if abs(scaled) >= 1 and (scaled * 2) % 1 == 0:
            return f"{format_number(scaled)}{suffix}"
    return format_number(amount)


def readable(quantity: str) -> str:
    """`4 Gi` for `4Gi`: the unit set apart, as pages show it. Text that is no quantity stays as it is."""
    match = _QUANTITY.fullmatch(quantity)
    return f"{match[1]} {match[2]}" if match and match[2] and match[2].endswith("i") else quantity
