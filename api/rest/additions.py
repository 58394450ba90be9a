"""POST /reports/{id}/evidence and /reports/{id}/notes: what is added to a stored report."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from api.rest import translate
from api.rest.authentication import device_of
from api.rest.receipts import base_of, evidence_json
from api.rest.reports import sender_of
from api.rest.rooms import PhoneRoom, object_of
from api.rest.wire import json_answer
from reports.models import Report
from reports.problems import Errors
from reports.services.intake.announcements import evidence_announce
from reports.services.intake.notes import note_add


def _own(request: Request, uuid: UUID) -> Report:
    """The report, if this observer sent it; of another's not even the existence is told."""
    device = device_of(request)
    found = Report.objects.filter(
        uuid=uuid, observer=device.observer_id, commission__election=device.election_id
    ).defer("body", "answers", "comment")
    report = found.first()
    if report is None:
        raise Http404
    return report


class MoreEvidence(PhoneRoom):
    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        report = _own(request, uuid)
        errors = Errors()
        announced = translate.announcements(object_of(request, settings.REPORT_BYTES_MAX), errors, required=True)
        if errors.found:
            raise translate.invalid(errors)
        files = evidence_announce(report=report, announcements=announced, sender=sender_of(request), now=timezone.now())
        return json_answer({"id": report.uuid, "evidence": evidence_json(files, base_of(request))})


class Notes(PhoneRoom):
    def post(self, request: Request, uuid: UUID) -> HttpResponse:
        report = _own(request, uuid)
        given = object_of(request, settings.REPORT_BYTES_MAX)
        errors = Errors()
        said = translate.note(given, errors)
        if said is None:
            raise translate.invalid(errors, "invalid_request")
        note, new = note_add(report=report, uuid=said.uuid, text=said.text, said_at=said.said_at, now=timezone.now())
        return json_answer({"id": note.uuid, "received_at": note.received_at}, 201 if new else 200)
