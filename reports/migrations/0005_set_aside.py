import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Max


def set_aside_the_quarantined(apps, schema_editor):
    """Whose reports were quarantined before observers were: of these too, what comes is."""
    Report, SetAside = apps.get_model("reports", "Report"), apps.get_model("reports", "SetAside")
    rows = Report.objects.filter(quarantined=True).order_by().values_list("observer", "commission__election")
    SetAside.objects.bulk_create(
        SetAside(observer_id=observer, election_id=election, at=at)
        for observer, election, at in rows.annotate(Max("changed_at"))
    )


class Migration(migrations.Migration):
    dependencies = [
        ("observer", "0003_phone"),
        ("reports", "0004_xlsform"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SetAside",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "election",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="observer.election"
                    ),
                ),
                (
                    "observer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="observer.observer",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-at"],
                "constraints": [models.UniqueConstraint(fields=("observer", "election"), name="set_aside_once")],
            },
        ),
        migrations.RunPython(set_aside_the_quarantined, migrations.RunPython.noop),
    ]
