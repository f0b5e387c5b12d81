"""Every component in every state on one page, for tests and for looking at it.

`/gallery/` needs neither a database nor a person; `ROOT_URLCONF = "tests.look.gallery"` serves it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.loader import render_to_string
from django.urls import include, path
from django.utils import timezone

from portal import errors
from provisioning.spec import Subject

LONG = "payments-" + "x" * 54


class Planned(NamedTuple):
    name: str
    title: str
    depends: tuple[str, ...] = ()


MIDDLE = ("apply-rbac", "set-resource-quotas", "apply-network-policies", "enable-monitoring")
PLAN = (
    Planned("validate-request", "Validate the request"),
    Planned("create-namespace", "Create the namespace", ("validate-request",)),
    *(Planned(name, name, ("create-namespace",)) for name in MIDDLE),
    Planned("finalize-setup", "Finish", MIDDLE),
)


def row(name: str, phase: str, start: int | None = None, end: int | None = None, attempts: int = 1) -> SimpleNamespace:
    """A step that began `start` and ended `end` seconds after the run began, 21 seconds ago."""
    began = timezone.now() - dt.timedelta(seconds=21)
    moment = [None if at is None else began + dt.timedelta(seconds=at) for at in (start, end)]
    return SimpleNamespace(name=name, phase=phase, started_at=moment[0], finished_at=moment[1], attempts=attempts)


RUNNING = (
    ("validate-request", "Succeeded", 0, 4),
    ("create-namespace", "Succeeded", 5, 8),
    ("apply-rbac", "Succeeded", 9, 14),
    ("set-resource-quotas", "Running", 9, None),
    ("apply-network-policies", "Running", 9, None, 2),
    ("enable-monitoring", "Pending", None, None),
)
FAILED = (
    *RUNNING[:3],
    ("set-resource-quotas", "Skipped", None, None),
    ("apply-network-policies", "Failed", 9, 15, 3),
    ("enable-monitoring", "Succeeded", 9, 12),
    ("rollback", "Succeeded", 16, 20),
)


@dataclass(frozen=True)
class Message:
    level_tag: str
    text: str

    def __str__(self) -> str:
        return self.text


class AskForm(forms.Form):
    team = forms.ChoiceField(choices=[("payments", "Payments")], help_text="The teams you lead.")
    name = forms.CharField(max_length=63, help_text="Starts with “payments-”; it cannot be renamed later.")
    purpose = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    until = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), required=False)
    lease_days = forms.ChoiceField(choices=[("30", "30 days"), ("90", "90 days")], widget=forms.RadioSelect)
    also = forms.MultipleChoiceField(
        choices=[("a", "One"), ("b", "Two")], widget=forms.CheckboxSelectMultiple, required=False
    )
    agree = forms.BooleanField(label="I allow external-egress", required=False)
    cannot = forms.CharField(disabled=True, required=False, initial="alice@example.com")


def tiers() -> list[dict[str, Any]]:
    facts = [("CPU", "2"), ("Memory", "4 Gi"), ("Pods", "10"), ("Storage", "20 Gi")]
    auto = {"tone": "ok", "icon": "check-circle", "text": "Approved at once"}
    gate = {"tone": "warn", "icon": "lock", "text": "Needs a platform admin"}
    full = {"tone": "bad", "icon": "no-symbol", "text": "payments has 2 of 32 CPU left"}
    return [
        {"value": "small", "title": "small", "facts": facts, "says": auto},
        {"value": "medium", "title": "medium", "text": "For staging", "facts": facts, "says": gate},
        {"value": "large", "title": "large", "facts": facts, "says": full, "disabled": True},
    ]


OBJECT = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "compute-resources", "labels": {"platform.io/managed": "true"}},
    "spec": {"hard": {"requests.cpu": "2", "pods": 10, "items": ["a: b", "<script>alert(1)</script>"]}},
}
LINES = [
    (1, "Applying network-policies in payments-ledger-dev"),
    (2, "\x1b[32mnetworkpolicy.networking.k8s.io/default-deny-all\x1b[0m serverside-applied"),
    (3, "Warning: resource networkpolicies/allow-dns is missing an annotation"),
    (4, "Error from server (Forbidden): admission webhook denied the request"),
    (
        5,
        "\x1b[1;31mbold red\x1b[0m \x1b[44m on blue \x1b[0m \x1b[33myellow\x1b[0m \x1b[36mcyan\x1b[0m \x1b[2mdim\x1b[0m",
    ),
    (6, "<b>markup</b> and \u202eesrever\u202c " + "a-very-long-line-" * 12),
]


def context() -> dict[str, Any]:
    now = timezone.now()
    person = SimpleNamespace(is_authenticated=True, display_name="Alice Moreau", sees_everything=True)
    nav = [
        {"url": "/gallery/", "label": "Home", "icon": "home", "current": True},
        {"url": "/namespaces/", "label": "Namespaces", "icon": "cube"},
        {"url": "/history/", "label": "Requests", "icon": "list"},
        {"url": "/approvals/", "label": "Approvals", "icon": "inbox", "count": 6, "section": "Platform"},
        {"url": "/audit/", "label": "Audit log", "icon": "shield", "section": "Platform"},
    ]
    notice = SimpleNamespace(
        title="Argo unreachable", text="Requests wait and go on by themselves.", since=now, url="/status/"
    )
    phases = (
        "Pending",
        "ChangesRequested",
        "Approved",
        "Provisioning",
        "Succeeded",
        "Failed",
        "Denied",
        "Cancelled",
        "Expired",
    )
    subjects = [Subject("User", "alice@example.com"), Subject("Group", "payments-devs"), Subject("Group", LONG)]
    events = [
        {"text": "apply-network-policies started", "at": now, "tone": "info", "icon": "bolt"},
        {
            "text": "Dana Okafor approved",
            "at": now,
            "tone": "accent",
            "icon": "check",
            "who": "platform admin",
            "comment": "Fine.",
        },
    ]
    return {
        "user": person,
        "nav": nav,
        "trial": True,
        "role_title": "Team lead of payments",
        "platform_notice": notice,
        "now": now,
        "then": now - dt.timedelta(hours=2, minutes=10),
        "plan": PLAN,
        "phases": phases,
        "running": [row(*step) for step in RUNNING],
        "failed": [row(*step) for step in FAILED],
        "long": LONG,
        "subjects": subjects,
        "events": events,
        "object": OBJECT,
        "lines": LINES,
        "form": AskForm(),
        "bad_form": AskForm({"team": "payments", "name": "", "lease_days": ""}, prefix="bad"),
        "tiers": tiers(),
        "step": SimpleNamespace(name="apply-network-policies", phase="Running"),
        "features": [
            {
                "key": "monitoring",
                "title": "monitoring",
                "effect": "Metrics are scraped.",
                "risk": "Prometheus may reach your pods.",
            },
            {
                "key": "external-egress",
                "title": "external-egress",
                "effect": "Ports 80 and 443 to public addresses.",
                "risk": "Data can leave.",
                "gate": True,
            },
        ],
        "verdicts": [
            {"result": "auto", "reasons": ["small is inside the headroom of payments"]},
            {"result": "approve", "reasons": ["large tier", "external-egress is gated"]},
            {"result": "refuse", "reasons": ["payments has 8 of 8 namespaces"]},
        ],
        "messages": [Message("success", "Request sent."), Message("error", "Already decided by Erin.")],
        "life": [
            {"phase": "Provisioning", "kind": "create", "attempt": 1},
            {"phase": "ChangesRequested", "kind": "create", "attempt": 0},
            {"phase": "Failed", "kind": "change", "attempt": 1},
            {"phase": "Succeeded", "kind": "delete", "attempt": 1},
        ],
        "notes": {"requested": "Alice Moreau, 13:58", "decision": "Dana Okafor, 14:05", "run": "step 5 of 7"},
    }


@login_not_required
def gallery(request: HttpRequest) -> HttpResponse:
    source = (Path(__file__).parent / "gallery.html").read_text()
    return HttpResponse(engines["django"].from_string(source).render(context(), request))


@login_not_required
def more_lines(request: HttpRequest) -> HttpResponse:
    """One line after those that the page has, and an end after the eighth."""
    number = int(request.GET["after"]) + 1
    answer = {
        "lines": [(number, f"line {number}")],
        "live": number < 8,
        "foot": "Growing" if number < 8 else "Complete",
    }
    return HttpResponse(render_to_string("components/log_lines.html", answer))


@login_not_required
def preview(request: HttpRequest) -> HttpResponse:
    source = "{% load portal_ui %}{% verdict verdict %}{% include 'components/object.html' %}"
    verdict = {"result": "approve", "reasons": ["large tier"]}
    return HttpResponse(engines["django"].from_string(source).render({"verdict": verdict, "object": OBJECT}))


urlpatterns = [
    path("gallery/preview/", preview),
    path("gallery/", gallery, name="gallery"),
    path("gallery/log/", more_lines),
    path("", include("portal.urls")),
]
handler404 = errors.not_found
