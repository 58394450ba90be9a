"""Purge of personal data after an election: names become unreadable for good, every figure stays.

Deleted are: names, phones, e-mails and accreditation numbers of observers who are in no other open election, with
their look-ups (an observer who was only invited into another election, and neither consented nor was assigned there,
is not in it); bodies as received, of reports and of refusals; notes of phone calls; names of devices; enrolment codes
and tokens; the key that opens relay files; exported lists and uploaded lists; the desk's texts in closed cases.

Kept are: answers, comments, notes and files as the observation itself, under observer codes that no longer lead to a
person; hashes, times, decisions and the trail. What a case under legal hold needs is kept too: the bodies of its
reports and the names of its observers.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet

from observer.models import Assignment, Call, Consent, Device, Election, EnrolmentCode, Observer, User
from observer.services.trail import add_trail_entry
from reports.models import Case, Export, Import, KeyRotation, Refusal, Report
from reports.models.case import CaseComment, CaseConsent, CaseFile, Complaint
from reports.services.cases.legal_hold import get_held_observers, get_held_reports
from reports.services.exports.exports import remove_exports

BATCH_ROWS = 500


# Encrypted texts about cases, deleted for closed cases that are not under legal hold.
CASE_TEXT_COLUMNS: tuple[tuple[type[Model], str], ...] = (
    (CaseComment, "text"),
    (CaseConsent, "how"),
    (Complaint, "text"),
    (CaseFile, "name"),
)
PURGED_TABLES = (
    "observer_observer",
    "observer_call",
    "observer_device",
    "observer_enrolmentcode",
    "observer_election",
    "reports_report",
    "reports_refusal",
    "reports_import",
    *(model._meta.db_table for model, _name in CASE_TEXT_COLUMNS),
)


class ElectionNotClosed(Exception):
    """The election is not closed yet, so its people are still needed."""


@dataclass(frozen=True, slots=True)
class PurgeCounts:
    """How many of each are deleted; `held_*` are kept by a case under legal hold."""

    observers: int
    bodies: int
    calls: int
    devices: int
    exports: int
    imports: int
    held_observers: int
    held_bodies: int


def count_purge(*, election: Election) -> PurgeCounts:
    """Counts what a purge would delete and keep now."""
    held = get_held_observers(election)
    return PurgeCounts(
        observers=_get_observers(election).count(),
        bodies=_get_reports_with_body(election).count() + _get_refusals_with_body(election).count(),
        calls=_get_calls_with_text(election).count(),
        devices=election.devices.count(),
        exports=Export.objects.filter(election=election).exclude(name="").count(),
        imports=Import.objects.filter(election=election).count(),
        held_observers=held.count(),
        held_bodies=get_held_reports(election).count(),
    )


def purge_people(*, election: Election, user: User | None, now: datetime) -> PurgeCounts:
    """Deletes the personal data of an election, in batches, so that an interrupted run can be started again.

    Returns what was counted before. Raises ElectionNotClosed.
    """
    if election.state != Election.State.CLOSED or now < election.closes_at:
        raise ElectionNotClosed
    counts = count_purge(election=election)
    add_trail_entry(action="election.purge", subject=election, now=now, user=user, detail=asdict(counts))
    remove_exports(election=election)
    with transaction.atomic():
        EnrolmentCode.objects.filter(election=election).delete()
        Import.objects.filter(election=election).delete()
        _get_calls_with_text(election).update(said="")
        _revoke_devices(election, now)
        Election.objects.filter(pk=election.pk).update(relay_secret="")
        for model, name in CASE_TEXT_COLUMNS:
            model._default_manager.filter(case__in=_get_closed_cases(election)).update(**{name: ""})
    for keys in _iterate_key_batches(_get_observers(election)):
        empty = {"name": "", "phone": "", "email": "", "accreditation_number": ""}
        Observer.objects.filter(pk__in=keys).update(**empty, phone_lookup="", email_lookup="")
    for model, rows in ((Report, _get_reports_with_body(election)), (Refusal, _get_refusals_with_body(election))):
        for keys in _iterate_key_batches(rows):
            with transaction.atomic():
                # The triggers allow changing a body only while this row exists.
                guard = KeyRotation.objects.create(started_at=now)
                model._default_manager.filter(pk__in=keys).update(body=b"")
                guard.delete()
    _rewrite_database_files()
    return counts


def _get_observers(election: Election) -> QuerySet[Observer]:
    """Returns the observers whose personal data may be deleted and is not deleted yet.

    They are in this election, in no other election that is not closed, and in no case under legal hold.
    """
    assignments = Assignment.objects.filter(observers=OuterRef("pk"))
    elections = Election.objects.filter(observers=OuterRef("pk"))
    devices = Device.objects.filter(observer=OuterRef("pk"))
    reports = Report.objects.filter(observer=OuterRef("pk"))
    is_in_election = (
        Exists(assignments.filter(election=election))
        | Exists(elections.filter(pk=election.pk))
        | Exists(devices.filter(election=election))
        | Exists(reports.filter(commission__election=election))
    )
    open_elections = Election.objects.exclude(pk=election.pk).exclude(state=Election.State.CLOSED)
    # An invitation to another election that was never accepted does not keep an observer.
    consented_links = Observer.elections.through.objects.filter(
        observer=OuterRef("pk"), election__in=open_elections
    ).exclude(election__in=Consent.objects.pending().filter(observer=OuterRef("observer")).values("election"))
    is_in_open_election = Exists(assignments.filter(election__in=open_elections)) | Exists(consented_links)
    rows = (
        Observer.objects.filter(is_in_election)
        .exclude(is_in_open_election)
        .exclude(name="", phone="", email="", accreditation_number="")
    )
    return rows.exclude(pk__in=_load_held_observer_keys())


def _load_held_observer_keys() -> list[int]:
    return [key for one in Election.objects.all() for key in get_held_observers(one).values_list("pk", flat=True)]


def _get_reports_with_body(election: Election) -> QuerySet[Report]:
    rows = Report.objects.filter(commission__election=election).exclude(body=b"")
    return rows.exclude(pk__in=get_held_reports(election).values("pk"))


def _get_refusals_with_body(election: Election) -> QuerySet[Refusal]:
    rows = Refusal.objects.filter(device__election=election).exclude(body=b"")
    return rows.exclude(observer__in=get_held_observers(election).values("pk"))


def _get_calls_with_text(election: Election) -> QuerySet[Call]:
    held = get_held_observers(election).values("pk")
    return Call.objects.filter(election=election).exclude(said="").exclude(observer__in=held)


def _get_closed_cases(election: Election) -> QuerySet[Case]:
    return Case.objects.filter(commission__election=election, legal_hold=False, closed_at__isnull=False)


def _revoke_devices(election: Election, now: datetime) -> None:
    """Revokes all devices and deletes their names, which are often their owner's."""
    devices = Device.objects.filter(election=election)
    devices.filter(revoked_at=None).update(revoked_at=now)
    devices.update(name="", device_id=None)


def _iterate_key_batches(rows: "QuerySet[Observer] | QuerySet[Report] | QuerySet[Refusal]") -> Iterator[list[int]]:
    """Yields keys in batches until `rows` matches nothing; the caller must change the rows of each batch."""
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_ROWS]):
        yield keys


def _rewrite_database_files() -> None:
    """Rewrites the database files, which otherwise still hold the old versions of the rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            for table in PURGED_TABLES:
                cursor.execute(f"VACUUM FULL {table}")
