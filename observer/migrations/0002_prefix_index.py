"""A territory is a prefix of paths. PostgreSQL uses an index for that only under pattern operators."""

from django.db import migrations


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX commission_path_prefix ON observer_commission (election_id, path varchar_pattern_ops)"
        )


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX commission_path_prefix")


class Migration(migrations.Migration):
    dependencies = [("observer", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
