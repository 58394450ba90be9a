"""HEAD and POST submission: takes in filled forms and their files.

The XML goes through the same intake as JSON reports; its files are stored like all evidence. A POST is read as a
stream: the report is stored when its XML is complete, a file when it is complete. A connection that breaks loses
only the part that was being sent. The next POST sends it again; all else is known already.
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

from api.common.disk_space import require_disk_space
from api.openrosa.base_views import build_error_response, build_message_response, device_view
from api.openrosa.instance import parse_instance
from api.openrosa.multipart_reader import FilePart, XmlPart, read_parts
from api.openrosa.xml_fields import build_submission, make_announcement, make_file_id
from observer.models import Device
from reports.models import Evidence, Report
from reports.problems import Rejected
from reports.services.evidence.whole_uploads import load_announced_files, receive_file
from reports.services.intake.announcements import announce_evidence
from reports.services.intake.intake import accept_submission
from reports.services.intake.submission import EvidenceReceipt, Outcome, Sender, Submission


@device_view("HEAD", "POST")
def receive_submission(request: HttpRequest, device: Device) -> HttpResponse:
    if request.method == "HEAD":
        return HttpResponse(status=204, headers={"X-OpenRosa-Accept-Content-Length": str(settings.OPENROSA_POST_BYTES)})
    sender = Sender(election=device.election, observer=device.observer, device=device, channel="openrosa")
    try:
        length = _get_content_length(request)
        require_disk_space()
        return _receive_parts(request, length, sender)
    except Rejected as problem:
        return build_error_response(problem)


def _get_content_length(request: HttpRequest) -> int | None:
    """Returns the body's length in bytes; None where it is chunked."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    given = request.META.get("CONTENT_LENGTH") or "0"
    if not given.isascii() or not given.isdigit():
        raise Rejected("malformed", _("The header Content-Length must be a whole number."))
    if len(given) > 15 or int(given) > settings.OPENROSA_BYTES_MAX:
        raise Rejected("too_large", _("At most %(most)d bytes are taken here.") % {"most": settings.OPENROSA_BYTES_MAX})
    return int(given)


def _receive_parts(request: HttpRequest, length: int | None, sender: Sender) -> HttpResponse:
    upload = _SubmissionUpload(sender)
    body, content_type = cast(BinaryIO, request.META["wsgi.input"]), request.META.get("CONTENT_TYPE", "")
    with ExitStack() as spools:
        for part in read_parts(body, content_type, settings.OPENROSA_BYTES_MAX if length is None else length):
            if isinstance(part, XmlPart):
                upload.add_xml(part)
            else:
                spools.enter_context(part.spool)
                upload.add_file(part)
    return upload.build_response()


@dataclass
class _SubmissionUpload:
    """One POST of a submission.

    Its files wait until the result of its XML is known.
    """

    sender: Sender
    submission: Submission | None = None
    outcome: Outcome | None = None
    early_files: list[FilePart] = field(default_factory=list)
    awaited: set[UUID] = field(default_factory=set)
    rows: dict[UUID, Evidence] = field(default_factory=dict)

    def add_xml(self, part: XmlPart) -> None:
        if self.outcome is not None:
            raise Rejected("malformed", _("Two forms in one submission."))
        self.submission = _parse_submission(part.body, self.sender)
        self.outcome = accept_submission(self.submission, now=timezone.now())
        files = self.outcome.receipt.evidence if self.outcome.receipt else self.outcome.kept_evidence
        self._add_expected_files(files)
        early_files, self.early_files = self.early_files, []
        for one in early_files:
            self.add_file(one)

    def add_file(self, part: FilePart) -> None:
        """Stores one file. Until the XML has come it is kept; an empty file is ignored."""
        if self.outcome is None:
            self.early_files.append(part)
            if len(self.early_files) > settings.FILES_PER_REPORT_MAX:
                raise Rejected(
                    "too_large", _("At most %(most)d files a report.") % {"most": settings.FILES_PER_REPORT_MAX}
                )
            return
        evidence = self._find_evidence(part)
        if evidence is not None and part.spool.size:
            receive_file(evidence=evidence, spool=part.spool, now=timezone.now())
            self.awaited.discard(evidence.uuid)
        part.spool.discard()

    def build_response(self) -> HttpResponse:
        if self.outcome is None:
            raise Rejected("malformed", _("The part xml_submission_file is missing."))
        if self.outcome.receipt is None:
            assert self.outcome.problem is not None
            return build_error_response(self.outcome.problem)
        missing = len(self.awaited)
        if missing:
            text = ngettext("Received; %d file is still to come.", "Received; %d files are still to come.", missing)
            return build_message_response(text % missing, 202, "submit_success")
        return build_message_response(_("Received: it is safe now."), 201, "submit_success")

    def _add_expected_files(self, files: tuple[EvidenceReceipt, ...]) -> None:
        self.awaited |= {one.uuid for one in files if one.state != Evidence.State.STORED}
        if files:
            self.rows |= load_announced_files(uuids=[one.uuid for one in files], observer=self.sender.observer)

    def _find_evidence(self, part: FilePart) -> Evidence | None:
        """Finds the file's row; announces the file now if no answer named it.

        None where nothing of this report was stored or kept.
        """
        assert self.submission is not None and self.outcome is not None
        uuid = self.submission.uuid
        if uuid is None:
            return None
        key = make_file_id(uuid, part.name)
        if key not in self.rows and self.outcome.receipt is not None:
            report = Report.objects.defer("body", "answers", "comment").get(uuid=uuid)
            announcements = [make_announcement(uuid, part.name, part.type)]
            announce_evidence(report=report, announcements=announcements, sender=self.sender, now=timezone.now())
            self.rows |= load_announced_files(uuids=[key], observer=self.sender.observer)
        return self.rows.get(key)


def _parse_submission(body: bytes, sender: Sender) -> Submission:
    """Parses the submission in `body`.

    Where that fails, one that is only kept.
    """
    try:
        instance = parse_instance(body)
    except Rejected as problem:
        return Submission(sender=sender, body=body, uuid=None, problem=problem)
    return build_submission(instance, body, sender)
