"""The envelope of every answer, and what each operation declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic, Literal, TypeVar

from django.http import JsonResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from provisioning.api.auth import needs
from provisioning.models import Scope

T = TypeVar("T")
NOTHING_HERE = "There is nothing here, or it is not yours to see."


def _words(name: str) -> str:
    """`lease_days` and `RequestStatus` as people read them in the documentation: Lease days, Request status."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("_", " ")).capitalize()


PLAIN = ConfigDict(
    alias_generator=to_camel,
    populate_by_name=True,
    field_title_generator=lambda name, _: _words(name),
    model_title_generator=lambda kind: _words(kind.__name__),
)


class Answer(BaseModel):
    """What the API sends. Keys are camelCase; datetimes are RFC 3339 in UTC, ids are UUIDs."""

    model_config = PLAIN


class Body(BaseModel):
    """What the API takes. A field that it does not know is refused: a misspelt one would be ignored otherwise."""

    model_config = ConfigDict(**PLAIN, extra="forbid", strict=True)


class Envelope(Answer, Generic[T]):
    success: Literal[True] = True
    message: str = Field(description="One sentence for people.")
    data: T

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__}Answer"


class Page(Answer, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(description="Send it as `cursor` to get what follows; null at the end.")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__}Page"


class Problem(Answer):
    """Every error. `errors` names the fields as they were sent; `__all__` stands for what belongs to no field."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "success": False,
                    "message": "Some fields are not as they should be.",
                    "errors": {"namespaceName": ["Only lower-case letters, digits and inner dashes."]},
                }
            ]
        }
    )
    success: Literal[False] = False
    message: str = Field(description="One sentence for people.")
    errors: dict[str, list[str]] = Field(description="Field → sentences; empty when no field is to blame.")


class RequestNow(Answer):
    """Where a request is, for the one who came second."""

    request_id: str
    status: str
    revision: int


class ConflictProblem(Problem):
    """Somebody was first, or it is over. `data` is the request as it now is; null when it is not yours to see."""

    model_config = ConfigDict(json_schema_extra={"examples": []})
    data: RequestNow | None


def problem(status: int, message: str, errors: Mapping[str, Iterable[Any]] | None = None, **more: Any) -> JsonResponse:
    """An error as the API answers it; `more` stands beside the three usual keys."""
    texts = {field: [str(text) for text in found] for field, found in (errors or {}).items()}
    return JsonResponse({"success": False, "message": message, "errors": texts, **more}, status=status)


# Any call may be answered with these, whatever it is about.
ALWAYS = (400, 401, 403, 422, 429)


def operation(scope: Scope, data: type[Any], *also: int, ok: tuple[int, ...] = (200,), **more: Any) -> dict[str, Any]:
    """The keyword arguments that all operations have in common. `also`: further errors, 404 and 409 above all."""
    errors: dict[int, Any] = dict.fromkeys((*ALWAYS, *also), Problem)
    if 409 in errors:  # noqa: PLR2004
        errors[409] = ConflictProblem
    responses = {**dict.fromkeys(ok, Envelope[data]), **dict(sorted(errors.items()))}  # type: ignore[valid-type]
    text = more.pop("description", "")
    return {
        "response": responses,
        "by_alias": True,
        "auth": needs(scope),
        "description": f"{text}\n\nScope: `{scope}`.".strip(),
        **more,
    }
