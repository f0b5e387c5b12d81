"""Every page, by the rules of accessibility, in light and dark, wide and narrow, and quiet on the console."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_main_path import A_RUN, approve, ask, badge, expect, fresh

pytestmark = pytest.mark.browser
WIDER_THAN_THE_SCREEN = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def addresses(browser: Any, portal: Any) -> dict[str, str]:
    """One request that waits, one that is ready, its namespace: so that no page is empty."""
    pages = {}
    for username in ("alice", "dana"):
        context = browser.new_context(base_url=portal.url)
        pages[username] = page = context.new_page()
        page.goto("/accounts/login/")
        page.locator("[name=login]").fill(username)
        page.locator("[name=password]").fill(f"{username}-trial")
        page.locator("form[action*=login] button[type=submit], main button[type=submit]").first.click()
        page.wait_for_url(lambda url: "/accounts/login/" not in url)
    waiting, name = ask(pages["alice"], fresh()), fresh("a" * 40)
    ready = ask(pages["alice"], name)
    approve(pages["dana"], ready)
    expect(badge(pages["alice"])).to_have_text("Ready", timeout=A_RUN)
    for page in pages.values():
        page.context.close()
    return {"waiting": waiting, "ready": ready, "namespace": f"{portal.url}/namespaces/{name}/"}


PAGES = {
    "home": ("alice", "/"),
    "request-new": ("alice", "/requests/new/"),
    "request-waiting": ("alice", "{waiting}"),
    "request-edit": ("alice", "{waiting}edit/"),
    "request-ready": ("alice", "{ready}"),
    "request-timeline": ("alice", "{ready}?view=timeline"),
    "approvals": ("dana", "/approvals/"),
    "review": ("dana", "{waiting}review/"),
    "history": ("frank", "/history/"),
    "namespaces": ("frank", "/namespaces/"),
    "namespace": ("alice", "{namespace}"),
    "audit": ("frank", "/audit/"),
    "status": ("dana", "/status/"),
    "tokens": ("alice", "/tokens/"),
    "home-admin": ("dana", "/"),
    "home-auditor": ("frank", "/"),
}


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(person, addresses, shot, name, scheme):
    username, path = PAGES[name]
    page = person(username, color_scheme=scheme)
    for width in (1440, 375):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path.format(**addresses))
        page.wait_for_load_state("load")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{width} px: {found.generate_report()}"
        assert page.evaluate(WIDER_THAN_THE_SCREEN) is False
        shot(page, f"{name}-{scheme}-{width}")


def test_the_first_tab_skips_to_the_content(person):
    page = person("alice")
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.locator("a.skip")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_a_stranger_sees_the_same_for_what_is_absent_and_what_is_not_theirs(person, addresses):
    page = person("carol", expect=(404,))
    texts = []
    for path in (addresses["waiting"], "/requests/00000000-0000-4000-8000-000000000000/"):
        assert page.goto(path).status == 404
        texts.append(page.locator("body").inner_text())
    assert texts[0] == texts[1]
