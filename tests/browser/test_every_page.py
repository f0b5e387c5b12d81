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
    """Requests that wait, are ready, failed and denied, and a namespace: so that no page is empty."""
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
    denied = ask(pages["alice"], fresh())
    pages["dana"].goto(f"{denied}review/")
    pages["dana"].locator("[name=comment]").first.fill("Not this quarter")
    pages["dana"].get_by_role("button", name="Deny", exact=True).click()
    pages["dana"].wait_for_url(lambda at: "/review/" not in at)
    portal.manage("trial", "refuse", "ResourceQuota", "*", "--message", "no quota today")
    try:
        failed = ask(pages["alice"], fresh(end="dev"), tier="small")
        expect(badge(pages["alice"])).to_have_text("Failed", timeout=A_RUN)
    finally:
        portal.manage("trial", "allow", "ResourceQuota", "*")
    for page in pages.values():
        page.context.close()
    told = {"waiting": waiting, "ready": ready, "failed": failed, "denied": denied}
    return {**told, "namespace": f"{portal.url}/namespaces/{name}/"}


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
    "namespace-change": ("alice", "{namespace}change/"),
    "namespace-renew": ("alice", "{namespace}renew/"),
    "namespace-delete": ("alice", "{namespace}delete/"),
    "namespace-revision": ("bob", "{namespace}revisions/1/"),
    "request-failed": ("alice", "{failed}"),
    "request-denied": ("alice", "{denied}"),
    "adopt": ("dana", "/adopt/"),
    "teams": ("frank", "/teams/"),
    "allowance": ("dana", "/teams/payments/allowance/"),
    "not-found": ("bob", "/nothing/here/"),
    "password": ("bob", "/accounts/password/change/"),
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
    page = person(username, color_scheme=scheme, expect=(404,) if name == "not-found" else ())
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


def test_a_form_with_a_mistake_comes_back_with_its_summary_in_focus_and_each_error_at_its_field(person):
    page = person("alice", expect=(422,))
    page.goto("/requests/new/")
    page.locator("[name=name]").fill("Not A Name")
    page.get_by_role("button", name="Request namespace").last.click()
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    name = page.locator("[name=name]")
    expect(name).to_be_focused()
    described = (name.get_attribute("aria-describedby") or "").split()
    assert any("error" in key and page.locator(f"#{key}").is_visible() for key in described)


def test_a_namespace_is_asked_for_with_the_keyboard_alone(person):
    page = person("alice")
    page.goto("/requests/new/")
    page.locator("[name=name]").focus()
    page.keyboard.type(fresh())
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('button.primary[type=submit]')"):
            break
    expect(page.locator("button.primary[type=submit]").last).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/requests/new" not in url)
    expect(badge(page)).to_be_visible()


def test_a_page_that_is_over_asks_nothing_any_more_and_one_that_lives_asks_quietly(person, addresses):
    page = person("alice")
    asked: list[tuple[int, str]] = []
    page.on("response", lambda answer: asked.append((answer.status, answer.url)) if "/status/" in answer.url else None)
    page.goto(addresses["ready"])
    page.wait_for_timeout(3_000)
    assert asked == []
    page.goto(addresses["waiting"])
    page.wait_for_timeout(6_000)
    assert asked
    assert {status for status, _ in asked} == {204}
