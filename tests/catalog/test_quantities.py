from __future__ import annotations

from decimal import Decimal

import pytest

from provisioning.catalog.quantities import format_bytes, format_number, parse_quantity, readable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2), ("2000m", 2), ("0.2", Decimal("0.2")), ("200m", Decimal("0.2")), ("1e2", 100), ("010", 10),
        ("1Ki", 1024), ("1024Mi", 2**30), ("4Gi", 2**32), ("1k", 1000), ("5G", 5 * 10**9), (".5", Decimal("0.5")),
    ],
)  # fmt: skip
def test_quantities_are_worth_what_the_api_server_says(text: str, value: Decimal | int) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize("text", ["", "two", "4 Gi", "4gi", "1e", "--1", "4Gi\n", "٤", "1e999"])
def test_other_text_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


def test_numbers_and_bytes_are_written_short() -> None:
    assert [format_number(n) for n in (Decimal("2.0"), Decimal("0.50"), 12, Decimal(100))] == ["2", "0.5", "12", "100"]
    assert [format_bytes(n) for n in (2**32, 3 * 2**29, 2**20 * 384, 1000, 0)] == ["4Gi", "1.5Gi", "384Mi", "1000", "0"]


def test_units_are_set_apart_for_people() -> None:
    assert [readable(q) for q in ("4Gi", "500m", "2", "CC-1042")] == ["4 Gi", "500m", "2", "CC-1042"]
