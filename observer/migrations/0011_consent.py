import django.db.models.deletion
from django.db import migrations, models


def copied(apps, schema_editor):
    """What was accepted was kept with the person: it held in every election in which they take part."""
    Observer = apps.get_model("observer", "Observer")
    Consent = apps.get_model("observer", "Consent")
    Device = apps.get_model("observer", "Device")
    taken = Observer.elections.through.objects.values_list("observer_id", "election_id")
    phones = Device.objects.values_list("observer_id", "election_id")
    sent = apps.get_model("observer", "Assignment").observers.through.objects
    pairs = {*taken, *phones, *sent.values_list("observer_id", "assignment__election_id")}
    given = {
        key: (version, at)
        for key, version, at in Observer.objects.filter(conduct_version__isnull=False).values_list(
            "pk", "conduct_version", "conduct_at"
        )
    }
    Consent.objects.bulk_create(
        [
            Consent(observer_id=observer, election_id=election, version=given[observer][0], at=given[observer][1])
            for observer, election in sorted(pairs)
            if observer in given
        ],
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [("observer", "0010_alert")]

    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "asked_at",
                    models.DateTimeField(
                        blank=True, help_text="when they were invited from another election", null=True
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(blank=True, help_text="code of conduct accepted, version", null=True),
                ),
                ("at", models.DateTimeField(blank=True, help_text="when, as the phone said", null=True)),
                (
                    "election",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="consents", to="observer.election"
                    ),
                ),
                (
                    "observer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to="observer.observer",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("observer", "election"), name="consent_once")],
            },
        ),
        migrations.RunPython(copied, migrations.RunPython.noop),
    ]
