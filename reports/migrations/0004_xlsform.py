"""What an XLSForm says beyond our columns, and the files it shows. Sealed like everything published.

The column is nullable without a default, so that SQLite adds it in place: rebuilding the table
would drop the triggers of 0002, which guard it too.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

SEALED = import_module("reports.migrations.0002_sealed")
TABLE = "reports_checklistfile"


def triggers(vendor):
    """name, event, table, condition, message"""
    for event, rows in (("INSERT", ["NEW"]), ("UPDATE", ["OLD", "NEW"])):
        ids = ", ".join(f"{row}.version_id" for row in rows)
        public = f"EXISTS (SELECT 1 FROM {SEALED.VERSIONS} v WHERE v.id IN ({ids}) AND v.published_at IS NOT NULL)"
        yield f"{TABLE}_{event.lower()}", event, TABLE, public, SEALED.PUBLISHED


def forwards(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for name, event, table, condition, message in triggers(vendor):
        if vendor == "sqlite":
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        else:
            ids = "OLD.version_id, NEW.version_id" if event == "UPDATE" else "NEW.version_id"
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW "
                f"WHEN (reports_version_is_public({ids})) EXECUTE FUNCTION reports_published()"
            )
    if vendor == "postgresql":
        schema_editor.execute(
            f"CREATE TRIGGER {TABLE}_kept BEFORE DELETE ON {TABLE} FOR EACH ROW "
            "WHEN (reports_version_is_public(OLD.version_id)) EXECUTE FUNCTION reports_published()"
        )


def backwards(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    names = [name for name, *_ in triggers(vendor)] + ([f"{TABLE}_kept"] if vendor == "postgresql" else [])
    for name in names:
        schema_editor.execute(f"DROP TRIGGER {name}" + ("" if vendor == "sqlite" else f" ON {TABLE}"))


class Migration(migrations.Migration):
    dependencies = [("reports", "0003_unkept")]
    operations = [
        migrations.AddField(
            model_name="question",
            name="xlsform",
            field=models.JSONField(
                blank=True,
                editable=False,
                help_text="what an XLSForm says beyond the rest, for the phones that know it",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="ChecklistFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.BinaryField()),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="reports.checklistversion",
                    ),
                ),
            ],
            options={"ordering": ["version", "name"]},
        ),
        migrations.AddConstraint(
            model_name="checklistfile",
            constraint=models.UniqueConstraint(fields=("version", "name"), name="checklist_file_once"),
        ),
        migrations.RunPython(forwards, backwards),
    ]
