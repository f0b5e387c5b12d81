"""Reading bodies strictly: what JSON does not know, or a database can't keep, is refused before anything else."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny


class UnreadableError(ValueError):
    """The body is no JSON; the text says what is wrong with it."""


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> DictStrAny:
        """Raises UnreadableError, which ninja answers with 400."""
        try:
            found: DictStrAny = json.loads(request.body, parse_constant=_no_number, object_pairs_hook=_once)
            # "\ud800" is JSON, but no character: no database takes it, and it could not be shown.
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise UnreadableError("A text in the body holds half a character (a lone surrogate).") from error
        except RecursionError as error:
            raise UnreadableError("The body is nested too deeply.") from error
        except UnreadableError:
            raise
        except ValueError as error:
            raise UnreadableError("The body is no JSON.") from error
        return found


def _no_number(text: str) -> NoReturn:
    raise UnreadableError(f"The body is no JSON: {text} is no number there.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that names a field twice says two things; taking either would be a guess."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableError("The body names a field twice.")
    return found
