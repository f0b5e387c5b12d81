from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0002_audit_append_only"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="request",
            name="request_kind",
        ),
        migrations.AddField(
            model_name="request",
            name="facts",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="what the policy was told besides the specification: policy.facts_json",
            ),
        ),
        migrations.AlterField(
            model_name="request",
            name="kind",
            field=models.CharField(
                choices=[("create", "New namespace"), ("change", "Change"), ("delete", "Delete"), ("adopt", "Adopt")],
                default="create",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="request",
            name="options",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="of the kind: see provisioning.lifecycle.options, which reads and writes it",
            ),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["adopt", "change", "create", "delete"])), name="request_kind"
            ),
        ),
    ]
