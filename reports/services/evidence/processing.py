"""What becomes of a sealed file: it is looked at, flagged, copied for the public, approved, withdrawn.

The rows are the queue: stored and not processed. A worker claims one at a time, counting the
attempt before it looks, so that a file which kills or hangs its reader is given up after
ATTEMPTS_MAX and holds nobody up. The sealed original is never touched.
"""

import logging
import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from observer.geo import metres_between
from observer.models import Commission, Level, User
from observer.services.trail import trail_add
from reports.models import Evidence, Report
from reports.problems import Rejected
from reports.services.evidence import sandbox
from reports.services.evidence.pictures import NO_PREVIEW, UNREADABLE, Findings, Taken
from reports.services.review.review_queue import check_flagged
from reports.services.storage.sealed_store import sealed_path, sync_folder

log = logging.getLogger("baqylau.evidence")
ATTEMPTS_MAX = 3
CLAIM = timedelta(minutes=5)  # after which a worker that has not finished is taken for dead
FAR_METRES = 5_000
FAR_IN_TIME = timedelta(hours=12)
EAST, WEST = timedelta(hours=14), timedelta(hours=12)  # how far zones are from UTC
SAME_FILE, PLACE, TIME = "same_file_elsewhere", "place_contradicts", "time_contradicts"


def evidence_process_due(
    *, now: datetime, steal: bool = False, most: int | None = None, seconds: float | None = None
) -> int:
    """Looks at the files that wait, at `most` so many, none begun after `seconds`; how many were finished.

    `steal`: also at those that another process has claimed and may still be at; the first to
    finish wins. Returns early where copies cannot be written: the files go on waiting.
    """
    began = time.monotonic()
    looked = done = 0
    while most is None or looked < most:
        passed = time.monotonic() - began
        if seconds is not None and looked and passed > seconds:
            break
        looked += 1
        moment = now + timedelta(seconds=passed)
        evidence = _claim(now=moment, steal=steal)
        if evidence is None:
            break
        try:
            done += _process(evidence, moment)
        except DatabaseError:
            raise
        except OSError:
            log.exception("cannot write copies of evidence %s now", evidence.uuid)
            _unclaim(evidence, attempts=evidence.attempts - 1)
            break
        except Exception:
            log.exception("evidence %s could not be processed", evidence.uuid)
            _unclaim(evidence, attempts=evidence.attempts)
    return done


def evidence_waits(*, now: datetime) -> bool:
    """Whether there is a file to look at that no living worker is at."""
    return _free(now).exists()


def evidence_approve(*, evidence: Evidence, user: User | None, now: datetime) -> None:
    """A coordinator has looked at faces, marks and lists, and says yes to the public copy.

    Raises Rejected `not_publishable` where there is no copy: not looked at yet, unreadable, no picture.
    """
    with transaction.atomic():
        row = Evidence.objects.select_for_update().get(pk=evidence.pk)
        if not row.copy or {UNREADABLE, NO_PREVIEW} & set(row.flags):
            raise Rejected("not_publishable", _("There is no public copy of this file."))
        Evidence.objects.filter(pk=row.pk).update(approved_at=now, approved_by=user)
        _trail("approve", row, user, now)
    evidence.refresh_from_db()


def evidence_withdraw(*, evidence: Evidence, user: User | None, now: datetime) -> None:
    """Takes the yes back; the copy stays prepared."""
    with transaction.atomic():
        Evidence.objects.filter(pk=evidence.pk).update(approved_at=None, approved_by=None)
        _trail("withdraw", evidence, user, now)
    evidence.refresh_from_db()


def _trail(verb: str, evidence: Evidence, user: User | None, now: datetime) -> None:
    election = Commission.objects.filter(reports=evidence.report_id).values_list("election_id", flat=True).first()
    trail_add(action=f"evidence.{verb}", subject=f"evidence:{evidence.uuid}", now=now, user=user, election=election)


def approved_evidence() -> QuerySet[Evidence]:
    """Files whose public copy a coordinator said yes to."""
    return Evidence.objects.filter(approved_at__isnull=False, state=Evidence.State.STORED).exclude(copy="")


# ── the queue ───────────────────────────────────────────────────────────────────────────────
def _waiting() -> QuerySet[Evidence]:
    return Evidence.objects.filter(state=Evidence.State.STORED, processed_at__isnull=True)


def _free(now: datetime) -> QuerySet[Evidence]:
    return _waiting().filter(Q(claimed_at__isnull=True) | Q(claimed_at__lt=now - CLAIM))


def _claim(*, now: datetime, steal: bool) -> Evidence | None:
    """The oldest file that waits, marked as ours with the attempt counted; None where none waits."""
    rows = (_waiting() if steal else _free(now)).order_by("stored_at", "pk")
    if not rows.exists():
        return None  # without asking for the write lock, every two seconds
    # Whoever steals waits for the other's claim: a row skipped now would be left unfinished.
    skip = connection.features.has_select_for_update_skip_locked and not steal
    with transaction.atomic():
        evidence = rows.select_for_update(skip_locked=skip).first()
        if evidence is None:
            return None
        Evidence.objects.filter(pk=evidence.pk).update(claimed_at=now, attempts=F("attempts") + 1)
        evidence.claimed_at = now
        evidence.attempts += 1
        return evidence


def _unclaim(evidence: Evidence, *, attempts: int) -> None:
    _waiting().filter(pk=evidence.pk, claimed_at=evidence.claimed_at).update(claimed_at=None, attempts=attempts)


def _process(evidence: Evidence, now: datetime) -> int:
    """Looks at one claimed file and writes down what it is; 1, or 0 where another worker was first.

    Raises OSError where its copies cannot be written, LookupError where it cannot be read.
    """
    given_up = evidence.attempts > ATTEMPTS_MAX
    found = Findings("", UNREADABLE) if given_up else _examine(evidence)
    names = _publish(evidence, found)
    # Where it came to belong to a report meanwhile, this look did not know that: it is looked at again.
    wrote = (
        _waiting()
        .filter(pk=evidence.pk, report=evidence.report_id)
        .update(
            processed_at=now,
            claimed_at=None,
            flags=_flags(evidence, found),
            media_type=found.media_type,
            metadata=found.metadata,
            copy=names[0],
            thumbnail=names[1],
        )
    )
    if wrote:
        _flag_report(evidence)
    for name in filter(None, (evidence.copy, evidence.thumbnail) if wrote else names):
        (settings.PUBLIC_DIR / name).unlink(missing_ok=True)  # of an earlier look, or ours that came too late
    return wrote


def _flag_report(evidence: Evidence) -> None:
    """Somebody looks at the report of a file that contradicts it."""
    row = Evidence.objects.filter(pk=evidence.pk).select_related("report__commission").defer("report__body").first()
    if row is not None and row.report is not None and {SAME_FILE, PLACE, TIME} & set(row.flags):
        check_flagged(report=row.report, election=row.report.commission.election_id)


def _examine(evidence: Evidence) -> Findings:
    try:
        with sealed_path(sha256=evidence.sha256) as path:
            return sandbox.look(path, announced=evidence.type, pixels_max=settings.IMAGE_PIXELS_MAX)
    except OSError as error:
        # Not a full disk, which would pass: counted like a file that breaks its reader, and given up.
        raise LookupError("the sealed file cannot be read") from error


def _publish(evidence: Evidence, found: Findings) -> tuple[str, str]:
    """Writes the public copies under names nobody can guess; their paths under PUBLIC_DIR."""
    if not found.copy:
        return "", ""
    names = []
    for content in (found.copy, found.thumbnail):
        token = secrets.token_hex(16)
        name = f"{token[:2]}/{evidence.pk}-{token}.jpg"
        path: Path = settings.PUBLIC_DIR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
        names.append(name)
    return names[0], names[1]


# ── flags ───────────────────────────────────────────────────────────────────────────────────
def _flags(evidence: Evidence, found: Findings) -> list[str]:
    flags = [found.flag] if found.flag else []
    report = (
        Report.objects.select_related("commission__level").filter(pk=evidence.report_id).first()
        if evidence.report_id
        else None
    )
    if report is None:
        return flags
    if _same_file_elsewhere(evidence, report):
        flags.append(SAME_FILE)
    if place_contradicts(found.taken, evidence, report):
        flags.append(PLACE)
    if time_contradicts(found.taken, evidence, report):
        flags.append(TIME)
    return flags


def _same_file_elsewhere(evidence: Evidence, report: Report) -> bool:
    """The same bytes came before with a report about another station.

    Before: stored earlier, or looked at earlier and not flagged itself. Storing is no queue, so a
    row may appear with a time before one that was looked at already; one of two is always flagged.
    """
    same = Evidence.objects.filter(sha256=evidence.sha256, state=Evidence.State.STORED, report__isnull=False)
    others = same.exclude(report__commission=report.commission_id).exclude(pk=evidence.pk)
    mine = (evidence.stored_at, evidence.pk)
    return any(
        (stored, pk) < mine or (processed is not None and SAME_FILE not in flags)
        for stored, pk, processed, flags in others.values_list("stored_at", "pk", "processed_at", "flags")[:1000]
    )


def place_contradicts(taken: Taken, evidence: Evidence, report: Report) -> bool:
    """The camera was elsewhere than it is said to have been.

    Against where the phone took it; and against the station, which is what the report is about, or
    the phone's own place where there is no station to compare with: away with the portable box, a
    territory, a station without coordinates.
    """
    if taken.lat is None or taken.lon is None:
        return False
    station = report.commission
    places = [(evidence.lat, evidence.lon)]
    if station.lat is None or report.outside or station.level.kind != Level.Kind.PRECINCT:
        places.append((report.lat, report.lon))
    else:
        places.append((station.lat, station.lon))
    return any(
        lat is not None and lon is not None and metres_between(taken.lat, taken.lon, lat, lon) > FAR_METRES
        for lat, lon in places
    )


def time_contradicts(taken: Taken, evidence: Evidence, report: Report) -> bool:
    """The camera's clock is more than half a day from when it is said to have been; any zone is believed."""
    if taken.at is None:
        return False
    if taken.zoned:
        earliest = latest = taken.at
    else:
        wall = taken.at.replace(tzinfo=UTC)
        if not datetime(1900, 1, 1, tzinfo=UTC) < wall < datetime(9000, 1, 1, tzinfo=UTC):
            return True
        earliest, latest = wall - EAST, wall + WEST
    said = [moment for moment in (report.observed_at, evidence.captured_at) if moment is not None]
    return any(moment - latest > FAR_IN_TIME or earliest - moment > FAR_IN_TIME for moment in said)
