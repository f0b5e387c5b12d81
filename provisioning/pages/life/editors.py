"""Which form edits a request, by its kind, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioning import lifecycle
from provisioning.forms import RequestForm
from provisioning.forms.adopting import AdoptForm
from provisioning.forms.changing import ChangeForm
from provisioning.forms.specifying import SpecForm
from provisioning.models import Check, Kind, Request, User
from provisioning.pages.ask import answers
from provisioning.pages.life import adopt, change


@dataclass(frozen=True, slots=True)
class Editor:
    """`template` draws the form from what `context` gives, `preview_template` the answers beside it from `preview`."""

    make: Callable[[Mapping[str, Any] | None], SpecForm]
    context: Callable[[Any], dict[str, Any]]
    preview: Callable[[Any], Any]
    template: str
    preview_template: str


def editor_of(row: Request, user: User) -> Editor:
    """Raises Conflict when there is nothing any more that could be edited."""
    if row.kind == Kind.CHANGE:
        return _change(row, user)
    if row.kind == Kind.ADOPT:
        return _adoption(row, user)
    return Editor(
        lambda data: RequestForm(data, user=user, request=row),
        lambda form: answers.form_context(form, user),
        answers.preview,
        "provisioning/request_new_form.html",
        "provisioning/request_new_preview.html",
    )


def _change(row: Request, user: User) -> Editor:
    namespace = row.namespace
    if namespace is None:
        raise lifecycle.Conflict("There is no namespace to change.", row)
    return Editor(
        lambda data: ChangeForm(data, user=user, namespace=namespace, request=row),
        change.form_context,
        change.preview,
        "provisioning/change_form.html",
        "provisioning/change_preview.html",
    )


def _adoption(row: Request, user: User) -> Editor:
    check = Check.objects.done().filter(name=row.name, live__isnull=False).first()
    if check is None:
        raise lifecycle.Conflict("Nobody knows what is in it any more: look at it again first.", row)
    return Editor(
        lambda data: AdoptForm(data, user=user, check=check, request=row),
        adopt.form_context,
        adopt.preview,
        "provisioning/adopt_form.html",
        "provisioning/adopt_preview.html",
    )
