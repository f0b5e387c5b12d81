"""People at the pages' real forms, and many requests at once."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from provisioning import lifecycle
from provisioning.models import Phase, Request, Run, Team, User
from tests.conftest import make_spec
from tests.pages.page import Element, fields_of, parse

ROOM = {"max_namespaces": 5_000, "max_cpu": 100_000, "max_memory_gib": 500_000, "max_pods": 500_000}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Person:
    """Somebody in a browser without scripts: only what a page offers can be sent, CSRF token and all."""

    def __init__(self, username: str, password: str = "") -> None:
        self.client = Client(enforce_csrf_checks=True)
        sent = self.press("/accounts/login/", "Sign in", login=username, password=password or username)
        assert sent.status_code == 302, sent.content.decode()[:2000]

    def get(self, url: str, **given: Any) -> Any:
        return self.client.get(url, **given)

    def page(self, url: str) -> Element:
        response = self.get(url)
        assert response.status_code == 200, (url, response.status_code)
        return parse(response)

    def submit(self, response: Any, button: str, **changed: Any) -> Any:
        """Press the button with these words on the page that `response` holds, with the fields in `changed` filled in.
        Whatever else the form holds is sent as the page gives it. The page must offer all of it."""
        form, _ = form_with(parse(response), button)
        data = self.filled(response, button, **changed)
        return self.client.post(form.attrs.get("action") or response.request["PATH_INFO"], data)

    @staticmethod
    def filled(response: Any, button: str, **changed: Any) -> dict[str, Any]:
        """What pressing the button would send."""
        form, pressed = form_with(parse(response), button)
        offered = {item.attrs["name"] for item in form.walk() if item.attrs.get("name")}
        assert set(changed) <= offered, f"not on the page: {sorted(set(changed) - offered)}"
        data: dict[str, Any] = {**fields_of(form), **changed}
        if "name" in pressed.attrs:
            data[pressed.attrs["name"]] = pressed.attrs.get("value", "")
        return data

    @staticmethod
    def value(response: Any, name: str) -> str:
        """What a field on the page holds."""
        return parse(response).one("input", name=name).attrs.get("value", "")

    def press(self, url: str, button: str, **changed: Any) -> Any:
        """Open the page at `url`, and press one of its buttons."""
        response = self.get(url)
        assert response.status_code == 200, (url, response.status_code)
        return self.submit(response, button, **changed)

    def ask(self, **changed: Any) -> str:
        """Send the form of a new request; the id of what it became."""
        sent = self.press("/requests/new/", "Request namespace", **changed)
        assert sent.status_code == 303, parse(sent).words[:3000]
        return id_in(sent["Location"])

    def words(self, url: str) -> str:
        return self.page(url).words


def form_with(page: Element, button: str) -> tuple[Element, Element]:
    """The form, and the button in it, that bears exactly these words and can be pressed."""
    found = [
        (form, item)
        for form in page.all("form")
        for item in form.all("button")
        if item.words == button and "disabled" not in item.attrs and "hidden" not in item.attrs
    ]
    words = [item.words for item in page.all("button")]
    assert found, f"no button “{button}” in a form, but {words}"
    return found[0]


def id_in(url: str) -> str:
    match = UUID.search(url)
    assert match, url
    return match[0]


def make_room(team: Team) -> None:
    """So much that no test runs out of it."""
    Team.objects.filter(pk=team.pk).update(**ROOM)


def open_many(count: int, team: Team, by: User, *, start: int = 0, **changes: Any) -> list[Request]:
    """Requests of one team, each for another name; they need an approver."""
    make_room(team)
    return [
        lifecycle.open_request(make_spec(name=f"{team.name}-r{number}-prod", team=team.name, **changes), by=by)
        for number in range(start, start + count)
    ]


def approve_all(requests: list[Request], by: User) -> list[Run]:
    for request in requests:
        if request.phase == Phase.PENDING:
            lifecycle.approve(request, by=by, digest=request.digest)
    runs = [request.current_run for request in requests]
    return [run for run in runs if run is not None]


def run_of(pk: Any) -> Run:
    """The newest run of a request that must have one."""
    run = Request.objects.get(pk=pk).current_run
    assert run is not None
    return run
