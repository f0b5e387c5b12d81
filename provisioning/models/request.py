"""What was asked, what was decided on it, and where it is in its life."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from provisioning.models.people import Team, User
from provisioning.spec import NamespaceSpec

if TYPE_CHECKING:
    from provisioning.models.run import Run


class Phase(models.TextChoices):
    PENDING = "Pending", "Pending"
    CHANGES_REQUESTED = "ChangesRequested", "Changes requested"
    APPROVED = "Approved", "Approved"
    PROVISIONING = "Provisioning", "Provisioning"
    SUCCEEDED = "Succeeded", "Succeeded"
    FAILED = "Failed", "Failed"
    DENIED = "Denied", "Denied"
    CANCELLED = "Cancelled", "Cancelled"
    EXPIRED = "Expired", "Expired"


# Nothing more will ever happen to it.
TERMINAL = frozenset({Phase.SUCCEEDED, Phase.DENIED, Phase.CANCELLED, Phase.EXPIRED})
# It holds its namespace's name: nobody else can ask for it. A failed one does, too: it may have left something
# in the cluster, and a retry goes on from there.
LIVE = frozenset(Phase) - TERMINAL
# The requester's or the approver's turn.
UNDECIDED = frozenset({Phase.PENDING, Phase.CHANGES_REQUESTED})
# The worker's turn: pages follow these closely.
MOVING = frozenset({Phase.APPROVED, Phase.PROVISIONING})
# Nothing changes by itself: pages stop polling.
SETTLED = TERMINAL | {Phase.FAILED}


class Kind(models.TextChoices):
    CREATE = "create", "New namespace"
    CHANGE = "change", "Change"
    DELETE = "delete", "Delete"
    ADOPT = "adopt", "Adopt"


class RequestQuerySet(models.QuerySet["Request"]):
    def visible_to(self, user: User) -> Self:
        """All for platform admins and auditors, else those of one's teams and one's own."""
        if user.sees_everything:
            return self.all()
        mine = Team.objects.filter(memberships__user=user)
        return self.filter(Q(team__in=mine) | Q(requester=user))

    def live(self) -> Self:
        return self.filter(phase__in=LIVE)


class Request(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CREATE)
    phase = models.CharField(max_length=20, choices=Phase.choices, default=Phase.PENDING)
    name = models.CharField(max_length=63)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="requests")
    tier = models.CharField(max_length=63, help_text="as granted; `asked` keeps what was asked")
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    namespace = models.ForeignKey(
        "provisioning.Namespace", on_delete=models.PROTECT, null=True, blank=True, related_name="requests"
    )

    asked = models.JSONField(help_text="NamespaceSpec as the requester sent it last")
    granted = models.JSONField(help_text="NamespaceSpec that will be made: asked, less what an approver took away")
    options = models.JSONField(
        default=dict, blank=True, help_text="of the kind: see provisioning.lifecycle.options, which reads and writes it"
    )
    revision = models.PositiveIntegerField(default=1, help_text="rises with each edit by the requester")
    rendered = models.JSONField(help_text="parameter name -> text, byte for byte as submitted")
    digest = models.CharField(max_length=64, help_text="sha256 over the rendered texts; decisions name it")
    verdict = models.JSONField(help_text="policy.Verdict at the time of asking")
    facts = models.JSONField(
        default=dict, blank=True, help_text="what the policy was told besides the specification: policy.facts_json"
    )
    catalog_version = models.CharField(max_length=64)

    attempt = models.PositiveIntegerField(default=0, help_text="number of the newest run, 0 before the first")
    message = models.TextField(blank=True, help_text="one sentence for people on where it stands, if not obvious")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, help_text="rises with everything a page may show")

    created_at = models.DateTimeField(default=timezone.now)
    waiting_since = models.DateTimeField(default=timezone.now, help_text="when it last became Pending")
    decided_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["name"], condition=Q(phase__in=sorted(LIVE)), name="one_live_request_per_name"
            ),
            models.CheckConstraint(condition=Q(phase__in=sorted(Phase.values)), name="request_phase"),
            models.CheckConstraint(condition=Q(kind__in=sorted(Kind.values)), name="request_kind"),
        )
        indexes = (
            models.Index(fields=["-created_at", "-id"], name="request_newest"),
            models.Index(fields=["team", "-created_at", "-id"], name="request_team_newest"),
            models.Index(fields=["requester", "-created_at", "-id"], name="request_requester_newest"),
            # The approvals queue and the worker's timers: oldest waiting first.
            models.Index(fields=["phase", "waiting_since"], name="request_phase_waiting"),
            models.Index(fields=["tier", "-created_at", "-id"], name="request_tier_newest"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name} ({self.phase})"

    def get_absolute_url(self) -> str:
        return reverse("request", args=[self.pk])

    @property
    def short_id(self) -> str:
        return str(self.pk)[:8]

    @property
    def asked_spec(self) -> NamespaceSpec:
        return NamespaceSpec.from_json(self.asked)

    @property
    def spec(self) -> NamespaceSpec:
        """What will be, or was, made."""
        return NamespaceSpec.from_json(self.granted)

    @property
    def was_narrowed(self) -> bool:
        return bool(self.asked != self.granted)

    @property
    def is_terminal(self) -> bool:
        return self.phase in TERMINAL

    @property
    def is_settled(self) -> bool:
        return self.phase in SETTLED

    @property
    def owner_request_id(self) -> str:
        """The id that the namespace bears as platform.io/request-id: of the request that made it, also when this is
        a change, a deletion or an adoption. Reads the namespace's row: `select_related("namespace")` in lists."""
        if self.namespace is not None:
            return str(self.namespace.owner_request_id)
        return str(self.options.get("owner_request_id") or self.pk)

    @property
    def is_repair(self) -> bool:
        """What is in force, applied once more."""
        return bool(self.options.get("repair"))

    @property
    def is_renewal(self) -> bool:
        """A change of the lease alone."""
        return "lease_from" in self.options

    @property
    def force(self) -> bool:
        """A deletion that takes along what is in the namespace."""
        return bool(self.options.get("force"))

    @property
    def current_run(self) -> Run | None:
        """The run of the newest attempt. One query; lists prefetch `runs` instead."""
        return self.runs.filter(attempt=self.attempt).first() if self.attempt else None

    def touch(self, **changes: Any) -> int:
        """Update these columns and make pages look again. Never the phase: that is lifecycle's."""
        if "phase" in changes:
            raise ValueError("only provisioning.lifecycle changes a phase")
        return Request.objects.filter(pk=self.pk).update(version=F("version") + 1, updated_at=timezone.now(), **changes)


class Decision(models.Model):
    """One answer to one revision of a request. Rows are never changed."""

    class Answer(models.TextChoices):
        APPROVE = "approve", "Approved"
        DENY = "deny", "Denied"
        REQUEST_CHANGES = "request_changes", "Changes requested"

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="decisions")
    revision = models.PositiveIntegerField()
    answer = models.CharField(max_length=20, choices=Answer.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions"
    )
    rule = models.CharField(max_length=63, blank=True, help_text="the policy rule, when it decided by itself")
    comment = models.TextField(blank=True)
    digest = models.CharField(max_length=64, help_text="of the objects that were decided on")
    granted = models.JSONField(help_text="NamespaceSpec")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.UniqueConstraint(fields=["request", "revision", "by"], name="one_answer_per_person_and_revision"),
            models.CheckConstraint(
                condition=(Q(by__isnull=True) & ~Q(rule="")) | (Q(by__isnull=False) & Q(rule="")),
                name="decided_by_a_person_or_a_rule",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_answer_display()} by {self.by or self.rule}"


class IdempotencyKey(models.Model):
    """`Idempotency-Key` of an API call: the same key gives the same answer, not a second request."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "key"], name="one_request_per_idempotency_key"),)

    def __str__(self) -> str:
        return self.key
