"""The documentation of the API and the page of tokens, in a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from provisioning.models import ApiToken, ArgoStatus, Request, User, WorkerLease
from tests.api.conftest import asked
from tests.look.test_browser import WIDER

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine"),
]
# Playwright's synchronous interface runs an event loop, in which Django would refuse its database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": arguments}


@pytest.fixture(autouse=True)
def _worker_and_argo_are_well(db: None) -> None:
    WorkerLease.objects.create(pk=1, holder="w", expires_at=timezone.now() + timedelta(minutes=5))
    ArgoStatus.objects.create(pk=1)


@pytest.fixture
def opened(browser: Any, live_server: Any, client: Any, request: Any) -> Iterator[Any]:
    """`opened("/tokens/", alice, …)` is that page as Alice sees it; nothing may be said on any console."""
    contexts: list[Any] = []
    said: list[str] = []

    def page_of(path: str, user: User | None = None, width: int = 1440, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        if user is not None:
            client.force_login(user)
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
            context.add_cookies([cookie])
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(live_server.url + path)
        return page

    yield page_of
    for context in contexts:
        context.close()
    # Chromium notes each answer of the 4xx; there is no other way to send a form back.
    assert [text for text in said if "status of 422" not in text] == []


def test_the_documentation_is_drawn_under_the_strict_policy(opened: Any, db: None) -> None:
    page = opened("/api/v1/docs")
    page.get_by_text("Ask for a namespace", exact=True).first.wait_for()
    paths = page.request.get(page.url.replace("/docs", "/openapi.json")).json()["paths"]
    assert page.locator(".opblock").count() == sum(len(methods) for methods in paths.values())
    page.locator("#operations-Requests-readRequest button").first.click()
    page.get_by_text("Scope: read").first.wait_for()
    policy = page.request.get(page.url).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_calls_can_be_tried_with_the_session(opened: Any, alice: User) -> None:
    page = opened("/api/v1/docs", alice)
    operation = page.locator("[id$=requestNamespace]")
    operation.locator("button").first.click()
    operation.locator("textarea").fill(json.dumps(asked()))
    operation.get_by_role("button", name="Execute").click()
    operation.locator(".live-responses-table .response-col_status", has_text=re.compile("202")).wait_for()
    assert Request.objects.get().requester == alice


def test_a_token_is_made_and_ended(opened: Any, alice: User) -> None:
    page = opened("/tokens/", alice)
    page.get_by_label("Name", exact=True).fill("pipeline")
    page.get_by_label("request: Ask").check()
    page.get_by_role("button", name="Make token").click()
    text = page.get_by_role("region", name="The token").inner_text().strip()
    token = ApiToken.find(text)
    assert token is not None
    assert token.scopes == ["read", "request"]
    assert page.evaluate("document.activeElement.id") == "made-h"
    page.get_by_role("button", name="Revoke pipeline").click()
    page.get_by_text("No token is in use").wait_for()
    assert ApiToken.find(text) is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
@pytest.mark.parametrize("state", ["empty", "full", "made", "wrong"])
def test_the_page_of_tokens_is_accessible_and_fits(
    opened: Any, dana: User, state: str, width: int, scheme: str
) -> None:
    if state == "full":
        for days in (30, -1):
            name = f"a-program-with-a-rather-long-name-of-its-own-{days}"
            ApiToken.issue(dana, name, ["read", "request", "decide"], timezone.now() + timedelta(days=days))
    page = opened("/tokens/", dana, width, color_scheme=scheme, reduced_motion="reduce")
    if state in {"made", "wrong"}:
        page.get_by_label("Name", exact=True).fill("pipeline" if state == "made" else "")
        page.get_by_role("button", name="Make token").click()
        page.locator("#made-h, .error-summary").first.wait_for()
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
    # Below 40rem a table's head is there for assistive technology alone, in a box of one pixel.
    assert page.evaluate(WIDER.replace(".skip", ".skip, thead"), width) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/tokens-{state}-{width}-{scheme}.png", full_page=True)
