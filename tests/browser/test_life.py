"""A namespace's life after its birth, by two people: change, look, renew, give back, take over."""

from __future__ import annotations

import re

import pytest

from tests.browser.test_main_path import A_RUN, ask, badge, expect, fresh

pytestmark = pytest.mark.browser
A_REQUEST = re.compile(r"/requests/[0-9a-f-]{36}/")


@pytest.fixture
def ready(person):
    """Alice, with a namespace of her team that is ready: (her page, its name)."""
    alice, name = person("alice"), fresh("life", "dev")
    ask(alice, name, tier="small")
    expect(badge(alice)).to_have_text("Ready", timeout=A_RUN)
    return alice, name


def decide(page, url, button):
    page.goto(f"{url}review/")
    for box in page.locator("main form input[type=checkbox]").all():
        box.check(force=True)
    page.get_by_role("button", name=re.compile(button)).first.click()
    page.wait_for_url(lambda at: "/review/" not in at)


def test_a_change_shows_what_becomes_different_and_is_made(ready, person, shot):
    (alice, name), dana = ready, person("dana")
    alice.goto(f"/namespaces/{name}/change/")
    alice.locator("[name=tier][value=medium]").check(force=True)
    alice.locator("[name=features][value=external-egress]").check(force=True)
    expect(alice.locator("#preview")).to_contain_text("pods 10 → 20")
    expect(alice.locator("#preview")).to_contain_text("internet egress opened")
    shot(alice, "change")
    alice.get_by_role("button", name="Ask for this change").click()
    alice.wait_for_url(A_REQUEST)
    decide(dana, alice.url, "^Approve$")
    expect(badge(alice)).to_have_text("Changed", timeout=A_RUN)
    alice.goto(f"/namespaces/{name}/")
    expect(alice.locator("main")).to_contain_text("20 pods")


def test_a_lease_is_renewed_by_one_click(ready, shot):
    alice, name = ready
    alice.goto(f"/namespaces/{name}/renew/")
    shot(alice, "renew")
    alice.get_by_role("button", name=re.compile("for 180 days")).click()
    alice.wait_for_url(re.compile(f"/namespaces/{name}/"))
    alice.goto(f"/namespaces/{name}/")
    expect(alice.locator("main")).to_contain_text(re.compile("1(79|80) days"))


def test_giving_back_shows_what_is_lost_and_another_person_decides(ready, person, portal, shot):
    (alice, name), dana = ready, person("dana")
    portal.manage("trial", "seed-workload", name)
    alice.goto(f"/namespaces/{name}/delete/")
    alice.get_by_role("button", name=re.compile("Look")).first.click()
    expect(alice.locator("main")).to_contain_text("1 deployment", timeout=A_RUN)
    shot(alice, "give-back")
    alice.locator("[name=typed_name]").fill(name)
    alice.locator("[name=force]").check(force=True)
    alice.get_by_role("button", name="Ask for deletion").click()
    alice.wait_for_url(A_REQUEST)
    decide(dana, alice.url, "^Approve")
    expect(badge(alice)).to_have_text("Deleted", timeout=A_RUN)


def test_a_namespace_that_nobody_manages_is_taken_over_with_the_cluster_s_consent(person, portal, shot):
    dana, erin, name = person("dana"), person("erin"), fresh("legacy", "dev")
    portal.manage("trial", "foreign-namespace", name)
    dana.goto("/adopt/")
    dana.locator("main input[name=name]").first.fill(name)
    dana.get_by_role("button", name="Look at it").click()
    expect(dana.get_by_role("button", name="Ask to take it over")).to_be_visible(timeout=A_RUN)
    dana.locator("main select[name=team]").select_option("payments")
    dana.locator("[name=tier][value=small]").check(force=True)
    shot(dana, "adopt")
    dana.get_by_role("button", name="Ask to take it over").click()
    dana.wait_for_url(A_REQUEST)
    consent = re.search(r"platform\.io/adopt=([0-9a-f-]{36})", dana.locator("main").inner_text())
    assert consent is not None
    portal.manage("trial", "label-namespace", name, consent.group(0))
    decide(erin, dana.url, "^Approve")
    expect(badge(dana)).to_have_text("Adopted", timeout=A_RUN)
