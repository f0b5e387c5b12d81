"""What can go wrong with a workflow itself."""

from __future__ import annotations


class Invalid(Exception):
    """A workflow or template that Argo refuses, or that the trial does not implement; `message` is the text."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ExpressionError(Invalid):
    """An expression that cannot be parsed or evaluated."""


class UnknownName(ExpressionError):
    """An expression that speaks of something that does not exist here."""
