import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("observer", "0010_alert"),
        ("reports", "0011_checks_of_before"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "uuid",
                    models.UUIDField(
                        default=uuid.uuid4, help_text="the form's own name: two presses are one export", unique=True
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reports", "reports"),
                            ("violations", "violations"),
                            ("evidence", "files"),
                            ("coverage", "coverage"),
                        ],
                        max_length=12,
                    ),
                ),
                ("format", models.CharField(choices=[("csv", "CSV"), ("xlsx", "XLSX")], max_length=4)),
                (
                    "labels",
                    models.CharField(
                        choices=[("codes", "codes"), ("labels", "words"), ("both", "both")],
                        default="codes",
                        max_length=8,
                    ),
                ),
                ("language", models.CharField(max_length=12)),
                ("words", models.BooleanField(default=False, help_text="with free words and places of phones")),
                ("filters", models.JSONField(blank=True, default=dict)),
                ("asked_at", models.DateTimeField()),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="one that a killed worker began is begun again"
                    ),
                ),
                ("total", models.PositiveIntegerField(blank=True, help_text="rows", null=True)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("rights", "no longer allowed"),
                            ("disk", "no room on the disk"),
                            ("list", "the list is no longer there"),
                            ("broken", "could not be written"),
                        ],
                        max_length=8,
                    ),
                ),
                ("scopes", models.JSONField(blank=True, default=list, editable=False)),
                (
                    "name",
                    models.CharField(
                        blank=True, editable=False, help_text="of its file, while there is one", max_length=80
                    ),
                ),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "election",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exports",
                        to="observer.election",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exports", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at__isnull", True), ("problem", "")),
                        fields=["asked_at"],
                        name="export_waits",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("name", ""), _negated=True), fields=("name",), name="export_file_once"
                    )
                ],
            },
        ),
    ]
