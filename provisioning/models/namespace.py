"""What exists in the cluster because of the portal."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from provisioning.models.people import Team, User
from provisioning.models.request import Request
from provisioning.spec import NamespaceSpec


class NamespaceQuerySet(models.QuerySet["Namespace"]):
    def visible_to(self, user: User) -> Self:
        """All for platform admins and auditors, else those of one's teams."""
        if user.sees_everything:
            return self.all()
        return self.filter(team__in=Team.objects.filter(memberships__user=user))

    def existing(self) -> Self:
        return self.exclude(status=NamespaceStatus.DELETED)


class NamespaceStatus(models.TextChoices):
    READY = "ready", "Ready"
    UPDATING = "updating", "Changing"
    UPDATE_FAILED = "update-failed", "Change failed"
    DELETING = "deleting", "Being deleted"
    DELETE_FAILED = "delete-failed", "Deletion failed"
    DELETED = "deleted", "Deleted"


class Namespace(models.Model):
    name = models.CharField(max_length=63)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="namespaces")
    status = models.CharField(max_length=20, choices=NamespaceStatus.choices, default=NamespaceStatus.READY)
    tier = models.CharField(max_length=63)
    spec_json = models.JSONField(help_text="NamespaceSpec of the revision that is in force")
    revision = models.PositiveIntegerField(default=1)
    owner_request_id = models.UUIDField(unique=True, help_text="label platform.io/request-id, for ever")
    uid = models.CharField(max_length=64, blank=True, help_text="of the Kubernetes object")
    ready_at = models.DateTimeField()
    lease_ends_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    protected = models.BooleanField(default=False, help_text="refuses to be deleted")
    renewals = models.PositiveIntegerField(
        default=0, help_text="of the lease by a rule, since a person last decided on it"
    )
    checked_at = models.DateTimeField(null=True, blank=True, help_text="when it was last compared with the cluster")
    drift = models.PositiveIntegerField(null=True, blank=True, help_text="findings of that check; NULL = not known")
    version = models.PositiveIntegerField(default=1)

    objects = NamespaceQuerySet.as_manager()

    class Meta:
        ordering = ("name", "-id")
        constraints = (
            models.UniqueConstraint(fields=["name"], condition=~Q(status="deleted"), name="one_namespace_per_name"),
            models.CheckConstraint(condition=Q(status__in=sorted(NamespaceStatus.values)), name="namespace_status"),
        )
        indexes = (
            models.Index(fields=["team", "name"], name="namespace_team_name"),
            models.Index(fields=["status", "lease_ends_at"], name="namespace_lease"),
            models.Index(fields=["status", "checked_at"], name="namespace_checked"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("namespace", args=[self.name])

    @property
    def spec(self) -> NamespaceSpec:
        return NamespaceSpec.from_json(self.spec_json)

    @property
    def current_revision(self) -> NamespaceRevision:
        """What is in force. One query."""
        return self.revisions.get(number=self.revision)

    @property
    def lease_is_over(self) -> bool:
        return self.lease_ends_at <= timezone.now()


class NamespaceRevision(models.Model):
    """What was in force, since when, and who granted it. Rows are never changed."""

    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    request = models.OneToOneField(Request, on_delete=models.PROTECT, related_name="made_revision")
    spec_json = models.JSONField()
    rendered = models.JSONField()
    digest = models.CharField(max_length=64)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    granted_rule = models.CharField(max_length=63, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("namespace", "number")
        constraints = (models.UniqueConstraint(fields=["namespace", "number"], name="one_row_per_revision"),)

    def __str__(self) -> str:
        return f"revision {self.number} of {self.namespace}"


class LeaseNotice(models.Model):
    """A step of a lease's end that was taken: each once per end, as a renewal begins anew."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="lease_notices")
    lease_ends_at = models.DateTimeField(help_text="the end that it was about")
    step = models.CharField(max_length=30, help_text="lease.LeaseStep.key, e.g. remind-7")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.UniqueConstraint(fields=["namespace", "lease_ends_at", "step"], name="one_notice_per_lease_step"),
        )

    def __str__(self) -> str:
        return f"{self.step} of {self.namespace}"
