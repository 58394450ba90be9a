"""Files of a case: complaints as filed, receipts, answers.

They are sealed under their SHA-256 like evidence, and never change.
"""

import hashlib
import os
import secrets
from datetime import datetime
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from observer.models import User
from observer.services.trail import add_trail_entry
from reports.models import Case, CaseFile, Complaint
from reports.problems import Rejected
from reports.services.storage.sealed_store import COPY_CHUNK_BYTES, seal_file

MAX_CASE_FILE_BYTES = 50 * 1024 * 1024


def add_case_file(
    *, case: Case, complaint: Complaint | None, kind: str, name: str, stream: BinaryIO, user: User, now: datetime
) -> CaseFile:
    """Seals one file and adds it to a case; the same file again gives the same row.

    Raises Rejected where it is empty or larger than 50 MB.
    """
    if kind not in CaseFile.Kind.values or (complaint is not None and complaint.case_id != case.pk):
        raise Rejected("invalid_report", _("This is no kind of paper."), "kind")
    sha256, size = _store_sealed(stream)
    with transaction.atomic():
        Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        known = CaseFile.objects.filter(case=case, complaint=complaint, kind=kind, sha256=sha256).first()
        if known is not None:
            return known
        row = CaseFile.objects.create(
            case=case, complaint=complaint, kind=kind, name=name[:200], sha256=sha256, size=size, user=user, at=now
        )
        add_trail_entry(action="case.paper", subject=case, now=now, user=user, detail={"kind": kind, "sha256": sha256})
    return row


def _store_sealed(stream: BinaryIO) -> tuple[str, int]:
    """Copies the bytes to a temporary file and seals it; returns their SHA-256 and number."""
    folder = settings.PARTS_DIR
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = folder / f"paper-{secrets.token_hex(16)}"
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("xb") as file:
            while piece := stream.read(COPY_CHUNK_BYTES):
                size += len(piece)
                if size > MAX_CASE_FILE_BYTES:
                    raise Rejected("file_too_large", _("A paper has at most 50 MB."), "file")
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise Rejected("invalid_report", _("The file is empty."), "file")
        seal_file(part=part, sha256=digest.hexdigest())
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest(), size
