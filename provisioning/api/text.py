"""Texts in an address or a query: none that a database can't look for."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Printable characters only, please.")
    return text


Text = Annotated[str, Field(max_length=253), AfterValidator(_printable)]
