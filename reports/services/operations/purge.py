"""After an election: what names its people becomes unreadable for good, and every figure stays.

What is taken: names, phones, e-mails and accreditation numbers of observers who are in no other election that
was not purged (whoever was invited into one, and neither consented nor was sent, is not in it), with their look-ups;
bodies as received, of reports and of refusals; what the call log says was said; the names of phones; enrolment
codes and tokens; the key that opens files brought by hand; lists made as files, and uploaded lists; what the desk
wrote in cases that are closed. What stays: answers, comments, notes and files as the observation itself, under codes
that belong to nobody any more; hashes, times, decisions, the trail.

What a case on legal hold needs is kept: its reports' bodies, its observers' names.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet

from observer.models import Assignment, Call, Consent, Device, Election, EnrolmentCode, Observer, User
from observer.services.trail import trail_add
from reports.models import Case, Export, Import, KeyRotation, Refusal, Report
from reports.models.case import CaseComment, CaseConsent, CaseFile, Complaint
from reports.services.cases.legal_hold import observers_held, reports_held
from reports.services.exports.exports import exports_remove

BATCH = 500


# What is written about cases, each encrypted: taken with closed cases that nothing holds.
OF_CASES: tuple[tuple[type[Model], str], ...] = (
    (CaseComment, "text"),
    (CaseConsent, "how"),
    (Complaint, "text"),
    (CaseFile, "name"),
)
TABLES = (
    "observer_observer",
    "observer_call",
    "observer_device",
    "observer_enrolmentcode",
    "observer_election",
    "reports_report",
    "reports_refusal",
    "reports_import",
    *(model._meta.db_table for model, _name in OF_CASES),
)


class NotYet(Exception):
    """The election is not closed: its people are still needed."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many of each were taken, or would be; `held`: what a case on legal hold keeps."""

    observers: int
    bodies: int
    calls: int
    devices: int
    exports: int
    imports: int
    held_observers: int
    held_bodies: int


def people_counted(*, election: Election) -> Purged:
    """What a purge would do now."""
    held = observers_held(election)
    return Purged(
        observers=_people(election).count(),
        bodies=_bodies(election).count() + _refusals(election).count(),
        calls=_calls(election).count(),
        devices=election.devices.count(),
        exports=Export.objects.filter(election=election).exclude(name="").count(),
        imports=Import.objects.filter(election=election).count(),
        held_observers=held.count(),
        held_bodies=reports_held(election).count(),
    )


def people_purge(*, election: Election, user: User | None, now: datetime) -> Purged:
    """Takes it all, in batches, so that it may be broken off and begun again. Raises NotYet while it is open."""
    if election.state != Election.State.CLOSED or now < election.closes_at:
        raise NotYet
    done = people_counted(election=election)
    trail_add(action="election.purge", subject=election, now=now, user=user, detail=asdict(done))
    exports_remove(election=election)
    with transaction.atomic():
        EnrolmentCode.objects.filter(election=election).delete()
        Import.objects.filter(election=election).delete()
        _calls(election).update(said="")
        _devices_close(election, now)
        Election.objects.filter(pk=election.pk).update(relay_secret="")
        for model, name in OF_CASES:
            model._default_manager.filter(case__in=_cases(election)).update(**{name: ""})
    for keys in _batches(_people(election)):
        nothing = {"name": "", "phone": "", "email": "", "accreditation_number": ""}
        Observer.objects.filter(pk__in=keys).update(**nothing, phone_lookup="", email_lookup="")
    for model, rows in ((Report, _bodies(election)), (Refusal, _refusals(election))):
        for keys in _batches(rows):
            with transaction.atomic():
                guard = KeyRotation.objects.create(started_at=now)  # the one word that lets a body be written
                model._default_manager.filter(pk__in=keys).update(body=b"")
                guard.delete()
    _space_overwrite()
    return done


def _people(election: Election) -> QuerySet[Observer]:
    """Those of this election, of no other one that is not closed, and in no case on hold, who still have a name."""
    sent = Assignment.objects.filter(observers=OuterRef("pk"))
    taken = Election.objects.filter(observers=OuterRef("pk"))
    phones = Device.objects.filter(observer=OuterRef("pk"))
    wrote = Report.objects.filter(observer=OuterRef("pk"))
    here = (
        Exists(sent.filter(election=election))
        | Exists(taken.filter(pk=election.pk))
        | Exists(phones.filter(election=election))
        | Exists(wrote.filter(commission__election=election))
    )
    others = Election.objects.exclude(pk=election.pk).exclude(state=Election.State.CLOSED)
    # Whoever was only invited elsewhere, and never consented to that, is not kept for it.
    taken_there = Observer.elections.through.objects.filter(observer=OuterRef("pk"), election__in=others).exclude(
        election__in=Consent.objects.awaited().filter(observer=OuterRef("observer")).values("election")
    )
    elsewhere = Exists(sent.filter(election__in=others)) | Exists(taken_there)
    rows = (
        Observer.objects.filter(here).exclude(elsewhere).exclude(name="", phone="", email="", accreditation_number="")
    )
    return rows.exclude(pk__in=_held_anywhere())


def _held_anywhere() -> list[int]:
    return [key for one in Election.objects.all() for key in observers_held(one).values_list("pk", flat=True)]


def _bodies(election: Election) -> QuerySet[Report]:
    rows = Report.objects.filter(commission__election=election).exclude(body=b"")
    return rows.exclude(pk__in=reports_held(election).values("pk"))


def _refusals(election: Election) -> QuerySet[Refusal]:
    rows = Refusal.objects.filter(device__election=election).exclude(body=b"")
    return rows.exclude(observer__in=observers_held(election).values("pk"))


def _calls(election: Election) -> QuerySet[Call]:
    held = observers_held(election).values("pk")
    return Call.objects.filter(election=election).exclude(said="").exclude(observer__in=held)


def _cases(election: Election) -> QuerySet[Case]:
    return Case.objects.filter(commission__election=election, legal_hold=False, closed_at__isnull=False)


def _devices_close(election: Election, now: datetime) -> None:
    """Every phone is revoked and nameless: a name is often its owner's."""
    devices = Device.objects.filter(election=election)
    devices.filter(revoked_at=None).update(revoked_at=now)
    devices.update(name="", device_id=None)


def _batches(rows: "QuerySet[Observer] | QuerySet[Report] | QuerySet[Refusal]") -> Iterator[list[int]]:
    """Keys of some hundred rows at a time; those that were done are no longer among them."""
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield keys


def _space_overwrite() -> None:
    """Old versions of rows lie in the files of both databases until these are written anew."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            for table in TABLES:
                cursor.execute(f"VACUUM FULL {table}")
