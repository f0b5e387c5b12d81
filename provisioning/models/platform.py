"""How Argo and the worker are, as the worker last wrote it: one row each. Pages read these, never Argo."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class ArgoStatus(models.Model):
    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    url = models.CharField(max_length=500, blank=True)
    namespace = models.CharField(max_length=63, blank=True)
    version = models.CharField(max_length=100, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True, help_text="of any call")
    failing_since = models.DateTimeField(null=True, blank=True, help_text="NULL while it answers")
    cause = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    watch_since = models.DateTimeField(null=True, blank=True, help_text="NULL while no watch is open")
    last_resync_at = models.DateTimeField(null=True, blank=True)
    checks = models.JSONField(
        default=list, blank=True, help_text="[{key, title, ok, text, remedy}] of the last self-check"
    )
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "Argo status"
        constraints = (models.CheckConstraint(condition=Q(id=1), name="one_argo_status"),)

    def __str__(self) -> str:
        return "reachable" if self.failing_since is None else f"failing since {self.failing_since}"

    @classmethod
    def current(cls) -> ArgoStatus:
        return cls.objects.filter(pk=1).first() or cls()


class WorkerLease(models.Model):
    """Elects the worker that works. Correctness never depends on it: every write compares and sets."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    holder = models.CharField(max_length=100, blank=True, help_text="host:pid:random")
    acquired_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="one_worker_lease"),)

    def __str__(self) -> str:
        return self.holder or "nobody"

    @classmethod
    def current(cls) -> WorkerLease:
        return cls.objects.filter(pk=1).first() or cls()

    @property
    def is_alive(self) -> bool:
        return bool(self.holder) and self.expires_at > timezone.now()
