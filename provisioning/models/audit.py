"""The append-only trail. Triggers in the database refuse UPDATE and DELETE; each row's hash covers the one before."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from provisioning.models.people import Team, User
from provisioning.models.request import Request


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: User) -> Self:
        """All for platform admins and auditors, else those about requests one may see, and one's own acts."""
        if user.sees_everything:
            return self.all()
        mine = Team.objects.filter(memberships__user=user)
        return self.filter(Q(request__team__in=mine) | Q(request__requester=user) | Q(actor=user))


class AuditEvent(models.Model):
    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=63, help_text="e.g. request.approved")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(
        max_length=150, help_text="as it was then; the rule's or the worker's name without an actor"
    )
    actor_role = models.CharField(max_length=30)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    subject = models.CharField(max_length=253, blank=True, help_text="the namespace, token, team … it is about")
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    note = models.TextField(blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["request", "id"], name="audit_request"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["subject", "-id"], name="audit_subject"),
            models.Index(fields=["at"], name="audit_at"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name}: {self.action}"


class AuditHead(models.Model):
    """The chain's last hash, in one row, so that writers queue up behind each other on it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    hash = models.CharField(max_length=64, default="0" * 64)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="one_audit_head"),)

    def __str__(self) -> str:
        return self.hash
