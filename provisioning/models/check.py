"""Looks at the cluster: one namespace compared with what was granted, or the list of all that is managed there."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from provisioning.models.namespace import Namespace


class CheckState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    SUBMITTED = "submitted", "Running"
    FINISHED = "finished", "Done"
    FAILED = "failed", "Failed"


OPEN_CHECKS = frozenset({CheckState.QUEUED, CheckState.SUBMITTED})


class CheckQuerySet(models.QuerySet["Check"]):
    def done(self) -> Self:
        return self.filter(state=CheckState.FINISHED)

    def open(self) -> Self:
        return self.filter(state__in=OPEN_CHECKS)


class Check(models.Model):
    """One run of the template namespace-audit. Its workflow's name is made from its id, so it is submitted once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=63, blank=True, help_text="of the namespace; '' lists every managed one")
    namespace = models.ForeignKey(
        Namespace,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="checks",
        help_text="NULL: not known here",
    )
    revision = models.PositiveIntegerField(
        default=0, help_text="of the namespace, when asked: what it is compared with"
    )
    why = models.CharField(max_length=30, help_text="nightly, drift, delete, adopt or listing")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    workflow_name = models.CharField(max_length=63, unique=True)
    workflow_uid = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=CheckState.choices, default=CheckState.QUEUED)
    claimed_by = models.CharField(max_length=100, blank=True)
    next_try_at = models.DateTimeField(default=timezone.now, help_text="the worker leaves it alone until then")
    failures = models.PositiveIntegerField(default=0)
    trouble = models.TextField(blank=True, help_text="what keeps it from going on, in words")

    asked_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    exists = models.BooleanField(null=True, help_text="whether the cluster has it; NULL before the end")
    findings = models.JSONField(default=list, blank=True, help_text="[drift.Finding]")
    inventory = models.JSONField(null=True, blank=True, help_text="inventory.Inventory")
    live = models.JSONField(
        null=True, blank=True, help_text="what was read of a namespace that is not known here, for adopting it"
    )
    error = models.TextField(blank=True, help_text="why there is no result, in words")

    objects = CheckQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["name"], condition=Q(state__in=sorted(OPEN_CHECKS)), name="one_open_check_per_name"
            ),
            models.CheckConstraint(condition=Q(state__in=sorted(CheckState.values)), name="check_state"),
        )
        indexes = (
            models.Index(fields=["state", "next_try_at"], name="check_state_due"),
            models.Index(fields=["name", "-asked_at"], name="check_name_newest"),
        )

    def __str__(self) -> str:
        return f"check of {self.name or 'all'} ({self.state})"

    @property
    def is_listing(self) -> bool:
        return not self.name

    @property
    def is_over(self) -> bool:
        return self.state not in OPEN_CHECKS


class ClusterListing(models.Model):
    """What a listing found: every managed namespace, and where the cluster and the portal disagree."""

    check_run = models.OneToOneField(Check, on_delete=models.CASCADE, related_name="listing")
    at = models.DateTimeField(default=timezone.now)
    entries = models.JSONField(default=list, help_text="[{name, request_id, status}]")
    ghosts = models.JSONField(default=list, help_text="[{name, team, status}]: here, not in the cluster")
    orphans = models.JSONField(default=list, help_text="[{name, request_id, status}]: in the cluster, not known here")

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{len(self.entries)} namespaces at {self.at:%Y-%m-%d %H:%M}"

    @classmethod
    def latest(cls) -> ClusterListing | None:
        return cls.objects.select_related("check_run").first()
