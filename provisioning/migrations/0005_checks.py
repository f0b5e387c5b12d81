import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0004_lease_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="Check",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="of the namespace; '' lists every managed one", max_length=63
                    ),
                ),
                (
                    "revision",
                    models.PositiveIntegerField(
                        default=0, help_text="of the namespace, when asked: what it is compared with"
                    ),
                ),
                ("why", models.CharField(help_text="nightly, drift, delete, adopt or listing", max_length=30)),
                ("workflow_name", models.CharField(max_length=63, unique=True)),
                ("workflow_uid", models.CharField(blank=True, max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("submitted", "Running"),
                            ("finished", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("claimed_by", models.CharField(blank=True, max_length=100)),
                (
                    "next_try_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="the worker leaves it alone until then"
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0)),
                ("trouble", models.TextField(blank=True, help_text="what keeps it from going on, in words")),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("exists", models.BooleanField(help_text="whether the cluster has it; NULL before the end", null=True)),
                ("findings", models.JSONField(blank=True, default=list, help_text="[drift.Finding]")),
                ("inventory", models.JSONField(blank=True, help_text="inventory.Inventory", null=True)),
                (
                    "live",
                    models.JSONField(
                        blank=True,
                        help_text="what was read of a namespace that is not known here, for adopting it",
                        null=True,
                    ),
                ),
                ("error", models.TextField(blank=True, help_text="why there is no result, in words")),
            ],
            options={
                "ordering": ("-asked_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="ClusterListing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("entries", models.JSONField(default=list, help_text="[{name, request_id, status}]")),
                (
                    "ghosts",
                    models.JSONField(default=list, help_text="[{name, team, status}]: here, not in the cluster"),
                ),
                (
                    "orphans",
                    models.JSONField(
                        default=list, help_text="[{name, request_id, status}]: in the cluster, not known here"
                    ),
                ),
            ],
            options={
                "ordering": ("-at", "-id"),
            },
        ),
        migrations.AddField(
            model_name="namespace",
            name="checked_at",
            field=models.DateTimeField(blank=True, help_text="when it was last compared with the cluster", null=True),
        ),
        migrations.AddField(
            model_name="namespace",
            name="drift",
            field=models.PositiveIntegerField(
                blank=True, help_text="findings of that check; NULL = not known", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="namespace",
            index=models.Index(fields=["status", "checked_at"], name="namespace_checked"),
        ),
        migrations.AddField(
            model_name="check",
            name="asked_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="check",
            name="namespace",
            field=models.ForeignKey(
                blank=True,
                help_text="NULL: not known here",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="checks",
                to="provisioning.namespace",
            ),
        ),
        migrations.AddField(
            model_name="clusterlisting",
            name="check_run",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="listing", to="provisioning.check"
            ),
        ),
        migrations.AddIndex(
            model_name="check",
            index=models.Index(fields=["state", "next_try_at"], name="check_state_due"),
        ),
        migrations.AddIndex(
            model_name="check",
            index=models.Index(fields=["name", "-asked_at"], name="check_name_newest"),
        ),
        migrations.AddConstraint(
            model_name="check",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "submitted"])),
                fields=("name",),
                name="one_open_check_per_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="check",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["failed", "finished", "queued", "submitted"])), name="check_state"
            ),
        ),
    ]
