from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client

from provisioning.models import User
from tests.look.gallery import AskForm

CODE_IN_MARKUP = re.compile(
    r'<script(?![^>]*(?:\bsrc=|application/json))|<style|\sstyle=|\son[a-z]+=|\shx-on|javascript:|hx-trigger="[^"]*\[',
    re.IGNORECASE,
)


@pytest.fixture
def portal(settings: object) -> Client:
    settings.ROOT_URLCONF = "tests.look.gallery"  # type: ignore[attr-defined]
    return Client()


class Ids(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"for", "aria-labelledby", "aria-describedby", "commandfor", "popovertarget"}:
                self.references |= set((value or "").split())


def test_no_template_holds_code_or_style() -> None:
    root = Path(settings.BASE_DIR) / "templates"
    found = {
        str(file.relative_to(root)): match[0]
        for file in root.rglob("*.html")
        if (match := CODE_IN_MARKUP.search(file.read_text()))
    }
    assert found == {}


def test_the_stylesheet_and_the_script_ask_nothing_of_others() -> None:
    for name in ("portal.css", "portal.js"):
        text = (Path(settings.BASE_DIR) / "static" / name).read_text()
        assert not re.search(r"https?://|url\(|@import|\beval\(|innerHTML|new Function", text), name


def test_every_component_draws_and_every_id_that_is_named_exists(portal: Client) -> None:
    html = portal.get("/gallery/").content.decode()
    ids = Ids(html)
    assert sorted(set(ids.references) - set(ids.ids)) == []
    graph_free = [one for one in ids.ids if ids.ids.count(one) > 1]
    assert graph_free == []
    assert not CODE_IN_MARKUP.search(html)


def test_the_frame_has_its_landmarks_and_its_switches(portal: Client) -> None:
    html = portal.get("/gallery/").content.decode()
    assert html.count("<main") == html.count("<h1") == html.count("</nav>") - 3 == 1
    assert '<a class="skip" href="#main">' in html
    assert "Trial cluster" in html
    assert "Argo unreachable since" in html
    assert re.search(r'hx-headers=\'{"x-csrftoken": "\w+"}\'', html)
    assert re.search(r'<a href="/approvals/">.*?6<span class="vh"> waiting</span>', html)


def test_a_page_needs_no_context_but_its_own(portal: Client) -> None:
    html = portal.get("/accounts/login/").content.decode()
    assert "Sign in · Namespace portal" in html
    assert "Trial" not in html


@pytest.mark.parametrize(
    ("chosen", "attribute"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("<b>", ""), ("", "")]
)
def test_the_theme_of_the_cookie_is_drawn(portal: Client, chosen: str, attribute: str) -> None:
    portal.cookies["theme"] = chosen
    assert f'<html lang="en"{attribute}>' in portal.get("/gallery/").content.decode()


def test_choosing_a_theme_is_remembered_and_leads_back(portal: Client) -> None:
    answer = portal.post("/theme/", {"theme": "dark"}, headers={"referer": "http://testserver/history/?q=a"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://testserver/history/?q=a")
    cookie = answer.cookies["theme"]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == ("dark", "Lax", True)


def test_choosing_a_theme_never_leads_elsewhere(portal: Client) -> None:
    answer = portal.post("/theme/", {"theme": "dark"}, headers={"referer": "https://evil.example/"})
    assert answer.headers["Location"] == "/"


def test_the_systems_theme_forgets_the_cookie(portal: Client) -> None:
    portal.cookies["theme"] = "dark"
    answer = portal.post("/theme/", {"theme": "system"}, headers={"hx-request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    assert answer.cookies["theme"]["max-age"] == 0


def test_a_theme_is_chosen_by_post_alone(portal: Client) -> None:
    assert portal.get("/theme/").status_code == 405


def test_what_is_not_there_is_a_page_of_ours(portal: Client) -> None:
    answer = portal.get("/no/such/page")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()


def test_a_field_ties_its_hint_and_its_errors_to_its_control() -> None:
    html = str(AskForm({"name": ""})["name"].as_field_group())
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert '<label for="id_name">Name</label>' in html
    assert re.search(r'<ul class="errorlist says tone-bad" id="id_name_error">.*This field is required', html)
    assert '<p class="hint" id="id_name_helptext">' in html


def test_what_may_stay_empty_says_so() -> None:
    assert '<span class="opt">(optional)</span>' in str(AskForm()["purpose"].as_field_group())


def test_a_group_of_choices_is_a_fieldset_with_its_error() -> None:
    html = str(AskForm({})["lease_days"].as_field_group())
    assert re.search(
        r'<fieldset class="field tone-bad" aria-describedby="id_lease_days_error">\s*<legend>Lease days</legend>', html
    )


def test_the_errors_of_a_field_are_escaped() -> None:
    form = AskForm({"name": "x", "team": "<script>alert(1)</script>", "lease_days": "30"})
    assert "<script>" not in str(form["team"].as_field_group())


ACCOUNT_PAGES = ["password/change/", "logout/", "email/", "reauthenticate/", "inactive/", "password/reset/done/"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ACCOUNT_PAGES)
def test_pages_of_accounts_wear_the_portals_look(portal: Client, alice: User, path: str) -> None:
    portal.force_login(alice)
    answer = portal.get(f"/accounts/{path}", follow=True)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.count("<main") == html.count("<h1") == 1
    assert "portal.css" in html
    assert not CODE_IN_MARKUP.search(html)
    assert sorted(set(Ids(html).references) - set(Ids(html).ids)) == []


@pytest.mark.django_db
def test_a_person_sees_who_they_are_and_can_leave(portal: Client, alice: User) -> None:
    portal.force_login(alice)
    html = portal.get("/accounts/password/change/").content.decode()
    assert "Alice" in html
    assert re.search(r'<form method="post" action="/accounts/logout/">', html)


@pytest.mark.parametrize("template", ["400.html", "500.html"])
def test_pages_for_what_broke_need_nothing_that_may_be_broken(template: str) -> None:
    html = render_to_string(template, {"message": "<b>why</b>"})
    assert html.count("<main") == html.count("<h1") == 1
    assert "&lt;b&gt;why" in html
    assert not CODE_IN_MARKUP.search(html)
