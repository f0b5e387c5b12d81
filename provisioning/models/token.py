"""Bearer tokens of people for the JSON API. The secret is shown once; a digest is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from provisioning.models.people import User

PREFIX = "npt"


class Scope(models.TextChoices):
    READ = "read", "Read requests, namespaces, logs and the catalogue"
    REQUEST = "request", "Ask, edit, cancel and retry"
    DECIDE = "decide", "Decide on requests"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> Self:
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True)


class ApiToken(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=16, unique=True, help_text="public part, for look-up")
    digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"

    @classmethod
    def issue(cls, user: User, name: str, scopes: list[str], expires_at: datetime) -> tuple[ApiToken, str]:
        """A new token and its plain text, which exists nowhere else afterwards."""
        key, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        token = cls.objects.create(
            user=user,
            name=name,
            key=key,
            digest=_digest(secret),
            scopes=sorted(scopes),
            expires_at=expires_at,
        )
        return token, f"{PREFIX}_{key}_{secret}"

    @classmethod
    def find(cls, text: str) -> ApiToken | None:
        """The usable token with this plain text, or None; takes as long for a wrong secret as for a right one."""
        prefix, _, rest = text.partition("_")
        key, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret:
            return None
        token = cls.objects.usable().select_related("user").filter(key=key).first()
        if token is None or not hmac.compare_digest(token.digest, _digest(secret)):
            return None
        return token


def _digest(secret: str) -> str:
    # A plain hash is enough for 256 random bits; a slow one would only slow each call down.
    return hashlib.sha256(secret.encode()).hexdigest()
