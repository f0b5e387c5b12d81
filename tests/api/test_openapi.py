"""The description of the API, and whether the API keeps to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from provisioning import lifecycle
from provisioning.api.site import api
from provisioning.api.throttle import THROTTLE
from provisioning.models import Request, Scope, User
from tests.api.conftest import make_token

pytestmark = pytest.mark.django_db

DECLARED = {400, 401, 403, 422, 429}
# Not every well-formed body may be asked for, and the token that is sent along is a good one.
NOT_FOR_US = [checks.positive_data_acceptance, checks.ignored_auth]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    paths = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    return [(method, path, described) for path, methods in paths.items() for method, described in methods.items()]


def test_every_operation_says_what_it_is_for_and_every_error_it_may_answer() -> None:
    assert len(operations()) == 17
    for method, path, described in operations():
        assert described["summary"][0].isupper(), path
        assert "_" not in described["operationId"], path
        assert set(described["responses"]) >= DECLARED, path
        assert any(f"Scope: `{scope}`." in described["description"] for scope in Scope), path
        assert (404 in described["responses"]) == ("{" in path), path
        assert described["security"] == [{"BearerToken": []}, {"BrowserSession": []}]
        assert [code for code in described["responses"] if code < 300], (method, path)


def test_every_key_is_camel_case_and_every_title_is_in_plain_words() -> None:
    for name, schema in api.get_openapi_schema(path_prefix="")["components"]["schemas"].items():
        for key, described in schema.get("properties", {}).items():
            assert "_" not in key, name
            assert key[0].islower(), name
            title = described.get("title", "X")
            assert title[0].isupper(), name
            assert "_" not in title, name


def test_the_description_and_its_page_are_open_to_everybody(client: Any) -> None:
    assert client.get("/api/v1/openapi.json").json()["openapi"] == "3.1.0"
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert b"swagger-ui-bundle.js" in page.content
    assert b"https://" not in page.content


@pytest.fixture
def rows(alice: User, dana: User, open_request: Any) -> list[Request]:
    """One of each kind of situation, for the calls to hit."""
    pending, approved = open_request(), open_request(name="payments-api-prod")
    lifecycle.approve(approved, by=dana, digest=approved.digest)
    return [pending, approved]


@pytest.fixture
def application() -> Iterator[WSGIHandler]:
    """As a server calls it, but with the test's connection left open, as Django's own test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield WSGIHandler()
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("label", [f"{method.upper()} {path}" for method, path, _ in operations()])
def test_whatever_is_sent_nothing_breaks_and_every_answer_is_as_described(
    label: Any, mode: Any, rows: Any, dana: Any, application: Any
) -> None:
    """Made-up calls, good and bad, in process, by somebody who may everything."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    operation = schema.find_operation_by_label(label)
    assert operation is not None
    token = make_token(dana)
    known = {"request_id": str(rows[0].pk), "step": "create-namespace"} if "{request_id}" in label else {}
    made_up = operation.as_strategy(generation_mode=mode)
    aimed = operation.as_strategy(generation_mode=mode, path_parameters=known) if known else made_up

    @settings(
        max_examples=20, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=made_up | aimed)
    def call(case: Any) -> None:
        THROTTLE.forget()
        response = case.call(headers={"Authorization": f"Bearer {token}"})
        assert response.status_code < 500
        case.validate_response(response, excluded_checks=NOT_FOR_US)

    call()
