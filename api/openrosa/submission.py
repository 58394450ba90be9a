"""HEAD and POST submission: the XML goes through the one door, its files into the same custody as all evidence.

A POST is taken piece by piece: the report is stored when its XML is whole, a file when it is whole. A
connection that breaks has lost the part it was in; the next POST brings it, and all else is known already.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from api.common.disk import room_require
from api.openrosa.instance import instance_read
from api.openrosa.parts import FilePart, XmlPart, parts_read
from api.openrosa.rooms import message, refused, room
from api.openrosa.translate import file_id, submission_of, unnamed
from observer.models import Device
from reports.models import Evidence, Report
from reports.problems import Rejected
from reports.services.evidence.whole_uploads import file_receive, files_of
from reports.services.intake.announcements import evidence_announce
from reports.services.intake.intake import accept
from reports.services.intake.submission import EvidenceReceipt, Outcome, Sender, Submission


@room("HEAD", "POST")
def submission(request: HttpRequest, device: Device) -> HttpResponse:
    if request.method == "HEAD":
        return HttpResponse(status=204, headers={"X-OpenRosa-Accept-Content-Length": str(settings.OPENROSA_POST_BYTES)})
    sender = Sender(election=device.election, observer=device.observer, device=device, channel="openrosa")
    try:
        length = _length(request)
        room_require()
        return _receive(request, length, sender)
    except Rejected as problem:
        return refused(problem)


def _length(request: HttpRequest) -> int | None:
    """How many bytes the body has, None where it comes in chunks without saying."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    given = request.META.get("CONTENT_LENGTH") or "0"
    if not given.isascii() or not given.isdigit():
        raise Rejected("malformed", _("The header Content-Length must be a whole number."))
    if len(given) > 15 or int(given) > settings.OPENROSA_BYTES_MAX:
        raise Rejected("too_large", _("At most %(most)d bytes are taken here.") % {"most": settings.OPENROSA_BYTES_MAX})
    return int(given)


def _receive(request: HttpRequest, length: int | None, sender: Sender) -> HttpResponse:
    arrival = _Arrival(sender)
    body, kind = cast(BinaryIO, request.META["wsgi.input"]), request.META.get("CONTENT_TYPE", "")
    with ExitStack() as spools:
        for part in parts_read(body, kind, settings.OPENROSA_BYTES_MAX if length is None else length):
            if isinstance(part, XmlPart):
                arrival.take_xml(part)
            else:
                spools.enter_context(part.spool)
                arrival.take_file(part)
    return arrival.answer()


@dataclass
class _Arrival:
    """One POST: what its XML became, and its files, which wait until that is known."""

    sender: Sender
    submission: Submission | None = None
    outcome: Outcome | None = None
    waiting: list[FilePart] = field(default_factory=list)
    awaited: set[UUID] = field(default_factory=set)
    rows: dict[UUID, Evidence] = field(default_factory=dict)

    def take_xml(self, part: XmlPart) -> None:
        if self.outcome is not None:
            raise Rejected("malformed", _("Two forms in one submission."))
        self.submission = _read(part.body, self.sender)
        self.outcome = accept(self.submission, now=timezone.now())
        known = self.outcome.receipt.evidence if self.outcome.receipt else self.outcome.kept_evidence
        self._await(known)
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            self.take_file(one)

    def take_file(self, part: FilePart) -> None:
        """Stores one file, or keeps it until the XML has come; a file of nothing is nothing."""
        if self.outcome is None:
            self.waiting.append(part)
            if len(self.waiting) > settings.FILES_PER_REPORT_MAX:
                raise Rejected(
                    "too_large", _("At most %(most)d files a report.") % {"most": settings.FILES_PER_REPORT_MAX}
                )
            return
        evidence = self._row(part)
        if evidence is not None and part.spool.size:
            file_receive(evidence=evidence, spool=part.spool, now=timezone.now())
            self.awaited.discard(evidence.uuid)
        part.spool.discard()

    def answer(self) -> HttpResponse:
        if self.outcome is None:
            raise Rejected("malformed", _("The part xml_submission_file is missing."))
        if self.outcome.receipt is None:
            assert self.outcome.problem is not None
            return refused(self.outcome.problem)
        left = len(self.awaited)
        if left:
            words = ngettext("Received; %d file is still to come.", "Received; %d files are still to come.", left)
            return message(words % left, 202, "submit_success")
        return message(_("Received: it is safe now."), 201, "submit_success")

    def _await(self, files: tuple[EvidenceReceipt, ...]) -> None:
        self.awaited |= {one.uuid for one in files if one.state != Evidence.State.STORED}
        if files:
            self.rows |= files_of(uuids=[one.uuid for one in files], observer=self.sender.observer)

    def _row(self, part: FilePart) -> Evidence | None:
        """The file's row, announced now if no answer named it; None where nothing of this report is kept."""
        assert self.submission is not None and self.outcome is not None
        uuid = self.submission.uuid
        if uuid is None:
            return None
        key = file_id(uuid, part.name)
        if key not in self.rows and self.outcome.receipt is not None:
            report = Report.objects.defer("body", "answers", "comment").get(uuid=uuid)
            more = [unnamed(uuid, part.name, part.type)]
            evidence_announce(report=report, announcements=more, sender=self.sender, now=timezone.now())
            self.rows |= files_of(uuids=[key], observer=self.sender.observer)
        return self.rows.get(key)


def _read(body: bytes, sender: Sender) -> Submission:
    """The submission in `body`; one that is only kept where nothing of it can be read."""
    try:
        instance = instance_read(body)
    except Rejected as problem:
        return Submission(sender=sender, body=body, uuid=None, unread=problem)
    return submission_of(instance, body, sender)
