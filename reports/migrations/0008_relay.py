"""Files that people carry here: a row for each."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("observer", "0003_phone"),
        ("reports", "0007_heard"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RelayFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "sha256",
                    models.CharField(editable=False, help_text="of the sealed bytes", max_length=64, unique=True),
                ),
                ("size", models.PositiveBigIntegerField(help_text="bytes")),
                (
                    "kind",
                    models.CharField(
                        choices=[("reports", "reports"), ("files", "photos, video, sound")], max_length=10
                    ),
                ),
                ("observer_code", models.CharField(blank=True, help_text="as the file says", max_length=40)),
                ("part", models.PositiveIntegerField(default=1)),
                ("parts", models.PositiveIntegerField(default=1)),
                ("made_at", models.DateTimeField(help_text="as the phone said", null=True)),
                ("received_at", models.DateTimeField(help_text="first")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("taken", "taken"),
                            ("waiting", "waits for other files"),
                            ("quarantined", "quarantined"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, help_text="why it is quarantined", max_length=40)),
                (
                    "outcomes",
                    models.JSONField(blank=True, default=dict, help_text="how many of each, when it was last taken"),
                ),
                ("sealed", models.BooleanField(default=False, help_text="whether its bytes are kept")),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        help_text="whose token is in it",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="relay_files",
                        to="observer.device",
                    ),
                ),
                (
                    "election",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="observer.election",
                    ),
                ),
                (
                    "submitter",
                    models.ForeignKey(
                        db_index=False,
                        help_text="that brought it first",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="observer.device",
                    ),
                ),
            ],
            options={
                "ordering": ["-received_at", "-pk"],
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["device"], name="relay_waiting")
                ],
            },
        ),
    ]
