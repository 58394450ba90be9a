"""Processing of sealed files: examining, flagging, public copies, approval and withdrawal.

The queue is the rows that are stored and not processed. A worker claims one row at a time and counts the
attempt before it examines the file, so that a file which crashes or blocks its decoder is given up after
MAX_ATTEMPTS and does not block the others. The sealed original is never changed.
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

from observer.geo import compute_distance_metres
from observer.models import Commission, Level, User
from observer.services.trail import add_trail_entry
from reports.models import Evidence, Report
from reports.problems import Rejected
from reports.services.evidence import sandbox
from reports.services.evidence.pictures import NO_PREVIEW, UNREADABLE, CaptureDetails, Findings
from reports.services.review.review_queue import queue_flagged_report
from reports.services.storage.sealed_store import open_sealed_path, sync_folder

log = logging.getLogger("baqylau.evidence")
MAX_ATTEMPTS = 3
CLAIM_DURATION = timedelta(minutes=5)  # a worker that has not finished by then is considered dead
MAX_DISTANCE_METRES = 5_000
MAX_TIME_DIFFERENCE = timedelta(hours=12)
MAX_UTC_OFFSET_EAST, MAX_UTC_OFFSET_WEST = timedelta(hours=14), timedelta(hours=12)  # of the time zones on Earth
SAME_FILE_FLAG, PLACE_FLAG, TIME_FLAG = "same_file_elsewhere", "place_contradicts", "time_contradicts"


def process_waiting_evidence(
    *, now: datetime, include_claimed: bool = False, max_files: int | None = None, max_seconds: float | None = None
) -> int:
    """Processes waiting files; returns how many were finished.

    `max_files`: how many at most; `max_seconds`: no file is started after that many seconds, except the
    first. `include_claimed`: also processes files that another process has claimed and may still be
    working on; the first to finish wins. Returns early where copies cannot be written; then the files stay
    in the queue.
    """
    started = time.monotonic()
    examined = finished = 0
    while max_files is None or examined < max_files:
        elapsed_seconds = time.monotonic() - started
        if max_seconds is not None and examined and elapsed_seconds > max_seconds:
            break
        examined += 1
        claimed_at = now + timedelta(seconds=elapsed_seconds)
        evidence = _claim_next(now=claimed_at, include_claimed=include_claimed)
        if evidence is None:
            break
        try:
            finished += _process_claimed(evidence, claimed_at)
        except DatabaseError:
            raise
        except OSError:
            log.exception("cannot write copies of evidence %s now", evidence.uuid)
            _release_claim(evidence, attempts=evidence.attempts - 1)
            break
        except Exception:
            log.exception("evidence %s could not be processed", evidence.uuid)
            _release_claim(evidence, attempts=evidence.attempts)
    return finished


def has_waiting_evidence(*, now: datetime) -> bool:
    """Whether a file waits that no living worker has claimed."""
    return _filter_unclaimed(now).exists()


def approve_evidence(*, evidence: Evidence, user: User | None, now: datetime) -> None:
    """Approves the public copy of a file.

    A coordinator has checked it for faces, marks and lists. Raises Rejected `not_publishable` where there is no
    copy: not processed yet, unreadable, no picture.
    """
    with transaction.atomic():
        row = Evidence.objects.select_for_update().get(pk=evidence.pk)
        if not row.copy or {UNREADABLE, NO_PREVIEW} & set(row.flags):
            raise Rejected("not_publishable", _("There is no public copy of this file."))
        Evidence.objects.filter(pk=row.pk).update(approved_at=now, approved_by=user)
        _write_trail("approve", row, user, now)
    evidence.refresh_from_db()


def withdraw_evidence(*, evidence: Evidence, user: User | None, now: datetime) -> None:
    """Withdraws the approval; the copy stays on disk."""
    with transaction.atomic():
        Evidence.objects.filter(pk=evidence.pk).update(approved_at=None, approved_by=None)
        _write_trail("withdraw", evidence, user, now)
    evidence.refresh_from_db()


def _write_trail(verb: str, evidence: Evidence, user: User | None, now: datetime) -> None:
    election = Commission.objects.filter(reports=evidence.report_id).values_list("election_id", flat=True).first()
    add_trail_entry(
        action=f"evidence.{verb}", subject=f"evidence:{evidence.uuid}", now=now, user=user, election=election
    )


def filter_approved_evidence() -> QuerySet[Evidence]:
    """Files whose public copy is approved."""
    return Evidence.objects.filter(approved_at__isnull=False, state=Evidence.State.STORED).exclude(copy="")


# ── the queue ───────────────────────────────────────────────────────────────────────────────
def _filter_waiting() -> QuerySet[Evidence]:
    return Evidence.objects.filter(state=Evidence.State.STORED, processed_at__isnull=True)


def _filter_unclaimed(now: datetime) -> QuerySet[Evidence]:
    return _filter_waiting().filter(Q(claimed_at__isnull=True) | Q(claimed_at__lt=now - CLAIM_DURATION))


def _claim_next(*, now: datetime, include_claimed: bool) -> Evidence | None:
    """Claims the oldest waiting file and counts the attempt.

    None where none waits.
    """
    rows = (_filter_waiting() if include_claimed else _filter_unclaimed(now)).order_by("stored_at", "pk")
    if not rows.exists():
        return None  # a worker asks every two seconds; this avoids taking the write lock each time
    # With `include_claimed`, wait for the lock of another claim: a row that is skipped would stay unfinished.
    can_skip_locked = connection.features.has_select_for_update_skip_locked and not include_claimed
    with transaction.atomic():
        evidence = rows.select_for_update(skip_locked=can_skip_locked).first()
        if evidence is None:
            return None
        Evidence.objects.filter(pk=evidence.pk).update(claimed_at=now, attempts=F("attempts") + 1)
        evidence.claimed_at = now
        evidence.attempts += 1
        return evidence


def _release_claim(evidence: Evidence, *, attempts: int) -> None:
    _filter_waiting().filter(pk=evidence.pk, claimed_at=evidence.claimed_at).update(claimed_at=None, attempts=attempts)


def _process_claimed(evidence: Evidence, now: datetime) -> int:
    """Examines one claimed file and stores the findings.

    Returns 1, or 0 where another worker was first. Raises OSError where its copies cannot be written,
    LookupError where it cannot be read.
    """
    is_given_up = evidence.attempts > MAX_ATTEMPTS
    findings = Findings("", UNREADABLE) if is_given_up else _examine_sealed(evidence)
    names = _write_public_copies(evidence, findings)
    # A file that was moved to a report meanwhile is processed again, because the report was not known here.
    updated = (
        _filter_waiting()
        .filter(pk=evidence.pk, report=evidence.report_id)
        .update(
            processed_at=now,
            claimed_at=None,
            flags=_compute_flags(evidence, findings),
            media_type=findings.media_type,
            metadata=findings.metadata,
            copy=names[0],
            thumbnail=names[1],
        )
    )
    if updated:
        _queue_contradicted_report(evidence)
    for name in filter(None, (evidence.copy, evidence.thumbnail) if updated else names):
        (settings.PUBLIC_DIR / name).unlink(missing_ok=True)  # copies made before, or ours that came too late
    return updated


def _queue_contradicted_report(evidence: Evidence) -> None:
    """Queues the report of a file that contradicts it for checking."""
    row = Evidence.objects.filter(pk=evidence.pk).select_related("report__commission").defer("report__body").first()
    if row is not None and row.report is not None and {SAME_FILE_FLAG, PLACE_FLAG, TIME_FLAG} & set(row.flags):
        queue_flagged_report(report=row.report, election=row.report.commission.election_id)


def _examine_sealed(evidence: Evidence) -> Findings:
    try:
        with open_sealed_path(sha256=evidence.sha256) as path:
            return sandbox.examine_in_sandbox(path, announced=evidence.type, max_pixels=settings.IMAGE_PIXELS_MAX)
    except OSError as error:
        # Not an OSError, which would mean a full disk: the attempt is counted, and the file is given up in the end.
        raise LookupError("the sealed file cannot be read") from error


def _write_public_copies(evidence: Evidence, findings: Findings) -> tuple[str, str]:
    """Writes the public copies under names that cannot be guessed.

    Returns their paths under PUBLIC_DIR.
    """
    if not findings.copy:
        return "", ""
    names = []
    for content in (findings.copy, findings.thumbnail):
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
def _compute_flags(evidence: Evidence, findings: Findings) -> list[str]:
    flags = [findings.flag] if findings.flag else []
    report = (
        Report.objects.select_related("commission__level").filter(pk=evidence.report_id).first()
        if evidence.report_id
        else None
    )
    if report is None:
        return flags
    if _is_same_file_elsewhere(evidence, report):
        flags.append(SAME_FILE_FLAG)
    if is_place_contradicted(findings.capture, evidence, report):
        flags.append(PLACE_FLAG)
    if is_time_contradicted(findings.capture, evidence, report):
        flags.append(TIME_FLAG)
    return flags


def _is_same_file_elsewhere(evidence: Evidence, report: Report) -> bool:
    """Whether the same bytes came before with a report about another station.

    Before means: stored earlier, or processed earlier and not flagged itself. Files may be processed in
    another order than they were stored; so of two equal files one is always flagged.
    """
    same = Evidence.objects.filter(sha256=evidence.sha256, state=Evidence.State.STORED, report__isnull=False)
    others = same.exclude(report__commission=report.commission_id).exclude(pk=evidence.pk)
    own_rank = (evidence.stored_at, evidence.pk)
    return any(
        (stored, pk) < own_rank or (processed is not None and SAME_FILE_FLAG not in flags)
        for stored, pk, processed, flags in others.values_list("stored_at", "pk", "processed_at", "flags")[:1000]
    )


def is_place_contradicted(capture: CaptureDetails, evidence: Evidence, report: Report) -> bool:
    """Whether the camera was far from the reported place.

    It is compared with the phone's position for this file and with the station of the report. Where there
    is no station to compare with (away with the portable box, a territory, a station without coordinates),
    the phone's position for the report is used instead.
    """
    if capture.lat is None or capture.lon is None:
        return False
    station = report.commission
    places = [(evidence.lat, evidence.lon)]
    if station.lat is None or report.outside or station.level.kind != Level.Kind.PRECINCT:
        places.append((report.lat, report.lon))
    else:
        places.append((station.lat, station.lon))
    return any(
        lat is not None
        and lon is not None
        and compute_distance_metres(capture.lat, capture.lon, lat, lon) > MAX_DISTANCE_METRES
        for lat, lon in places
    )


def is_time_contradicted(capture: CaptureDetails, evidence: Evidence, report: Report) -> bool:
    """Whether the camera's time is far from the reported times.

    Far is more than MAX_TIME_DIFFERENCE. A time without a zone may be in any zone on Earth.
    """
    if capture.taken_at is None:
        return False
    if capture.has_zone:
        earliest = latest = capture.taken_at
    else:
        wall_clock = capture.taken_at.replace(tzinfo=UTC)
        if not datetime(1900, 1, 1, tzinfo=UTC) < wall_clock < datetime(9000, 1, 1, tzinfo=UTC):
            return True
        earliest, latest = wall_clock - MAX_UTC_OFFSET_EAST, wall_clock + MAX_UTC_OFFSET_WEST
    reported_times = [time for time in (report.observed_at, evidence.captured_at) if time is not None]
    return any(time - latest > MAX_TIME_DIFFERENCE or earliest - time > MAX_TIME_DIFFERENCE for time in reported_times)
