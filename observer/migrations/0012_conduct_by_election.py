from django.db import migrations


def kept(apps, schema_editor):
    """Going back, the newest of a person's consents is theirs everywhere."""
    Observer = apps.get_model("observer", "Observer")
    for one in apps.get_model("observer", "Consent").objects.filter(version__isnull=False).order_by("at"):
        Observer.objects.filter(pk=one.observer_id).update(conduct_version=one.version, conduct_at=one.at)


class Migration(migrations.Migration):
    dependencies = [("observer", "0011_consent")]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, kept),
        migrations.RemoveField("observer", "conduct_version"),
        migrations.RemoveField("observer", "conduct_at"),
    ]
