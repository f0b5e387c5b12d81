"""The path that the product exists for, as people walk it: two browsers, no reloading."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
A_RUN = 60_000  # milliseconds that a run in the trial may take on a slow machine


def fresh(stem: str = "pay", end: str = "prod") -> str:
    return f"{stem}-{uuid.uuid4().hex[:8]}-{end}"


def ask(page: Any, name: str, tier: str = "large") -> str:
    """Fill in the form and send it; the address of the request."""
    page.goto("/requests/new/")
    page.locator("[name=name]").fill(name)
    page.locator(f"[name=tier][value={tier}]").check(force=True)
    page.locator("[name=purpose]").fill("Card payments")
    page.get_by_role("button", name="Request namespace").last.click()
    page.wait_for_url(re.compile(r"/requests/[0-9a-f-]{36}/"))
    return str(page.url)


def approve(page: Any, url: str) -> None:
    page.goto(f"{url}review/")
    page.get_by_role("button", name="Approve", exact=True).click()
    page.wait_for_url(lambda at: "/review/" not in at)


def badge(page: Any) -> Any:
    return page.locator("#run-head .badge").first


def test_alice_asks_dana_approves_and_it_becomes_ready_without_reloading(person, shot):
    alice, dana = person("alice"), person("dana")
    name = fresh()
    url = ask(alice, name)
    expect(badge(alice)).to_have_text("Pending")
    assert alice.locator("svg.dag a.node").count() == 7
    alice.evaluate("window.stillTheSamePage = true")

    dana.goto("/approvals/")
    expect(dana.get_by_text(name).first).to_be_visible()
    approve(dana, url)

    expect(badge(alice)).to_have_text("Provisioning", timeout=A_RUN)
    shot(alice, "request-live")
    expect(badge(alice)).to_have_text("Ready", timeout=A_RUN)
    expect(alice.locator("svg.dag a.node.tone-ok")).to_have_count(7)
    expect(alice.get_by_text(f"--namespace={name}").first).to_be_visible()
    expect(alice.locator("#log-lines li").first).to_be_visible(timeout=20_000)
    expect(alice.locator("#poll")).not_to_have_attribute("hx-get", re.compile(".*"), timeout=20_000)
    assert alice.evaluate("window.stillTheSamePage") is True
    shot(alice, "request-ready")


def test_the_form_answers_before_anything_is_sent(person, shot):
    alice = person("alice")
    alice.goto("/requests/new/")
    alice.locator("[name=name]").press_sequentially("kube-system")
    expect(alice.get_by_text(re.compile("reserved", re.IGNORECASE)).first).to_be_visible()
    alice.locator("[name=name]").fill(fresh(end="dev"))
    alice.locator("[name=tier][value=small]").check(force=True)
    expect(alice.locator("#preview")).to_contain_text(re.compile("approved", re.IGNORECASE))
    expect(alice.locator("#preview")).to_contain_text("NetworkPolicy")
    alice.locator("[name=tier][value=large]").check(force=True)
    expect(alice.locator("#preview")).to_contain_text("platform admin")
    shot(alice, "request-new")


def test_a_failing_step_is_told_rolled_back_and_retried(person, portal, shot):
    alice = person("alice")
    portal.manage("trial", "refuse", "NetworkPolicy", "allow-dns", "--message", "no policies today")
    try:
        ask(alice, fresh(end="dev"), tier="small")
        expect(badge(alice)).to_have_text("Failed", timeout=A_RUN)
    finally:
        portal.manage("trial", "allow", "NetworkPolicy", "allow-dns")
    expect(alice.locator("#run-outcome")).to_contain_text("no policies today")
    expect(alice.locator("#run-outcome")).to_contain_text("Half-created namespace removed", timeout=20_000)
    expect(alice.locator("#node-rollback")).to_be_visible()
    shot(alice, "request-failed")
    alice.get_by_role("button", name="Retry").click()
    expect(badge(alice)).to_have_text("Ready", timeout=A_RUN)


def test_cancelling_a_run_ends_with_what_argo_reports(person, portal):
    alice = person("alice")
    portal.manage("trial", "image-pull-fails")
    try:
        ask(alice, fresh(end="dev"), tier="small")
        expect(alice.locator("#run")).to_contain_text("ErrImagePull", timeout=A_RUN)
        alice.get_by_role("button", name="Cancel request").click()
        portal.manage("trial", "image-pull-works")
        expect(badge(alice)).to_have_text("Cancelled", timeout=A_RUN)
    finally:
        portal.manage("trial", "image-pull-works")


def test_two_admins_at_once_one_decision_stands(person):
    alice, dana, erin = person("alice"), person("dana"), person("erin", expect=(409,))
    url = ask(alice, fresh())
    for admin in (dana, erin):
        admin.goto(f"{url}review/")
    dana.locator("[name=comment]").first.fill("Not this quarter")
    dana.get_by_role("button", name="Deny", exact=True).click()
    dana.wait_for_url(lambda at: "/review/" not in at)
    erin.get_by_role("button", name="Approve", exact=True).click()
    expect(erin.get_by_text(re.compile("denied by Dana", re.IGNORECASE)).first).to_be_visible()
    expect(badge(alice)).to_have_text("Denied", timeout=20_000)
    expect(alice.locator("#run-outcome")).to_contain_text("Not this quarter")


def test_the_whole_path_without_javascript(person, shot):
    alice, dana = (person(name, java_script_enabled=False) for name in ("alice", "dana"))
    url = ask(alice, fresh())
    approve(dana, url)
    for _ in range(60):
        alice.goto(url)
        if badge(alice).inner_text() == "Ready":
            break
        alice.wait_for_timeout(500)
    expect(badge(alice)).to_have_text("Ready")
    alice.locator("#node-apply-rbac").click()
    expect(alice.locator("#step-log-h")).to_contain_text("apply-rbac")
    expect(alice.locator("#log-lines")).to_contain_text("rolebinding.rbac.authorization.k8s.io/team-admin-binding")
    shot(alice, "request-without-script")


def test_what_was_typed_stays_when_something_is_wrong(person):
    alice = person("alice", expect=(422,))
    alice.goto("/requests/new/")
    alice.locator("[name=name]").fill("Not A Name")
    alice.locator("[name=purpose]").fill("kept words")
    alice.get_by_role("button", name="Request namespace").last.click()
    expect(alice.locator("[name=name]")).to_have_attribute("aria-invalid", "true")
    expect(alice.locator("[name=name]")).to_have_value("Not A Name")
    expect(alice.locator("[name=purpose]")).to_have_value("kept words")
    expect(alice.locator("[role=alert]").first).to_be_focused()
