"""A case as one ZIP that anybody can check without us: files, hashes, bodies, receipts, trail, and how to check.

Each file is named in HASHES as `sha256sum -c` reads it; HASHES' own hash is shown at the desk and kept in the
trail. Rows are the queue: a writer claims one, writes, and only then says that it is done.
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
from observer.services.trail import trail_add
from reports.models import Case, CaseExport, Evidence, Report
from reports.services.background.wakeups import wake_after_commit
from reports.services.cases.case_readme import README
from reports.services.cases.cases import consents_of, reports_of
from reports.services.intake.canonical import Content, canonical
from reports.services.intake.receipts import receipt_of
from reports.services.intake.submission import Place
from reports.services.storage.sealed_store import PIECE, open_sealed

log = logging.getLogger("baqylau.cases")
TASK = "reports.write_exports"
CLAIM = timedelta(minutes=30)
KEPT = timedelta(days=1)
ATTEMPTS_MAX = 3
HASHES = "HASHES"


def exports_dir() -> Path:
    return Path(settings.DATA_DIR) / "exports"


def case_export_ask(*, case: Case, user: User, now: datetime) -> CaseExport:
    """Asks for the file; the background writes it. Asking again while one waits gives that one."""
    with transaction.atomic():
        Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        waiting = CaseExport.objects.filter(case=case, user=user, done_at=None, failed=False).first()
        if waiting is not None:
            return waiting
        export = CaseExport.objects.create(case=case, user=user, asked_at=now)
        trail_add(action="case.export", subject=case, now=now, user=user)
        wake_after_commit(TASK)
    return export


def exports_write(*, now: datetime) -> int:
    """Writes those that wait, one after another; how many were finished. A day later they are removed."""
    done = 0
    _forget(now)
    while (export := _claim(now)) is not None:
        try:
            _write(export, now)
            done += 1
        except Exception:
            log.exception("the export %d of a case could not be written", export.pk)
            given_up = export.attempts >= ATTEMPTS_MAX
            CaseExport.objects.filter(pk=export.pk).update(claimed_at=None, failed=given_up)
            if not given_up:
                break
    return done


def export_open(export: CaseExport) -> BinaryIO:
    """The written file. Raises FileNotFoundError."""
    if not export.name:
        raise FileNotFoundError
    return (exports_dir() / export.name).open("rb")


def _claim(now: datetime) -> CaseExport | None:
    rows = CaseExport.objects.filter(done_at=None, failed=False).filter(
        Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM)
    )
    if not rows.exists():
        return None
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        export = rows.select_for_update(skip_locked=skip).order_by("asked_at", "pk").first()
        if export is not None:
            export.claimed_at, export.attempts = now, export.attempts + 1
            export.save(update_fields=["claimed_at", "attempts"])
    return export


def _forget(now: datetime) -> None:
    """Removes what was written a day ago: bodies lie open in it, and it can be written again."""
    for export in CaseExport.objects.filter(done_at__lt=now - KEPT).exclude(name=""):
        (exports_dir() / export.name).unlink(missing_ok=True)
        CaseExport.objects.filter(pk=export.pk).update(name="")


def _write(export: CaseExport, now: datetime) -> None:
    folder = exports_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"case-{export.case_id}-{secrets.token_hex(16)}.zip"
    draft = folder / f"{name}.part"
    try:
        with draft.open("xb") as file:
            draft.chmod(0o600)
            hashes = _fill(file, export.case, now)
        size = draft.stat().st_size
        draft.rename(folder / name)
    finally:
        draft.unlink(missing_ok=True)
    with transaction.atomic():
        CaseExport.objects.filter(pk=export.pk).update(done_at=now, name=name, size=size, sha256=hashes)
        trail_add(action="case.exported", subject=export.case, now=now, user=export.user, detail={"hashes": hashes})


def _fill(file: BinaryIO, case: Case, now: datetime) -> str:
    """Writes the whole archive; the SHA-256 of its list of hashes."""
    lines = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in _contents(case, now):
            digest = hashlib.sha256()
            with archive.open(zipfile.ZipInfo(name, now.timetuple()[:6]), "w", force_zip64=True) as target:
                for piece in _pieces(source):
                    digest.update(piece)
                    target.write(piece)
            lines.append(f"{digest.hexdigest()}  {name}\n")
        listed = "".join(lines).encode()
        archive.writestr(zipfile.ZipInfo(HASHES, now.timetuple()[:6]), listed)
    return hashlib.sha256(listed).hexdigest()


def _pieces(source: bytes | str) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with open_sealed(sha256=source) as sealed:
        while piece := sealed.read(PIECE):
            yield piece


def _contents(case: Case, now: datetime) -> Iterator[tuple[str, bytes | str]]:
    """Names and bytes; a text stands for the sealed file of that hash."""
    yield "README.txt", README.encode()
    yield "case.json", _json(_case(case, now))
    sealed = set()
    for report in reports_of(case).defer(None):
        folder = f"reports/{report.uuid}"
        yield f"{folder}/body.bin", crypto.decrypt_body(bytes(report.body))
        yield f"{folder}/content.json", canonical(_content(report))
        yield f"{folder}/receipt.json", _json(_receipt(report))
        yield f"{folder}/desk.json", _json(_desk(report))
        for one in report.evidence.filter(state=Evidence.State.STORED).order_by("pk"):
            if one.sha256 not in sealed:
                sealed.add(one.sha256)
                yield f"files/{one.sha256}", one.sha256
    for paper in case.files.all():
        if paper.sha256 not in sealed:
            sealed.add(paper.sha256)
            yield f"papers/{paper.sha256}", paper.sha256
    yield "trail.json", _json(_trail(case))


def _case(case: Case, now: datetime) -> dict[str, Any]:
    consents = consents_of(case)
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


def _content(report: Report) -> Content:
    place = None
    if report.lat is not None and report.lon is not None:
        place = Place(report.lat, report.lon, report.accuracy)
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
        place=place,
        outside=report.outside,
        supersedes=report.supersedes,
    )


def _receipt(report: Report) -> dict[str, Any]:
    receipt = receipt_of(report)
    return {
        "id": receipt.uuid,
        "received_at": receipt.received_at,
        "sequence": receipt.sequence,
        "content_sha256": receipt.content_sha256,
        "flags": receipt.flags,
        "state": receipt.state,
        "evidence": [{"id": one.uuid, "state": one.state, "offset": one.offset} for one in receipt.evidence],
    }


def _desk(report: Report) -> dict[str, Any]:
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


def trail_of(case: Case) -> "list[Trail]":
    """What was done to the case, its papers and its reports, in order."""
    subjects = [f"case:{case.pk}"]
    subjects += [f"complaint:{one}" for one in case.complaints.values_list("pk", flat=True)]
    subjects += [f"report:{one}" for one in reports_of(case).values_list("uuid", flat=True)]
    return list(Trail.objects.filter(subject__in=subjects).select_related("user").order_by("at", "pk"))


def _trail(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "at": one.at,
            "by": one.user.username if one.user else "",
            "action": one.action,
            "subject": one.subject,
            "detail": one.detail,
        }
        for one in trail_of(case)
    ]


def _json(value: Any) -> bytes:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()
