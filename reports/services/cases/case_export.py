"""Export of a case as a ZIP archive that can be verified without the platform.

It holds the case, its reports with bodies as received, receipts, files, the audit trail, and a README that explains
how to check it. HASHES lists the SHA-256 of every file in the format of `sha256sum -c`; the SHA-256 of HASHES itself
is shown at the desk and stored in the trail. The rows of CaseExport are the queue: a worker claims a row, writes the
file, and only then marks the row as done.
"""

import hashlib
import json
import logging
import secrets
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Q

from observer import crypto
from observer.models import Trail, User
from observer.services.trail import add_trail_entry
from reports.models import Case, CaseExport, Evidence, Report
from reports.services.background.wakeups import wake_after_commit
from reports.services.cases.case_readme import README
from reports.services.cases.cases import get_case_reports, load_case_consents
from reports.services.intake.canonical import Content, encode_canonical
from reports.services.intake.receipts import build_receipt
from reports.services.intake.submission import Location
from reports.services.storage.sealed_store import COPY_CHUNK_BYTES, open_sealed_file

log = logging.getLogger("baqylau.cases")
TASK_NAME = "reports.write_exports"
CLAIM_TIMEOUT = timedelta(minutes=30)
RETENTION = timedelta(days=1)
MAX_ATTEMPTS = 3
HASHES_FILE = "HASHES"


def get_case_exports_dir() -> Path:
    return Path(settings.DATA_DIR) / "exports"


def request_case_export(*, case: Case, user: User, now: datetime) -> CaseExport:
    """Requests an archive of the case, which a background task writes.

    While an earlier request of the same user waits, that one is returned.
    """
    with transaction.atomic():
        Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        existing = CaseExport.objects.filter(case=case, user=user, done_at=None, failed=False).first()
        if existing is not None:
            return existing
        export = CaseExport.objects.create(case=case, user=user, asked_at=now)
        add_trail_entry(action="case.export", subject=case, now=now, user=user)
        wake_after_commit(TASK_NAME)
    return export


def write_case_exports(*, now: datetime) -> int:
    """Writes all waiting archives, one after another; returns how many were finished.

    Files that are older than RETENTION are deleted first.
    """
    done = 0
    _delete_expired_files(now)
    while (export := _claim_next_export(now)) is not None:
        try:
            _write_export(export, now)
            done += 1
        except Exception:
            log.exception("the export %d of a case could not be written", export.pk)
            given_up = export.attempts >= MAX_ATTEMPTS
            CaseExport.objects.filter(pk=export.pk).update(claimed_at=None, failed=given_up)
            if not given_up:
                break
    return done


def open_case_export(export: CaseExport) -> BinaryIO:
    """Opens the written archive. Raises FileNotFoundError where there is none."""
    if not export.name:
        raise FileNotFoundError
    return (get_case_exports_dir() / export.name).open("rb")


def _claim_next_export(now: datetime) -> CaseExport | None:
    rows = CaseExport.objects.filter(done_at=None, failed=False).filter(
        Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM_TIMEOUT)
    )
    if not rows.exists():
        return None
    skip_locked = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        export = rows.select_for_update(skip_locked=skip_locked).order_by("asked_at", "pk").first()
        if export is not None:
            export.claimed_at, export.attempts = now, export.attempts + 1
            export.save(update_fields=["claimed_at", "attempts"])
    return export


def _delete_expired_files(now: datetime) -> None:
    """Deletes archives older than RETENTION, because bodies are not encrypted in them."""
    for export in CaseExport.objects.filter(done_at__lt=now - RETENTION).exclude(name=""):
        (get_case_exports_dir() / export.name).unlink(missing_ok=True)
        CaseExport.objects.filter(pk=export.pk).update(name="")


def _write_export(export: CaseExport, now: datetime) -> None:
    folder = get_case_exports_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"case-{export.case_id}-{secrets.token_hex(16)}.zip"
    draft = folder / f"{name}.part"
    try:
        with draft.open("xb") as file:
            draft.chmod(0o600)
            hashes = _write_archive(file, export.case, now)
        size = draft.stat().st_size
        draft.rename(folder / name)
    finally:
        draft.unlink(missing_ok=True)
    with transaction.atomic():
        CaseExport.objects.filter(pk=export.pk).update(done_at=now, name=name, size=size, sha256=hashes)
        add_trail_entry(
            action="case.exported", subject=export.case, now=now, user=export.user, detail={"hashes": hashes}
        )


def _write_archive(file: BinaryIO, case: Case, now: datetime) -> str:
    """Writes the whole archive; returns the SHA-256 of its HASHES file."""
    lines = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in _iterate_members(case, now):
            digest = hashlib.sha256()
            with archive.open(zipfile.ZipInfo(name, now.timetuple()[:6]), "w", force_zip64=True) as target:
                for piece in _read_chunks(source):
                    digest.update(piece)
                    target.write(piece)
            lines.append(f"{digest.hexdigest()}  {name}\n")
        hash_list = "".join(lines).encode()
        archive.writestr(zipfile.ZipInfo(HASHES_FILE, now.timetuple()[:6]), hash_list)
    return hashlib.sha256(hash_list).hexdigest()


def _read_chunks(source: bytes | str) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with open_sealed_file(sha256=source) as sealed:
        while piece := sealed.read(COPY_CHUNK_BYTES):
            yield piece


def _iterate_members(case: Case, now: datetime) -> Iterator[tuple[str, bytes | str]]:
    """Yields name and content of each member; a str is the SHA-256 of a sealed file."""
    yield "README.txt", README.encode()
    yield "case.json", _encode_json(_build_case(case, now))
    written_hashes = set()
    for report in get_case_reports(case).defer(None):
        folder = f"reports/{report.uuid}"
        yield f"{folder}/body.bin", crypto.decrypt_body(bytes(report.body))
        yield f"{folder}/content.json", encode_canonical(_build_content(report))
        yield f"{folder}/receipt.json", _encode_json(_build_receipt(report))
        yield f"{folder}/desk.json", _encode_json(_build_desk_record(report))
        for one in report.evidence.filter(state=Evidence.State.STORED).order_by("pk"):
            if one.sha256 not in written_hashes:
                written_hashes.add(one.sha256)
                yield f"files/{one.sha256}", one.sha256
    for paper in case.files.all():
        if paper.sha256 not in written_hashes:
            written_hashes.add(paper.sha256)
            yield f"papers/{paper.sha256}", paper.sha256
    yield "trail.json", _encode_json(_build_trail(case))


def _build_case(case: Case, now: datetime) -> dict[str, Any]:
    consents = load_case_consents(case)
    return {
        "id": case.pk,
        "title": case.title,
        "commission": case.commission.code,
        "exported_at": now,
        "election": case.commission.election.slug,
        "severity": case.severity,
        "step": case.step,
        "opened_at": case.created_at,
        "closed_at": case.closed_at,
        "legal_hold": case.legal_hold,
        "consents": [{"observer": one.observer.code, "given": one.given, "at": one.at} for one in consents.values()],
        "comments": [{"at": one.at, "by": one.user.username, "text": one.text} for one in case.comments.all()],
        "complaints": [
            {
                "id": one.pk,
                "appeals": one.appeals_id,
                "term": one.term,
                "starts_at": one.starts_at,
                "due_at": one.due_at,
                "forum": one.forum,
                "text": one.text,
                "filed_at": one.filed_at,
                "answer_due_at": one.answer_due_at,
                "answered_at": one.answered_at,
                "outcome": one.outcome,
            }
            for one in case.complaints.all()
        ],
        "papers": [
            {
                "sha256": one.sha256,
                "size": one.size,
                "kind": one.kind,
                "name": one.name,
                "complaint": one.complaint_id,
                "at": one.at,
            }
            for one in case.files.all()
        ],
    }


def _build_content(report: Report) -> Content:
    place = None
    if report.lat is not None and report.lon is not None:
        place = Location(report.lat, report.lon, report.accuracy)
    return Content(
        observer=report.observer.code,
        checklist=report.version.checklist.code,
        version=report.version.number,
        commission=report.commission.code,
        contest=report.contest.code if report.contest else "",
        slot=report.slot,
        observed_at=report.observed_at,
        answers=report.answers,
        comment=report.comment,
        location=place,
        outside=report.outside,
        supersedes=report.supersedes,
    )


def _build_receipt(report: Report) -> dict[str, Any]:
    receipt = build_receipt(report)
    return {
        "id": receipt.uuid,
        "received_at": receipt.received_at,
        "sequence": receipt.sequence,
        "content_sha256": receipt.content_sha256,
        "flags": receipt.flags,
        "state": receipt.state,
        "evidence": [{"id": one.uuid, "state": one.state, "offset": one.offset} for one in receipt.evidence],
    }


def _build_desk_record(report: Report) -> dict[str, Any]:
    return {
        "observed_at": report.observed_at,
        "sent_at": report.sent_at,
        "received_at": report.received_at,
        "channel": report.channel,
        "source": report.source,
        "state": report.state,
        "reason": report.state_reason,
        "quarantined": report.quarantined,
        "superseded": report.superseded,
        "supersedes": report.supersedes,
        "violations": list(report.violations.values("code", "state", "case", "note", "decided_at")),
        "files": list(
            report.evidence.values(
                "uuid",
                "sha256",
                "size",
                "type",
                "question",
                "violation",
                "captured_at",
                "source",
                "state",
                "stored_at",
                "flags",
                "media_type",
                "metadata",
            )
        ),
        "notes": list(report.notes.values("uuid", "text", "at", "received_at")),
    }


def load_case_trail(case: Case) -> "list[Trail]":
    """Loads the trail of the case, its complaints and its reports, oldest first."""
    subjects = [f"case:{case.pk}"]
    subjects += [f"complaint:{one}" for one in case.complaints.values_list("pk", flat=True)]
    subjects += [f"report:{one}" for one in get_case_reports(case).values_list("uuid", flat=True)]
    return list(Trail.objects.filter(subject__in=subjects).select_related("user").order_by("at", "pk"))


def _build_trail(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "at": one.at,
            "by": one.user.username if one.user else "",
            "action": one.action,
            "subject": one.subject,
            "detail": one.detail,
        }
        for one in load_case_trail(case)
    ]


def _encode_json(value: Any) -> bytes:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()
