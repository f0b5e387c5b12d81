"""The components in a browser: nothing for axe to find, nothing on the console, nothing wider than the screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.look.conftest import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine"),
]

# Playwright's synchronous interface runs an event loop, in which Django would refuse its database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

WIDER = """width => [...document.querySelectorAll("body *")].filter(e =>
  e.checkVisibility() && e.getBoundingClientRect().right > width + 1 && !e.closest(".log-view, pre, .tabs, .vh, .skip")
).map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture
def open_page(browser: Any, live_server: Any, settings: Any) -> Iterator[Any]:
    settings.ROOT_URLCONF = "tests.look.gallery"
    contexts: list[Any] = []
    said: list[str] = []

    def opened(path: str = "/gallery/", width: int = 1440, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(live_server.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
@pytest.mark.parametrize("path", ["/gallery/", "/accounts/login/"])
def test_a_page_is_accessible_and_fits(open_page: Any, path: str, width: int, scheme: str) -> None:
    page = open_page(path, width, color_scheme=scheme, reduced_motion="reduce")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate(WIDER, width) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_script_nothing_is_promised_that_needs_it(open_page: Any) -> None:
    page = open_page(java_script_enabled=False)
    assert page.locator("[data-copy]").first.is_hidden()
    assert page.get_by_role("button", name="Set theme").is_visible()
    assert page.locator("time").first.is_visible()


def test_times_are_the_viewers_own_and_the_title_keeps_utc(open_page: Any) -> None:
    page = open_page(timezone_id="Asia/Tokyo")
    time = page.locator('time[data-time="clock"]').first
    utc = time.get_attribute("title").split(", ")[1].removesuffix(" UTC")
    hour = (int(utc[:2]) + 9) % 24
    assert time.inner_text() == f"{hour:02}{utc[2:]}"


def test_a_dialog_opens_and_closes_from_the_keyboard(open_page: Any) -> None:
    page = open_page()
    page.get_by_role("button", name="Cancel run").press("Enter")
    assert page.get_by_role("dialog").get_by_text("What is lost").is_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0


def test_single_keys_work_outside_of_fields_until_they_are_switched_off(open_page: Any) -> None:
    page = open_page()
    page.locator("body").press("/")
    assert page.evaluate("document.activeElement.id") == "nav-q"
    page.keyboard.type("?")
    assert page.locator("#nav-q").input_value() == "?"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#shortcuts").is_hidden()


def test_a_log_is_searched_in_the_page(open_page: Any) -> None:
    page = open_page()
    page.get_by_placeholder("Search this log").fill("FORBIDDEN")
    assert page.locator(".log-lines > li:visible").count() == 1
    assert page.locator("[data-log-found]").inner_text() == "1 of 6 lines"
    page.get_by_placeholder("Search this log").fill("")
    assert page.locator(".log-lines > li:visible").count() == 6


def test_a_summary_of_errors_takes_the_focus(open_page: Any) -> None:
    page = open_page()
    assert page.evaluate("document.activeElement.className") == "error-summary tone-bad"


def test_the_menu_of_a_small_screen_opens_as_a_popover(open_page: Any) -> None:
    page = open_page(width=375)
    link = page.get_by_role("link", name="Approvals")
    assert link.is_hidden()
    page.get_by_role("button", name="Menu").click()
    assert link.is_visible()


def test_the_theme_is_chosen_without_a_new_page_being_asked_for(open_page: Any) -> None:
    page = open_page(color_scheme="light")
    with page.expect_navigation():
        page.get_by_role("radio", name="Dark").check(force=True)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_log_grows_line_by_line_and_each_poll_asks_after_the_last(open_page: Any) -> None:
    page = open_page()
    line = page.locator('.log-lines > li[data-n="7"]')
    line.wait_for()
    page.locator('.log-lines > li[data-n="8"]').wait_for()
    assert page.locator(".log-lines > li").count() == 8
    assert page.locator("#log-foot").inner_text() == "Complete"
    assert page.locator("#log-poll[hx-get]").count() == 0


def test_a_hidden_tab_does_not_poll(open_page: Any) -> None:
    page = open_page()
    sent = page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { get: () => true });
          return document.getElementById("log-poll").dispatchEvent(
            new CustomEvent("htmx:beforeRequest", { bubbles: true, cancelable: true, detail: { elt: document.getElementById("log-poll") } }));
        }"""
    )
    assert sent is False


def test_an_answer_is_announced_and_folds_stay_as_they_were(open_page: Any) -> None:
    page = open_page()
    again = page.get_by_role("button", name="Look again")
    again.click()
    page.locator("#preview .verdict").wait_for()
    expect(page.locator("#live")).to_have_text("Needs a platform admin; large tier")
    # the page opens it to begin with: what a person sees stays, until they fold it themselves
    for is_open in (False, True):
        page.locator("#preview summary").click()
        page.locator("#preview details").evaluate("fold => { fold.dataset.before = true; }")
        again.click()
        drawn_anew = page.locator("#preview details:not([data-before])")
        drawn_anew.wait_for(state="attached")
        assert drawn_anew.evaluate("fold => fold.open") is is_open


def test_a_portal_that_is_away_is_said_and_taken_back(open_page: Any, live_server: Any) -> None:
    page = open_page("/gallery/?quiet")
    event = """name => document.getElementById("log-poll").dispatchEvent(new CustomEvent(name, { bubbles: true,
      detail: { elt: document.getElementById("log-poll"), successful: true, xhr: {} } }))"""
    page.evaluate(event, "htmx:sendError")
    assert page.get_by_text("The portal does not answer").is_visible()
    page.evaluate(event, "htmx:afterRequest")
    assert page.get_by_text("The portal does not answer").is_hidden()


def test_an_answer_that_fails_is_said_next_to_what_was_done(open_page: Any) -> None:
    page = open_page()
    page.evaluate(
        """() => document.getElementById("preview").dispatchEvent(new CustomEvent("htmx:responseError",
          { bubbles: true, detail: { elt: document.getElementById("preview"), xhr: { status: 500 } } }))"""
    )
    toast = page.get_by_text("The portal refused that (500)")
    assert toast.is_visible()
    page.locator(".toast", has=toast).get_by_role("button", name="Dismiss").click()
    assert toast.count() == 0
