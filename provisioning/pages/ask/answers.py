"""What the form answers before anything is sent: is the name free, who decides and why, the room, the objects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.forms import BoundField
from django.utils import timezone

from provisioning import headroom, lifecycle, policy
from provisioning.catalog import Catalog
from provisioning.catalog.quantities import readable
from provisioning.config import the_catalog
from provisioning.forms import RequestForm, option_field
from provisioning.forms.specifying import SpecForm
from provisioning.models import LIVE, Namespace, Phase, Request, User
from provisioning.pages.compare import tier_facts
from provisioning.pages.room import Room, rooms
from provisioning.spec import NamespaceSpec, name_errors


@dataclass(frozen=True, slots=True)
class NameAnswer:
    """Beside the name: `tone` and `icon` as the components take them; `url` leads to what has the name already."""

    tone: str
    icon: str
    text: str
    url: str = ""


def about_name(name: str, team: str, user: User) -> NameAnswer | None:
    """None as long as there is no name to speak of."""
    if not name:
        return None
    catalog = the_catalog()
    if errors := name_errors(name, team, catalog):
        return NameAnswer("bad", "warning", " ".join(errors))
    if taken := lifecycle.why_not_free(name):
        return NameAnswer("warn", "warning", taken, _holder(name, user))
    environment = catalog.environments.get(catalog.environment_of(name))
    place = f", environment {environment.title}" if environment else ""
    return NameAnswer("ok", "check-circle", f"{name} is free{place}")


def _holder(name: str, user: User) -> str:
    """Where what has the name is shown, '' when this person may not see it."""
    request = Request.objects.visible_to(user).filter(name=name, phase__in=LIVE).first()
    holder = request or Namespace.objects.existing().visible_to(user).filter(name=name).first()
    return holder.get_absolute_url() if holder else ""


@dataclass(frozen=True, slots=True)
class Preview:
    """`missing`: label and sentence of what keeps it from being sent; then there is no `draft`."""

    draft: lifecycle.Draft | None
    rooms: list[Room]
    missing: list[tuple[str, str]]
    easier: str
    ends: dt.date | None

    @property
    def objects(self) -> list[dict[str, Any]]:
        return self.draft.rendered.objects if self.draft else []


def preview(form: RequestForm) -> Preview:
    """Answers for what is in the form; nothing is written. Without a name there is not much to say yet."""
    if not form.is_bound and not form["name"].value():
        return Preview(None, _rooms(form, str(form["team"].value()), str(form["tier"].value())), [], "", None)
    form = form.as_sent()
    if not form.is_valid():
        return Preview(None, _rooms(form, form.spec.team, form.spec.tier), list(missing(form)), "", None)
    draft = form.draft()
    ends = timezone.now().date() + dt.timedelta(days=draft.spec.lease_days)
    tier = form.catalog.tiers[draft.spec.tier]
    return Preview(draft, rooms(draft.headroom, tier), [], easier(draft, form.catalog), ends)


def _rooms(form: RequestForm, team: str, tier: str) -> list[Room]:
    if team not in form.teams:
        return []
    return rooms(headroom.of_team(form.teams[team], without=form.request), form.catalog.tiers.get(tier))


def missing(form: SpecForm) -> Iterator[tuple[str, str]]:
    """Label and sentence of what keeps it from being sent."""
    for name, texts in form.errors.items():
        label = str(form.fields[name].label or form[name].label) if name in form.fields else ""
        yield from ((label, str(text)) for text in texts)


def easier(draft: lifecycle.Draft, catalog: Catalog) -> str:
    """What would be approved at once instead: with less tier, or without what has a gate. '' when nothing would."""
    if draft.verdict.result in {"auto", "refuse"}:
        return ""
    for words, spec in _lesser(draft.spec, catalog):
        if policy.decide(policy.facts(spec, "create", draft.headroom, catalog), catalog).is_auto:
            return f"As {words} it would be approved at once."
    return ""


def _lesser(spec: NamespaceSpec, catalog: Catalog) -> Iterator[tuple[str, NamespaceSpec]]:
    """The nearest first: the same tier, then each smaller one."""
    gated = [key for key in spec.features if catalog.features[key].gate]
    kept = tuple(key for key in spec.features if key not in gated)
    without = " and ".join(catalog.features[key].words for key in gated)
    keys = list(catalog.tiers)
    for key in reversed(keys[: keys.index(spec.tier) + 1]):
        words = catalog.tiers[key].title.lower()
        yield words, spec.replace(tier=key)
        if gated:
            yield f"{words} without {without}", spec.replace(tier=key, features=kept)


# ── the form's parts, ready to be drawn ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """As the component draws it. What it gives is told here; what it changes in the objects, in the preview."""

    key: str
    title: str
    text: str
    risk: str
    gate: bool
    checked: bool
    fields: list[BoundField]


def feature_rows(form: SpecForm) -> list[FeatureRow]:
    chosen = form["features"].value() or []
    return [
        FeatureRow(
            key=key,
            title=feature.title,
            text=feature.text,
            risk=feature.risk,
            gate=feature.gate,
            checked=key in chosen,
            fields=[form[option_field(item.key)] for item in feature.fields],
        )
        for key, feature in form.catalog.features.items()
    ]


def tier_choices(catalog: Catalog) -> list[dict[str, Any]]:
    return [
        {
            "value": key,
            "title": tier.title,
            "text": tier.text,
            "facts": [*tier_facts(dict(tier.hard)), ("Largest volume", readable(tier.pvc_max))],
        }
        for key, tier in catalog.tiers.items()
    ]


def lease_choices(form: SpecForm) -> list[tuple[int, bool]]:
    """Days and whether they are chosen; what somebody asked for that is none of the catalogue's choices, too."""
    value = str(form["lease_days"].value() or "")
    days = set(form.catalog.lease.choices)
    if value.isdecimal() and len(value) <= len(str(form.catalog.lease.max_days)):
        days |= {int(value)} & set(range(1, form.catalog.lease.max_days + 1))
    return [(number, str(number) == value) for number in sorted(days)]


def form_context(form: RequestForm, user: User) -> dict[str, Any]:
    """What the template of the form needs, for a new request and for an edited one."""
    name, team = str(form["name"].value() or ""), str(form["team"].value() or "")
    answer = None if form.request else about_name(name, team, user)
    return {
        "form": form,
        "preview": preview(form),
        "answer": None if "name" in form.errors else answer,
        "tiers": tier_choices(form.catalog),
        "tier": form["tier"].value(),
        "features": feature_rows(form),
        "leases": lease_choices(form),
        "me": form.requester,
    }


def said(row: Request) -> str:
    """Who acts next."""
    if row.phase == Phase.APPROVED:
        return f"{row.name} is approved by policy. It is made now, step by step."
    return f"{row.name} is requested. A platform admin decides next."
