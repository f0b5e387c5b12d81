"""What events can be filtered by, and the way through indexes that each filter takes."""

from __future__ import annotations

import datetime as dt
import functools
import re
import uuid
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.db.models import Q, QuerySet
from django_filters import CharFilter

from provisioning.models import AuditEvent, Request, User
from provisioning.pages.history.filters import id_range
from provisioning.pages.lists.filtering import ListFilters, date_filter, days, people_named, text_filter
from provisioning.pages.lists.keyset import LATEST
from provisioning.pages.lists.stream import EVERYTHING, MOST_BRANCHES, Stream, one_of, plain

# At the end of a text: everything that begins like it.
ANY = "*"
MOST_REQUESTS = 50
ID = RegexValidator(re.compile(r"\A[0-9a-fA-F-]{8,36}\Z"), "Give the first 8 digits of its id, or more.")
# Ids rise with time but for a clock that was set back; nobody sets it back by more.
SET_BACK = dt.timedelta(days=1)


class AuditFilters(ListFilters):
    actor = text_filter("Who", "by_actor", "account, worker or rule")
    action = text_filter("Act", "by_action", "request.approved", list="actions")
    subject = text_filter("About", "by_subject", "payments-dev, or payments-*")
    request = CharFilter(
        label="Request",
        method="by_request",
        max_length=36,
        validators=[ID],
        widget=forms.TextInput(attrs={"placeholder": "its id", "autocomplete": "off", "class": "mono"}),
    )
    since = date_filter("From", "by_since")
    until = date_filter("To", "by_until")

    class Meta:
        model = AuditEvent
        fields = ()
        form = forms.Form

    def by_actor(self, rows: QuerySet[AuditEvent], name: str, value: str) -> QuerySet[AuditEvent]:  # noqa: ARG002
        if self.account is not None:
            return rows.filter(one_of("actor_id", [self.account]))
        machines = Q(actor__isnull=True, actor_name__icontains=value)
        return rows.filter(Q(one_of("actor_id", self.people)) | machines)

    def by_action(self, rows: QuerySet[AuditEvent], name: str, value: str) -> QuerySet[AuditEvent]:
        return _like(rows, name, value)

    def by_subject(self, rows: QuerySet[AuditEvent], name: str, value: str) -> QuerySet[AuditEvent]:
        return _like(rows, name, value)

    def by_request(self, rows: QuerySet[AuditEvent], name: str, value: str) -> QuerySet[AuditEvent]:  # noqa: ARG002
        return rows.filter(request__in=self.requests)

    def by_since(self, rows: QuerySet[AuditEvent], name: str, value: Any) -> QuerySet[AuditEvent]:  # noqa: ARG002
        return rows.filter(days("at", value, None))

    def by_until(self, rows: QuerySet[AuditEvent], name: str, value: Any) -> QuerySet[AuditEvent]:  # noqa: ARG002
        return rows.filter(days("at", None, value))

    # What a filter looks up is looked up once, however many branches ask.

    @functools.cached_property
    def account(self) -> int | None:
        """The person whose account it is exactly."""
        text = self.value["actor"]
        found = User.objects.filter(username=text).values_list("pk", flat=True) if text else []
        return next(iter(found), None)

    @functools.cached_property
    def people(self) -> list[int]:
        return people_named(self.value["actor"])

    @functools.cached_property
    def requests(self) -> list[uuid.UUID]:
        """Those that one may see and whose id begins like this."""
        span = id_range(self.value["request"] or "")
        rows = Request.objects.visible_to(self.user).filter(pk__range=span) if span else Request.objects.none()
        return list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_REQUESTS])

    # ── the way through indexes ──

    user: User

    def stream(self, user: User) -> Stream[AuditEvent]:
        """Only after `is_valid()`. `queryset` holds the rows that one may see."""
        self.user = user
        branches, served = self._branches(user)
        return Stream(
            shown=self.queryset,
            # A branch of one subject or one request is short, so it is narrowed to what one may see at once.
            rows=AuditEvent.objects.visible_to(user) if served else AuditEvent.objects.all(),
            order=LATEST,
            branches=branches,
            sieve=self.filter_queryset,
            span=_ids_of_days(self.value["since"], self.value["until"]),
            costly=self.set_besides("since", "until", *served),
        )

    def _branches(self, user: User) -> tuple[tuple[Q, ...], tuple[str, ...]]:
        value = self.value
        if value["request"]:
            return (Q(request__in=self.requests),), ("request",)
        if value["subject"] and not value["subject"].endswith(ANY):
            return (Q(subject=value["subject"]),), ("subject",)
        if not user.sees_everything:
            return _branches_of(user), ()
        if self.account is not None:
            return (Q(actor=self.account),), ("actor",)
        if value["action"] and not value["action"].endswith(ANY):
            return (Q(action=value["action"]),), ("action",)
        return EVERYTHING, ()


def _branches_of(user: User) -> tuple[Q, ...]:
    """Events about the requests of one's teams, about one's own requests, and one's own acts."""
    mine = list(user.memberships.order_by("team").values_list("team", flat=True))
    teams = [Q(team__in=mine)] if len(mine) > MOST_BRANCHES else [Q(team=key) for key in mine]
    about = [Q(request__in=Request.objects.filter(team).order_by().values("pk")) for team in teams]
    own = Q(request__in=Request.objects.filter(requester=user).order_by().values("pk"))
    return (*about, own, Q(actor=user))


def _like(rows: QuerySet[AuditEvent], column: str, value: str) -> QuerySet[AuditEvent]:
    if value.endswith(ANY):
        return rows.filter(**{f"{column}__startswith": value.rstrip(ANY)})
    return rows.filter(plain(column, value))


def _ids_of_days(since: dt.date | None, until: dt.date | None) -> Q:
    """Between which ids the events of these days lie, by the index on `at`: two queries. Generous by SET_BACK, as the
    days themselves are looked at as well."""
    found = Q()
    if since and since > dt.date.min + 3 * SET_BACK:
        before = AuditEvent.objects.filter(days("at", None, since - 2 * SET_BACK)).order_by("-at")
        if (last := before.values_list("id", flat=True).first()) is not None:
            found &= Q(id__gt=last)
    if until and until < dt.date.max - 4 * SET_BACK:
        beyond = AuditEvent.objects.filter(days("at", until + 2 * SET_BACK, None)).order_by("at")
        if (first := beyond.values_list("id", flat=True).first()) is not None:
            found &= Q(id__lt=first)
    return found
