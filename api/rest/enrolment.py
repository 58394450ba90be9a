"""POST /enrol: a code becomes a token. Wrong codes are counted by address, right ones never refused."""

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.rest import translate
from api.rest.patience import WRONG_MOST, wrong_add
from api.rest.problems import refused
from api.rest.rooms import PublicRoom, object_of
from api.rest.wire import json_answer
from observer.services.devices.enrolment import InvalidCode, enrol
from reports.problems import Errors, Rejected


class Enrol(PublicRoom):
    def post(self, request: Request) -> HttpResponse:
        given = object_of(request)
        errors = Errors()
        code = translate.text(given, "code", errors, 40, required=True)
        name = translate.text(given, "device", errors, 200)
        device_id = translate.identifier(given, "device_id", errors)
        if errors.found:
            raise translate.invalid(errors, "invalid_request")
        try:
            enrolled = enrol(code=code, device_name=name, device_id=device_id, now=timezone.now())
        except InvalidCode:
            return refused(self._refusal(request.META.get("REMOTE_ADDR", "")))
        observer = enrolled.device.observer
        answer = {
            "token": enrolled.token,
            "observer": {"code": observer.code, "language": observer.language},
            "election": enrolled.device.election.slug,
        }
        response = json_answer(answer, 201)
        response["Cache-Control"] = "no-store"
        return response

    def _refusal(self, address: str) -> Rejected:
        if wrong_add("enrol", address) > WRONG_MOST:
            return Rejected("throttled", _("Too many wrong codes came from here. Wait ten minutes, then try again."))
        return Rejected(
            "invalid_code", _("The code is wrong, used or too old. Ask your coordinator for a new one."), "code"
        )
