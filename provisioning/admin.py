"""People and teams for operators. Requests, runs and the trail are not here: pages and rules change those."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from provisioning.models import Membership, Team, User


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "title", "max_namespaces", "max_cpu", "max_memory_gib", "max_pods")
    search_fields = ("name", "title")
    inlines = (MembershipInline,)

    def get_readonly_fields(self, request: object, obj: Team | None = None) -> tuple[str, ...]:  # noqa: ARG002
        # The name is a label on namespaces that exist: it stays.
        return ("name",) if obj else ()


@admin.register(User)
class PortalUserAdmin(UserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "email", "is_platform_admin", "is_auditor", "is_active", "last_login")
    list_filter = ("is_platform_admin", "is_auditor", "is_active")
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        ("In the portal", {"fields": ("is_platform_admin", "is_auditor", "shortcuts")}),
    )
