"""Coordinators become national (of a whole election) or territorial, and every step back is one word again."""

from django.db import migrations, models
from django.db.models import Exists, OuterRef

ROLES = [
    ("administrator", "administrator"),
    ("national", "national coordinator"),
    ("territorial", "territorial coordinator"),
    ("verifier", "verifier"),
    ("lawyer", "lawyer"),
    ("analyst", "analyst"),
    ("publisher", "publisher"),
    ("reader", "read-only"),
]


def forwards(apps, schema_editor):
    coordinators = apps.get_model("observer", "Grant").objects.filter(role="coordinator")
    coordinators.filter(commission__parent=None).update(role="national")
    coordinators.update(role="territorial")


def backwards(apps, schema_editor):
    grants = apps.get_model("observer", "Grant").objects
    # Whoever was both at one place was given two words for what is one again.
    same = grants.filter(
        role="national", user=OuterRef("user"), commission=OuterRef("commission"), organisation=OuterRef("organisation")
    )
    anyone = grants.filter(role="national", user=OuterRef("user"), commission=OuterRef("commission"), organisation=None)
    twice = grants.filter(role="territorial")
    twice = twice.filter(Exists(same)) | twice.filter(Exists(anyone), organisation=None)
    grants.filter(pk__in=list(twice.values_list("pk", flat=True))).delete()
    grants.filter(role__in=("national", "territorial")).update(role="coordinator")


class Migration(migrations.Migration):
    dependencies = [("observer", "0006_call")]

    operations = [
        migrations.RunPython(forwards, backwards),
        migrations.AlterField("grant", "role", models.CharField(choices=ROLES, max_length=16)),
    ]
