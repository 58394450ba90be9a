"""The trail only grows: nobody changes or deletes a line, whether in the admin, the shell, or by a bug."""

from django.db import migrations

WORDS = "the trail is kept as it is"
EVENTS = {"observer_trail_sealed": "UPDATE", "observer_trail_kept": "DELETE"}


def forwards(apps, schema_editor):
    sqlite = schema_editor.connection.vendor == "sqlite"
    if not sqlite:
        schema_editor.execute(
            "CREATE FUNCTION observer_trail_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    for name, event in EVENTS.items():
        schema_editor.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON observer_trail BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            if sqlite
            else f"CREATE TRIGGER {name} BEFORE {event} ON observer_trail FOR EACH ROW "
            "EXECUTE FUNCTION observer_trail_is_kept()"
        )


def backwards(apps, schema_editor):
    sqlite = schema_editor.connection.vendor == "sqlite"
    for name in EVENTS:
        schema_editor.execute(f"DROP TRIGGER {name}" + ("" if sqlite else " ON observer_trail"))
    if not sqlite:
        schema_editor.execute("DROP FUNCTION observer_trail_is_kept()")


class Migration(migrations.Migration):
    dependencies = [("observer", "0008_sign_in")]
    operations = [migrations.RunPython(forwards, backwards)]
