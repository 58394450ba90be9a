"""What was received, and what was published, cannot be changed by anyone: admin, shell, import or bug.

On SQLite a later migration that rebuilds one of these tables drops its triggers: it must create
them again (tests/reports/test_sealed.py fails when one is missing).
"""

from django.db import migrations

RECEIVED = "what was received never changes"
PUBLISHED = "a published checklist never changes"
VERSIONS = "reports_checklistversion"
ROTATING = "EXISTS (SELECT 1 FROM reports_keyrotation)"

# table: columns that never change
NEVER = {
    "reports_report": (
        "uuid commission_id version_id contest_id slot observer_id device_id submitter_id author_id channel source "
        "observed_at sent_at received_at answers comment lat lon accuracy outside supersedes content_sha256 "
        "canonical_version"
    ),
    "reports_refusal": "uuid observer_id device_id channel received_at code problem body_sha256 size",
    "reports_note": "uuid report_id text at received_at",
}
BODIES = ("reports_report", "reports_refusal")
STORED = "sha256 size offset stored_at state"


def changed(columns, vendor):
    differs = "IS NOT" if vendor == "sqlite" else "IS DISTINCT FROM"
    return " OR ".join(f'OLD."{c}" {differs} NEW."{c}"' for c in columns.split())


def triggers(vendor):
    """name, event, table, condition, message"""
    for table, columns in NEVER.items():
        listed = ", ".join(f'"{c}"' for c in columns.split())
        yield f"{table}_sealed", f"UPDATE OF {listed}", table, changed(columns, vendor), RECEIVED
    for table in BODIES:
        yield f"{table}_body", "UPDATE OF body", table, f"({changed('body', vendor)}) AND NOT {ROTATING}", RECEIVED
    given = f"""OLD."uuid" <> NEW."uuid"
        OR (OLD.sha256 <> '' AND OLD.sha256 <> NEW.sha256)
        OR (OLD.size IS NOT NULL AND ({changed("size", vendor)}))"""
    yield "reports_evidence_identity", 'UPDATE OF "uuid", sha256, size', "reports_evidence", given, RECEIVED
    listed = ", ".join(f'"{c}"' for c in STORED.split())
    stored = f"OLD.state = 'stored' AND ({changed(STORED, vendor)})"
    yield "reports_evidence_sealed", f"UPDATE OF {listed}", "reports_evidence", stored, RECEIVED
    fixed = f"OLD.published_at IS NOT NULL AND ({changed('checklist_id number published_at content_hash', vendor)})"
    yield "reports_checklistversion_sealed", "UPDATE", "reports_checklistversion", fixed, PUBLISHED
    for table in ("reports_question", "reports_section"):
        for event, rows in (("INSERT", ["NEW"]), ("UPDATE", ["OLD", "NEW"])):
            ids = ", ".join(f"{row}.version_id" for row in rows)
            public = f"EXISTS (SELECT 1 FROM {VERSIONS} v WHERE v.id IN ({ids}) AND v.published_at IS NOT NULL)"
            yield f"{table}_{event.lower()}", event, table, public, PUBLISHED


def forwards(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        for name, text in (("reports_received", RECEIVED), ("reports_published", PUBLISHED)):
            schema_editor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{text}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
            )
        schema_editor.execute(
            "CREATE FUNCTION reports_rotating() RETURNS boolean LANGUAGE sql STABLE AS "
            "$$ SELECT EXISTS (SELECT 1 FROM reports_keyrotation) $$"
        )
        schema_editor.execute(
            "CREATE FUNCTION reports_version_is_public(VARIADIC ids bigint[]) RETURNS boolean LANGUAGE sql STABLE AS "
            "$$ SELECT EXISTS (SELECT 1 FROM reports_checklistversion WHERE id = ANY(ids) "
            "AND published_at IS NOT NULL) $$"
        )
    for name, event, table, condition, message in triggers(vendor):
        if vendor == "sqlite":
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        else:
            # PostgreSQL allows no subquery in WHEN; a function may hold it.
            condition = condition.replace(ROTATING, "reports_rotating()")
            if f"FROM {VERSIONS}" in condition:
                ids = "OLD.version_id, NEW.version_id" if event == "UPDATE" else "NEW.version_id"
                condition = f"reports_version_is_public({ids})"
            function = "reports_received" if message == RECEIVED else "reports_published"
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition}) "
                f"EXECUTE FUNCTION {function}()"
            )
    if vendor == "postgresql":
        # SQLite's test databases are emptied by DELETE, so only PostgreSQL refuses deletion.
        schema_editor.execute(
            "CREATE TRIGGER reports_checklistversion_kept BEFORE DELETE ON reports_checklistversion "
            "FOR EACH ROW WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION reports_published()"
        )
        for table in ("reports_question", "reports_section"):
            schema_editor.execute(
                f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW "
                "WHEN (reports_version_is_public(OLD.version_id)) EXECUTE FUNCTION reports_published()"
            )
        for table in ("reports_report", "reports_refusal", "reports_note"):
            schema_editor.execute(
                f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION reports_received()"
            )


def backwards(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for name, _, table, _, _ in triggers(vendor):
        schema_editor.execute(f"DROP TRIGGER {name}" + ("" if vendor == "sqlite" else f" ON {table}"))
    if vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER reports_checklistversion_kept ON reports_checklistversion")
        for table in ("reports_question", "reports_section", "reports_report", "reports_refusal", "reports_note"):
            schema_editor.execute(f"DROP TRIGGER {table}_kept ON {table}")
        for function in ("reports_received", "reports_published", "reports_rotating", "reports_version_is_public"):
            schema_editor.execute(f"DROP FUNCTION {function}")


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
