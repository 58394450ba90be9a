"""POST /enrol: exchanges an enrolment code for a device token.

Wrong codes are counted by address; a right code is never refused.
"""

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.rest import json_fields
from api.rest.attempt_throttle import MAX_WRONG_ATTEMPTS, count_wrong_attempt
from api.rest.base_views import PublicView, read_json_object
from api.rest.json_encoding import build_json_response
from api.rest.problems import build_rejected_response
from observer.services.devices.enrolment import InvalidCode, enrol_device
from reports.problems import Errors, Rejected


class Enrol(PublicView):
    def post(self, request: Request) -> HttpResponse:
        body = read_json_object(request)
        errors = Errors()
        code = json_fields.read_text(body, "code", errors, 40, required=True)
        name = json_fields.read_text(body, "device", errors, 200)
        device_id = json_fields.read_uuid(body, "device_id", errors)
        if errors.field_errors:
            raise json_fields.make_rejected(errors, "invalid_request")
        try:
            enrolled = enrol_device(code=code, device_name=name, device_id=device_id, now=timezone.now())
        except InvalidCode:
            return build_rejected_response(self._reject_code(request.META.get("REMOTE_ADDR", "")))
        observer = enrolled.device.observer
        answer = {
            "token": enrolled.token,
            "observer": {"code": observer.code, "language": observer.language},
            "election": enrolled.device.election.slug,
        }
        response = build_json_response(answer, 201)
        response["Cache-Control"] = "no-store"
        return response

    def _reject_code(self, address: str) -> Rejected:
        if count_wrong_attempt("enrol", address) > MAX_WRONG_ATTEMPTS:
            return Rejected("throttled", _("Too many wrong codes came from here. Wait ten minutes, then try again."))
        return Rejected(
            "invalid_code", _("The code is wrong, used or too old. Ask your coordinator for a new one."), "code"
        )
