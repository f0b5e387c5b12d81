import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("provisioning", "0003_adoption_and_policy_facts"),
    ]

    operations = [
        migrations.CreateModel(
            name="LeaseNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lease_ends_at", models.DateTimeField(help_text="the end that it was about")),
                ("step", models.CharField(help_text="lease.LeaseStep.key, e.g. remind-7", max_length=30)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ("at", "id"),
            },
        ),
        migrations.AddField(
            model_name="namespace",
            name="renewals",
            field=models.PositiveIntegerField(
                default=0, help_text="of the lease by a rule, since a person last decided on it"
            ),
        ),
        migrations.AddField(
            model_name="leasenotice",
            name="namespace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="lease_notices", to="provisioning.namespace"
            ),
        ),
        migrations.AddConstraint(
            model_name="leasenotice",
            constraint=models.UniqueConstraint(
                fields=("namespace", "lease_ends_at", "step"), name="one_notice_per_lease_step"
            ),
        ),
    ]
