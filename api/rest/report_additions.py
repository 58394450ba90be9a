"""POST /reports/{id}/evidence and /reports/{id}/notes: adds files and notes to a stored report."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from api.rest import json_fields
from api.rest.authentication import get_device
from api.rest.base_views import DeviceView, read_json_object
from api.rest.json_encoding import build_json_response
from api.rest.receipts import build_evidence_base_url, serialize_evidence
from api.rest.reports import make_sender
from reports.models import Report
from reports.problems import Errors
from reports.services.intake.announcements import announce_evidence
from reports.services.intake.notes import add_note


def _get_own_report(request: Request, uuid: UUID) -> Report:
    """Returns the report, if this observer sent it; else 404.

    For another observer's report the answer is the same as for one that does not exist.
    """
    device = get_device(request)
    found = Report.objects.filter(
        uuid=uuid, observer=device.observer_id, commission__election=device.election_id
    ).defer("body", "answers", "comment")
    report = found.first()
    if report is None:
        raise Http404
    return report


class ReportEvidence(DeviceView):
    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        report = _get_own_report(request, uuid)
        errors = Errors()
        announcements = json_fields.read_announcements(
            read_json_object(request, settings.REPORT_BYTES_MAX), errors, required=True
        )
        if errors.field_errors:
            raise json_fields.make_rejected(errors)
        files = announce_evidence(
            report=report, announcements=announcements, sender=make_sender(request), now=timezone.now()
        )
        return build_json_response(
            {"id": report.uuid, "evidence": serialize_evidence(files, build_evidence_base_url(request))}
        )


class ReportNotes(DeviceView):
    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        report = _get_own_report(request, uuid)
        body = read_json_object(request, settings.REPORT_BYTES_MAX)
        errors = Errors()
        fields = json_fields.read_note(body, errors)
        if fields is None:
            raise json_fields.make_rejected(errors, "invalid_request")
        note, is_new = add_note(
            report=report, uuid=fields.uuid, text=fields.text, written_at=fields.written_at, now=timezone.now()
        )
        return build_json_response({"id": note.uuid, "received_at": note.received_at}, 201 if is_new else 200)
