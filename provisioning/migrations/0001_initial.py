import django.contrib.auth.models
import django.contrib.auth.validators
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Namespace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=63)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("ready", "Ready"),
                            ("updating", "Changing"),
                            ("update-failed", "Change failed"),
                            ("deleting", "Being deleted"),
                            ("delete-failed", "Deletion failed"),
                            ("deleted", "Deleted"),
                        ],
                        default="ready",
                        max_length=20,
                    ),
                ),
                ("tier", models.CharField(max_length=63)),
                ("spec_json", models.JSONField(help_text="NamespaceSpec of the revision that is in force")),
                ("revision", models.PositiveIntegerField(default=1)),
                ("owner_request_id", models.UUIDField(help_text="label platform.io/request-id, for ever", unique=True)),
                ("uid", models.CharField(blank=True, help_text="of the Kubernetes object", max_length=64)),
                ("ready_at", models.DateTimeField()),
                ("lease_ends_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                ("protected", models.BooleanField(default=False, help_text="refuses to be deleted")),
                ("version", models.PositiveIntegerField(default=1)),
            ],
            options={
                "ordering": ("name", "-id"),
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                (
                    "is_platform_admin",
                    models.BooleanField(
                        default=False,
                        help_text="Decides on requests and sees everything; never on a request of their own.",
                    ),
                ),
                ("is_auditor", models.BooleanField(default=False, help_text="Sees everything, changes nothing.")),
                (
                    "is_demo",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="Has a password that everybody knows: for the trial alone.",
                    ),
                ),
                ("shortcuts", models.BooleanField(default=True, help_text="Single keys work as shortcuts.")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "abstract": False,
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("key", models.CharField(help_text="public part, for look-up", max_length=16, unique=True)),
                ("digest", models.CharField(max_length=64)),
                ("scopes", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="ArgoStatus",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("url", models.CharField(blank=True, max_length=500)),
                ("namespace", models.CharField(blank=True, max_length=63)),
                ("version", models.CharField(blank=True, max_length=100)),
                ("last_success_at", models.DateTimeField(blank=True, help_text="of any call", null=True)),
                ("failing_since", models.DateTimeField(blank=True, help_text="NULL while it answers", null=True)),
                ("cause", models.TextField(blank=True)),
                ("remedy", models.TextField(blank=True)),
                ("watch_since", models.DateTimeField(blank=True, help_text="NULL while no watch is open", null=True)),
                ("last_resync_at", models.DateTimeField(blank=True, null=True)),
                (
                    "checks",
                    models.JSONField(
                        blank=True, default=list, help_text="[{key, title, ok, text, remedy}] of the last self-check"
                    ),
                ),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "Argo status",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_argo_status")],
            },
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                (
                    "hash",
                    models.CharField(
                        default="0000000000000000000000000000000000000000000000000000000000000000", max_length=64
                    ),
                ),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_audit_head")],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(choices=[("lead", "Lead"), ("member", "Member")], default="member", max_length=10),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Request",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("create", "New namespace"), ("change", "Change"), ("delete", "Delete")],
                        default="create",
                        max_length=10,
                    ),
                ),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("Pending", "Pending"),
                            ("ChangesRequested", "Changes requested"),
                            ("Approved", "Approved"),
                            ("Provisioning", "Provisioning"),
                            ("Succeeded", "Succeeded"),
                            ("Failed", "Failed"),
                            ("Denied", "Denied"),
                            ("Cancelled", "Cancelled"),
                            ("Expired", "Expired"),
                        ],
                        default="Pending",
                        max_length=20,
                    ),
                ),
                ("name", models.CharField(max_length=63)),
                ("tier", models.CharField(help_text="as granted; `asked` keeps what was asked", max_length=63)),
                ("asked", models.JSONField(help_text="NamespaceSpec as the requester sent it last")),
                (
                    "granted",
                    models.JSONField(
                        help_text="NamespaceSpec that will be made: asked, less what an approver took away"
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict, help_text="of the kind: e.g. force for delete")),
                ("revision", models.PositiveIntegerField(default=1, help_text="rises with each edit by the requester")),
                ("rendered", models.JSONField(help_text="parameter name -> text, byte for byte as submitted")),
                (
                    "digest",
                    models.CharField(help_text="sha256 over the rendered texts; decisions name it", max_length=64),
                ),
                ("verdict", models.JSONField(help_text="policy.Verdict at the time of asking")),
                ("catalog_version", models.CharField(max_length=64)),
                (
                    "attempt",
                    models.PositiveIntegerField(default=0, help_text="number of the newest run, 0 before the first"),
                ),
                (
                    "message",
                    models.TextField(
                        blank=True, help_text="one sentence for people on where it stands, if not obvious"
                    ),
                ),
                ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                ("version", models.PositiveIntegerField(default=1, help_text="rises with everything a page may show")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "waiting_since",
                    models.DateTimeField(default=django.utils.timezone.now, help_text="when it last became Pending"),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "namespace",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="provisioning.namespace",
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempt", models.PositiveIntegerField()),
                ("workflow_name", models.CharField(max_length=63, unique=True)),
                ("digest", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "Queued"), ("submitted", "Submitted"), ("finished", "Finished")],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("claimed_by", models.CharField(blank=True, max_length=100)),
                (
                    "next_try_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="the worker leaves it alone until then"
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0, help_text="tries in a row that did not work")),
                (
                    "trouble",
                    models.TextField(
                        blank=True, help_text="what keeps the worker from going on, in words; '' when nothing"
                    ),
                ),
                (
                    "stop_asked_at",
                    models.DateTimeField(blank=True, help_text="when Argo last accepted a stop of it", null=True),
                ),
                ("workflow_uid", models.CharField(blank=True, max_length=64)),
                (
                    "workflow_phase",
                    models.CharField(blank=True, help_text="Argo's own, unchanged; '' before the first", max_length=20),
                ),
                ("workflow_message", models.TextField(blank=True)),
                ("resource_version", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "observed_at",
                    models.DateTimeField(blank=True, help_text="when the rows were last compared with Argo", null=True),
                ),
                (
                    "watched_until",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="somebody looks at its logs until then"
                    ),
                ),
                (
                    "logs_complete",
                    models.BooleanField(default=False, help_text="every log of every attempt is stored whole"),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="provisioning.request"
                    ),
                ),
            ],
            options={
                "ordering": ("request", "attempt"),
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "position",
                    models.PositiveIntegerField(help_text="order in the plan; those of the exit handler come last"),
                ),
                ("name", models.CharField(max_length=128)),
                (
                    "planned",
                    models.BooleanField(default=True, help_text="False: of the exit handler, drawn only when it ran"),
                ),
                (
                    "phase",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Waiting"),
                            ("Pending", "Starting"),
                            ("Running", "Running"),
                            ("Succeeded", "Done"),
                            ("Failed", "Failed"),
                            ("Error", "Error"),
                            ("Skipped", "Skipped"),
                            ("Omitted", "Not run"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("message", models.TextField(blank=True, help_text="of the node, unchanged")),
                ("sentence", models.TextField(blank=True, help_text="why it failed, for people")),
                ("remedy", models.TextField(blank=True)),
                (
                    "for_admins",
                    models.BooleanField(default=False, help_text="the remedy is a platform admin's to carry out"),
                ),
                ("exit_code", models.IntegerField(blank=True, null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("outputs", models.JSONField(blank=True, default=dict)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="provisioning.run"
                    ),
                ),
            ],
            options={
                "ordering": ("run", "position"),
            },
        ),
        migrations.CreateModel(
            name="StepLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempt", models.PositiveIntegerField(default=0, help_text="from 0, as in Argo's node names")),
                ("pod_name", models.CharField(blank=True, max_length=253)),
                (
                    "phase",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Waiting"),
                            ("Pending", "Starting"),
                            ("Running", "Running"),
                            ("Succeeded", "Done"),
                            ("Failed", "Failed"),
                            ("Error", "Error"),
                            ("Skipped", "Skipped"),
                            ("Omitted", "Not run"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                ("exit_code", models.IntegerField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("lines", models.PositiveIntegerField(default=0, help_text="the step's own lines, numbered from 1")),
                ("stored_bytes", models.PositiveBigIntegerField(default=0)),
                (
                    "omitted_lines",
                    models.PositiveBigIntegerField(default=0, help_text="left out in the middle, over the cap"),
                ),
                ("omitted_bytes", models.PositiveBigIntegerField(default=0)),
                (
                    "source_lines",
                    models.PositiveBigIntegerField(default=0, help_text="lines read from Argo so far, of both kinds"),
                ),
                (
                    "complete",
                    models.BooleanField(default=False, help_text="whole: the pod has ended and all of it is stored"),
                ),
                ("lost", models.BooleanField(default=False, help_text="the pod was gone before its log could be read")),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                (
                    "step",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="logs", to="provisioning.step"
                    ),
                ),
            ],
            options={
                "ordering": ("step", "attempt"),
            },
        ),
        migrations.CreateModel(
            name="LogChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "executor",
                    models.BooleanField(default=False, help_text="written by Argo's executor, not by the step"),
                ),
                (
                    "first_line",
                    models.PositiveBigIntegerField(help_text="number of its first line, from 1, within its kind"),
                ),
                ("line_count", models.PositiveIntegerField()),
                ("text", models.TextField()),
                (
                    "log",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="chunks", to="provisioning.steplog"
                    ),
                ),
            ],
            options={
                "ordering": ("log", "executor", "first_line"),
            },
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        max_length=63,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\\Z",
                                "A team's name becomes a label value in Kubernetes.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(max_length=100)),
                ("max_namespaces", models.PositiveIntegerField(default=10)),
                (
                    "max_cpu",
                    models.PositiveIntegerField(default=32, help_text="CPU cores, over all of the team's namespaces"),
                ),
                (
                    "max_memory_gib",
                    models.PositiveIntegerField(default=64, help_text="GiB of memory, over all namespaces"),
                ),
                (
                    "max_pods",
                    models.PositiveIntegerField(default=200, validators=[django.core.validators.MinValueValidator(1)]),
                ),
                (
                    "members",
                    models.ManyToManyField(
                        related_name="teams", through="provisioning.Membership", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.AddField(
            model_name="request",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="requests", to="provisioning.team"
            ),
        ),
        migrations.AddField(
            model_name="namespace",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="namespaces", to="provisioning.team"
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="provisioning.team"
            ),
        ),
        migrations.CreateModel(
            name="WorkerLease",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("holder", models.CharField(blank=True, help_text="host:pid:random", max_length=100)),
                ("acquired_at", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_worker_lease")],
            },
        ),
        migrations.CreateModel(
            name="NamespaceRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("spec_json", models.JSONField()),
                ("rendered", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("granted_rule", models.CharField(blank=True, max_length=63)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "granted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "namespace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="provisioning.namespace",
                    ),
                ),
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="made_revision",
                        to="provisioning.request",
                    ),
                ),
            ],
            options={
                "ordering": ("namespace", "number"),
                "constraints": [models.UniqueConstraint(fields=("namespace", "number"), name="one_row_per_revision")],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("body_digest", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="provisioning.request"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "key"), name="one_request_per_idempotency_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.PositiveIntegerField()),
                (
                    "answer",
                    models.CharField(
                        choices=[("approve", "Approved"), ("deny", "Denied"), ("request_changes", "Changes requested")],
                        max_length=20,
                    ),
                ),
                (
                    "rule",
                    models.CharField(blank=True, help_text="the policy rule, when it decided by itself", max_length=63),
                ),
                ("comment", models.TextField(blank=True)),
                ("digest", models.CharField(help_text="of the objects that were decided on", max_length=64)),
                ("granted", models.JSONField(help_text="NamespaceSpec")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="provisioning.request"
                    ),
                ),
            ],
            options={
                "ordering": ("at", "id"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("request", "revision", "by"), name="one_answer_per_person_and_revision"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("by__isnull", True), models.Q(("rule", ""), _negated=True)),
                            models.Q(("by__isnull", False), ("rule", "")),
                            _connector="OR",
                        ),
                        name="decided_by_a_person_or_a_rule",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("action", models.CharField(help_text="e.g. request.approved", max_length=63)),
                (
                    "actor_name",
                    models.CharField(
                        help_text="as it was then; the rule's or the worker's name without an actor", max_length=150
                    ),
                ),
                ("actor_role", models.CharField(max_length=30)),
                (
                    "subject",
                    models.CharField(blank=True, help_text="the namespace, token, team … it is about", max_length=253),
                ),
                ("before", models.JSONField(blank=True, default=dict)),
                ("after", models.JSONField(blank=True, default=dict)),
                ("note", models.TextField(blank=True)),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64, unique=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="provisioning.request",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["request", "id"], name="audit_request"),
                    models.Index(fields=["action", "-id"], name="audit_action"),
                    models.Index(fields=["actor", "-id"], name="audit_actor"),
                    models.Index(fields=["subject", "-id"], name="audit_subject"),
                    models.Index(fields=["at"], name="audit_at"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["state", "next_try_at"], name="run_state_due"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["logs_complete", "state"], name="run_logs_incomplete"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(fields=("request", "attempt"), name="one_run_per_attempt"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["finished", "queued", "submitted"])), name="run_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(fields=("run", "name"), name="one_row_per_step"),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("phase__in", ["", "Error", "Failed", "Omitted", "Pending", "Running", "Skipped", "Succeeded"])
                ),
                name="step_phase",
            ),
        ),
        migrations.AddConstraint(
            model_name="steplog",
            constraint=models.UniqueConstraint(fields=("step", "attempt"), name="one_log_per_attempt"),
        ),
        migrations.AddConstraint(
            model_name="logchunk",
            constraint=models.UniqueConstraint(
                fields=("log", "executor", "first_line"), name="one_chunk_per_first_line"
            ),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["-created_at", "-id"], name="request_newest"),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["team", "-created_at", "-id"], name="request_team_newest"),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["requester", "-created_at", "-id"], name="request_requester_newest"),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["phase", "waiting_since"], name="request_phase_waiting"),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["tier", "-created_at", "-id"], name="request_tier_newest"),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("phase__in", ["Approved", "ChangesRequested", "Failed", "Pending", "Provisioning"])
                ),
                fields=("name",),
                name="one_live_request_per_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "phase__in",
                        [
                            "Approved",
                            "Cancelled",
                            "ChangesRequested",
                            "Denied",
                            "Expired",
                            "Failed",
                            "Pending",
                            "Provisioning",
                            "Succeeded",
                        ],
                    )
                ),
                name="request_phase",
            ),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["change", "create", "delete"])), name="request_kind"
            ),
        ),
        migrations.AddIndex(
            model_name="namespace",
            index=models.Index(fields=["team", "name"], name="namespace_team_name"),
        ),
        migrations.AddIndex(
            model_name="namespace",
            index=models.Index(fields=["status", "lease_ends_at"], name="namespace_lease"),
        ),
        migrations.AddConstraint(
            model_name="namespace",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "deleted"), _negated=True),
                fields=("name",),
                name="one_namespace_per_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="namespace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["delete-failed", "deleted", "deleting", "ready", "update-failed", "updating"])
                ),
                name="namespace_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("team", "user"), name="one_membership_per_team"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["lead", "member"])), name="membership_role"
            ),
        ),
    ]
