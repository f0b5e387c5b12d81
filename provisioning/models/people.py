"""Who there is: people, teams and who is in which."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

LABEL_VALUE = r"\A[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z"


class User(AbstractUser):
    is_platform_admin = models.BooleanField(
        default=False, help_text="Decides on requests and sees everything; never on a request of their own."
    )
    is_auditor = models.BooleanField(default=False, help_text="Sees everything, changes nothing.")
    is_demo = models.BooleanField(
        default=False, editable=False, help_text="Has a password that everybody knows: for the trial alone."
    )
    shortcuts = models.BooleanField(default=True, help_text="Single keys work as shortcuts.")

    @property
    def kubernetes_name(self) -> str:
        """The name by which the cluster's API server knows this person (KUBERNETES_USERNAME says which)."""
        return self.email if settings.KUBERNETES_USERNAME == "email" and self.email else self.username

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username

    @property
    def sees_everything(self) -> bool:
        return self.is_platform_admin or self.is_auditor


class Team(models.Model):
    name = models.CharField(
        max_length=63,
        unique=True,
        validators=[RegexValidator(LABEL_VALUE, "A team's name becomes a label value in Kubernetes.")],
    )
    title = models.CharField(max_length=100)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")
    max_namespaces = models.PositiveIntegerField(default=10)
    max_cpu = models.PositiveIntegerField(default=32, help_text="CPU cores, over all of the team's namespaces")
    max_memory_gib = models.PositiveIntegerField(default=64, help_text="GiB of memory, over all namespaces")
    max_pods = models.PositiveIntegerField(default=200, validators=[MinValueValidator(1)])

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        LEAD = "lead", "Lead"
        MEMBER = "member", "Member"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["team", "user"], name="one_membership_per_team"),
            models.CheckConstraint(condition=models.Q(role__in=["lead", "member"]), name="membership_role"),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"
