"""Rows that were received or published cannot be changed, by ORM or SQL, on both databases."""

from datetime import timedelta
from importlib import import_module
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, connections, models, transaction

from observer.models import Contest
from reports.models import (
    Checklist,
    ChecklistFile,
    ChecklistVersion,
    Evidence,
    KeyRotation,
    Note,
    Question,
    Refusal,
    Report,
    Section,
)
from tests.support.intake import build_photo, send_report, store_report
from tests.support.world import DAY, World, make_version, payload

SEALED = import_module("reports.migrations.0002_sealed")
XLSFORM = import_module("reports.migrations.0004_xlsform")
RECEIVED, PUBLISHED = SEALED.RECEIVED, SEALED.PUBLISHED
COLUMNS = [(table, column) for table, columns in SEALED.NEVER.items() for column in columns.split()]


def other_value(field: models.Field) -> Any:
    """A value of the field's kind that nothing in these tests has."""
    kind = field.get_internal_type()
    if kind == "ForeignKey":
        return 987_654
    return {
        "UUIDField": uuid4(),
        "CharField": "changed",
        "TextField": "changed",
        "FloatField": 1.5,
        "DateTimeField": DAY + timedelta(days=77),
        "JSONField": {"changed": 1},
        "BooleanField": True,
        "PositiveSmallIntegerField": 77,
        "PositiveIntegerField": 77,
        "PositiveBigIntegerField": 77,
        "BinaryField": b"changed",
        "BigAutoField": 987_654,
    }[kind]


def update_by_sql(row: models.Model, column: str, value: Any) -> None:
    meta = row._meta
    field = next(field for field in meta.concrete_fields if field.column == column)
    quote = connection.ops.quote_name
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(meta.db_table)} SET {quote(column)} = %s WHERE {quote(meta.pk.column)} = %s",
            [field.get_db_prep_save(value, connection), row.pk],
        )


def update_by_orm(row: models.Model, column: str, value: Any) -> None:
    field = next(field for field in row._meta.concrete_fields if field.column == column)
    with transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(**{field.attname: value})


WAYS = pytest.mark.parametrize("update", [update_by_sql, update_by_orm])


@pytest.fixture
def rows(world: World) -> dict[str, models.Model]:
    """One row of each table that holds what was received, with every field filled."""
    Contest.objects.create(election=world.election, code="PRES")
    body = payload(
        contest="PRES",
        slot="10:05",
        comment="c",
        location={"lat": 43.25, "lon": 76.95, "accuracy": 5},
        supersedes=str(uuid4()),
        sent_at=DAY.isoformat(),
    )
    report = store_report(world.first, body, submitter=world.second.device)
    send_report(world.first, payload(commission="XX"))
    note = Note.objects.create(uuid=uuid4(), report=report, text="a word", at=DAY, received_at=DAY)
    return {"reports_report": report, "reports_refusal": Refusal.objects.get(), "reports_note": note}


class TestWhatWasReceived:
    @WAYS
    @pytest.mark.parametrize(("table", "column"), COLUMNS + [(table, "body") for table in SEALED.BODIES])
    def test_never_changes(self, rows, table, column, update):
        row = rows[table]
        field = next(field for field in row._meta.concrete_fields if field.column == column)
        with pytest.raises(IntegrityError, match=RECEIVED):
            update(row, column, other_value(field))
        before = getattr(row, field.attname)
        row.refresh_from_db()
        assert getattr(row, field.attname) == before

    @pytest.mark.parametrize(
        ("table", "column"),
        [
            ("reports_report", name)
            for name in ("contest_id", "device_id", "submitter_id", "sent_at", "lat", "supersedes")
        ]
        + [("reports_refusal", "uuid"), ("reports_refusal", "device_id")],
    )
    def test_is_not_emptied_either(self, rows, table, column):
        with pytest.raises(IntegrityError, match=RECEIVED):
            update_by_sql(rows[table], column, None)

    def test_covers_every_column_of_a_report_but_those_the_desk_decides(self):
        desk = {
            "sequence",
            "flags",
            "rehearsal",
            "state",
            "state_reason",
            "quarantined",
            "superseded",
            "read_at",
            "decided_by_id",
            "decided_at",
            "changed_at",
        }
        columns = {field.column for field in Report._meta.concrete_fields}
        assert columns - desk == set(SEALED.NEVER["reports_report"].split()) | {"body"}
        columns = {field.column for field in Refusal._meta.concrete_fields}
        assert columns - {"id"} == set(SEALED.NEVER["reports_refusal"].split()) | {"body"}

    def test_saved_again_as_it_is_may_be_saved(self, rows):
        for row in rows.values():
            row.save()

    def test_may_be_judged_by_the_desk(self, rows, django_user_model):
        user = django_user_model.objects.create(username="desk")
        report = rows["reports_report"]
        report.state, report.state_reason, report.decided_by, report.decided_at = "rejected", "seen", user, DAY
        report.rehearsal = report.quarantined = report.superseded = True
        report.read_at = report.changed_at = DAY
        report.flags = ["held"]
        report.save()
        report.refresh_from_db()
        assert (report.state, report.flags, report.quarantined) == ("rejected", ["held"], True)

    def test_body_opens_for_a_rotation_of_keys_inside_its_transaction_only(self, rows):
        for table in SEALED.BODIES:
            row = rows[table]
            with transaction.atomic():
                guard = KeyRotation.objects.create(started_at=DAY)
                update_by_sql(row, "body", b"the same under another key")
                guard.delete()
            row.refresh_from_db()
            assert bytes(row.body) == b"the same under another key"
            with pytest.raises(IntegrityError, match=RECEIVED):
                update_by_sql(row, "body", b"another")

    def test_opens_nothing_but_bodies_for_a_rotation_of_keys(self, rows):
        with transaction.atomic():
            KeyRotation.objects.create(started_at=DAY)
            with pytest.raises(IntegrityError, match=RECEIVED):
                update_by_sql(rows["reports_report"], "content_sha256", "0" * 64)
            transaction.set_rollback(True)


class TestEvidence:
    @pytest.fixture
    def evidence(self, world: World) -> Evidence:
        store_report(world.first, payload(evidence=[build_photo()]))
        return Evidence.objects.get()

    @WAYS
    @pytest.mark.parametrize("column", ["uuid", "sha256", "size"])
    def test_identity_never_changes(self, evidence, column, update):
        with pytest.raises(IntegrityError, match=RECEIVED):
            update(evidence, column, other_value(Evidence._meta.get_field(column)))

    def test_that_was_announced_vaguely_may_be_told_once(self, world: World):
        store_report(world.first, payload(evidence=[{"id": str(uuid4())}]))
        evidence = Evidence.objects.get()
        Evidence.objects.update(sha256="ab" * 32, size=77)
        for column in ("sha256", "size"):
            with pytest.raises(IntegrityError, match=RECEIVED):
                update_by_orm(evidence, column, None if column == "size" else "")

    def test_on_its_way_may_go_on_and_begin_again(self, evidence):
        Evidence.objects.update(state="partial", offset=500, part="p")
        Evidence.objects.update(state="awaited", offset=0, part="")

    @WAYS
    @pytest.mark.parametrize(
        ("column", "value"),
        [("sha256", "cd" * 32), ("size", 999), ("offset", 1), ("stored_at", None), ("state", "partial")],
    )
    def test_once_stored_stays_stored(self, evidence, column, value, update):
        Evidence.objects.update(state="stored", offset=1000, stored_at=DAY)
        with pytest.raises(IntegrityError, match=RECEIVED):
            update(evidence, column, value)

    def test_once_stored_may_be_looked_at_and_approved(self, evidence):
        Evidence.objects.update(state="stored", offset=1000, stored_at=DAY)
        Evidence.objects.update(processed_at=DAY, flags=["unreadable"], metadata={"a": 1}, copy="x", approved_at=DAY)
        Evidence.objects.update(approved_at=None, copy="")


class TestAPublishedChecklist:
    @pytest.fixture
    def version(self, world: World) -> ChecklistVersion:
        """Version 2 of the voting checklist, with a section and a question, published."""
        draft = ChecklistVersion.objects.create(checklist=Checklist.objects.get(code="voting"), number=2)
        section = Section.objects.create(version=draft, code="S1")
        Question.objects.create(version=draft, section=section, code="V03", type="yes_no")
        ChecklistFile.objects.create(version=draft, name="a.png", sha256="ab" * 32, content=b"a")
        draft.published_at, draft.content_hash = DAY, "a" * 64
        draft.save()
        return draft

    @WAYS
    @pytest.mark.parametrize("column", ["checklist_id", "number", "published_at", "content_hash"])
    def test_version_never_changes(self, version, column, update):
        field = next(field for field in version._meta.concrete_fields if field.column == column)
        with pytest.raises(IntegrityError, match=PUBLISHED):
            update(version, column, other_value(field))

    def test_version_is_not_withdrawn(self, version):
        with pytest.raises(IntegrityError, match=PUBLISHED):
            update_by_orm(version, "published_at", None)

    @WAYS
    @pytest.mark.parametrize("name", ["Question", "Section", "ChecklistFile"])
    def test_parts_never_change(self, version, name, update):
        model = apps.get_model("reports", name)
        row = model.objects.get(version=version)
        for field in model._meta.concrete_fields:
            if not field.primary_key and not isinstance(field, models.ForeignKey | models.DecimalField):
                with pytest.raises(IntegrityError, match=PUBLISHED):
                    update(row, field.column, other_value(field))

    def test_takes_no_more_parts(self, version):
        for model, fields in (
            (Question, {"code": "V77", "type": "text"}),
            (Section, {"code": "S2"}),
            (ChecklistFile, {"name": "b"}),
        ):
            with pytest.raises(IntegrityError, match=PUBLISHED), transaction.atomic():
                model.objects.create(version=version, **fields)
            with pytest.raises(IntegrityError, match=PUBLISHED), transaction.atomic():
                model.objects.bulk_create([model(version=version, **fields)])

    def test_takes_and_gives_no_parts_by_moving_them(self, version):
        draft = ChecklistVersion.objects.create(checklist=version.checklist, number=3)
        own = Question.objects.create(version=draft, code="V77", type="text")
        for question, target in ((own, version), (Question.objects.get(version=version), draft)):
            with pytest.raises(IntegrityError, match=PUBLISHED):
                update_by_orm(question, "version_id", target.pk)

    def test_may_have_another_version_made_and_changed_until_it_is_published(self, version):
        draft = ChecklistVersion.objects.create(checklist=version.checklist, number=3)
        question = Question.objects.create(version=draft, code="V77", type="text")
        question.type = "integer"
        question.save()
        question.delete()
        draft.number = 4
        draft.save()
        assert make_version(version.checklist, 5, [{"code": "V03", "type": "yes_no"}]).published_at == DAY

    def test_may_be_retitled_as_a_checklist(self, version):
        Checklist.objects.filter(pk=version.checklist_id).update(titles={"en": "Voting"}, order=9)


class TestTheTriggers:
    def test_are_all_there_after_all_migrations(self, db):
        wanted = {name for module in (SEALED, XLSFORM) for name, *_ in module.triggers(connection.vendor)}
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            else:
                cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'")
                wanted |= {
                    f"{table}_kept"
                    for table in (
                        *SEALED.NEVER,
                        XLSFORM.TABLE,
                        "reports_checklistversion",
                        "reports_question",
                        "reports_section",
                    )
                }
            found = {name for (name,) in cursor.fetchall()}
        assert wanted <= found

    def test_keep_what_was_received_from_deletion_where_the_database_can(self, rows, world: World):
        """SQLite's test databases are emptied by DELETE, so there only the foreign keys hold reports."""
        if connection.vendor == "postgresql":
            for row in (rows["reports_note"], rows["reports_refusal"], rows["reports_report"]):
                with pytest.raises(IntegrityError, match=RECEIVED), transaction.atomic():
                    type(row).objects.filter(pk=row.pk)._raw_delete("default")
            with pytest.raises(IntegrityError, match=PUBLISHED), transaction.atomic():
                ChecklistVersion.objects.filter(pk=world.versions["voting"].pk)._raw_delete("default")
        else:
            with pytest.raises(models.ProtectedError):
                rows["reports_report"].delete()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
class TestARotationOfKeysInOneSession:
    def test_opens_bodies_for_no_other(self):
        report = store_report(World().first, payload())
        refused: list[str] = []

        def elsewhere() -> None:
            try:
                update_by_sql(report, "body", b"changed")
            except IntegrityError as error:
                refused.append(str(error))
            finally:
                connections.close_all()

        with transaction.atomic():
            KeyRotation.objects.create(started_at=DAY)
            thread = Thread(target=elsewhere)
            thread.start()
            thread.join(timeout=30)
            assert [RECEIVED in error for error in refused] == [True]
            update_by_sql(report, "body", b"the same under another key")
