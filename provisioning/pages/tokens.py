"""My API tokens: what there is, a new one shown once, and an end to one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from provisioning import audit
from provisioning.models import ApiToken, Scope, User
from provisioning.pages.web import person, see_other

USUAL_DAYS = 90
MOST_DAYS = 365
# Nobody needs more at once; a script that makes one per run would fill the table.
MOST_TOKENS = 50
SHOWN = 100


def scopes_of(user: User) -> list[Scope]:
    """What a token of this person may be good for: only platform admins decide."""
    return [scope for scope in Scope if scope != Scope.DECIDE or user.is_platform_admin]


def issue(user: User, name: str, scopes: list[str], days: int, *, by: audit.Actor) -> tuple[ApiToken, str]:
    """A new token, its event, and its plain text, which exists nowhere else afterwards."""
    with transaction.atomic():
        token, text = ApiToken.issue(user, name, scopes, timezone.now() + timedelta(days=days))
        facts = {"key": token.key, "of": user.username, "scopes": token.scopes, "expires": token.expires_at.isoformat()}
        audit.record("token.issued", by=by, subject=name, after=facts)
    return token, text


def revoke(token: ApiToken, *, by: audit.Actor) -> bool:
    """From now on nobody gets in with it. False when that was so before."""
    with transaction.atomic():
        count = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
        if count:
            facts = {"key": token.key, "of": token.user.username}
            audit.record("token.revoked", by=by, subject=token.name, before=facts)
    return bool(count)


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        label="Name",
        help_text="What will use it, so that you know it again.",
        error_messages={"required": "Give it a name."},
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        widget=forms.CheckboxSelectMultiple,
        help_text="What it may do. Less is better.",
        error_messages={"required": "Choose what it may do."},
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=MOST_DAYS,
        label="Days",
        help_text=f"It ends by itself after so many: {MOST_DAYS} at most.",
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: User) -> None:
        super().__init__(data, initial={"scopes": [Scope.READ], "days": USUAL_DAYS})
        self.user = user
        scopes: Any = self.fields["scopes"]
        scopes.choices = [(scope.value, f"{scope.value}: {scope.label}") for scope in scopes_of(user)]
        self.fields["name"].widget.attrs |= {"class": "input", "autocomplete": "off"}
        self.fields["days"].widget.attrs |= {"class": "input"}

    def clean_name(self) -> str:
        """One usable token of a name: two could not be told apart, and a page sent twice makes no second one."""
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("Printable characters only, please.")
        if self.user.api_tokens.usable().filter(name=name).exists():
            raise forms.ValidationError("You have a token of this name. Revoke it, or choose another name.")
        return name

    def clean(self) -> dict[str, Any]:
        if self.user.api_tokens.usable().count() >= MOST_TOKENS:
            self.add_error(None, f"You have {MOST_TOKENS} tokens: revoke one that is no longer used.")
        return self.cleaned_data


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("text")
def tokens(request: HttpRequest) -> HttpResponse:
    """The plain text is in the answer to the POST that made it, and nowhere else: no address, no session, no log."""
    user = person(request)
    if request.method != "POST":
        return _page(request, TokenForm(user=user))
    form = TokenForm(request.POST, user=user)
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    token, text = issue(user, given["name"], given["scopes"], given["days"], by=user)
    return _page(request, TokenForm(user=user), made=token, text=text)


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user = person(request)
    token = get_object_or_404(ApiToken.objects.filter(user=user), pk=pk)
    if revoke(token, by=user):
        messages.success(request, f"Token “{token.name}” is revoked.")
    return see_other("tokens")


@sensitive_variables("context")
def _page(request: HttpRequest, form: TokenForm, *, status: int = 200, **context: Any) -> HttpResponse:
    rows = list(ApiToken.objects.filter(user=form.user)[:SHOWN])
    now = timezone.now()
    live = [row for row in rows if row.revoked_at is None and row.expires_at > now]
    over = [row for row in rows if row not in live]
    return render(
        request, "provisioning/tokens.html", {"form": form, "live": live, "over": over, **context}, status=status
    )


urlpatterns = [
    path("tokens/", tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", token_revoke, name="token_revoke"),
]
