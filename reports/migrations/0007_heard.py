"""What is heard of a place is found by one index, in place of the one of the foreign key alone.

The table is not rebuilt: on SQLite that would take its triggers away.
"""

from django.db import migrations, models
from django.db.models import Q


def drop(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        constraints = schema_editor.connection.introspection.get_constraints(cursor, "reports_report")
    for name, one in constraints.items():
        plain = one["index"] and not one["foreign_key"] and not one["unique"]
        if plain and one["columns"] == ["commission_id"] and name != "report_rehearsed":
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def make(apps, schema_editor):
    schema_editor.execute("CREATE INDEX reports_report_commission_id ON reports_report (commission_id)")


class Migration(migrations.Migration):
    dependencies = [("reports", "0006_releases")]

    operations = [
        migrations.AddIndex("report", models.Index(fields=["commission", "version", "slot"], name="report_heard")),
        migrations.AddIndex(
            "report", models.Index(fields=["commission"], name="report_rehearsed", condition=Q(rehearsal=True))
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, make)],
            state_operations=[
                migrations.AlterField(
                    "report",
                    "commission",
                    models.ForeignKey(
                        on_delete=models.deletion.PROTECT,
                        related_name="reports",
                        to="observer.commission",
                        db_index=False,
                    ),
                )
            ],
        ),
    ]
