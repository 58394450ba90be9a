"""GET /me, GET and POST /me/consent, POST /me/transfer.

The observer, the election, consent.
"""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.conditional import make_conditional
from api.rest import json_fields
from api.rest.authentication import get_device
from api.rest.base_views import DeviceView, read_json_object
from api.rest.json_encoding import build_json_response
from observer.models import Consent as ConsentRecord
from observer.models import Election, Observer
from observer.services.devices.enrolment import TRANSFER_CODE_VALIDITY, create_transfer_code, record_consent
from observer.services.registry.relay_keys import compute_key_id
from observer.words import get_translation, is_origin
from reports.problems import Errors
from reports.services.elections.guide import get_code_of_conduct
from reports.services.elections.pack_guide import CODE_OF_CONDUCT

MAX_CLOCK_AHEAD = timedelta(days=1)  # a consent dated later is given the present time


class Me(DeviceView):
    def get(self, request: Request) -> HttpResponse:
        device = get_device(request)
        observer = Observer.objects.select_related("organisation").get(pk=device.observer_id)
        election = Election.objects.get(pk=device.election_id)
        order = election.languages
        windows = [(code, election.get_window(code)) for code in sorted(election.windows)]
        organisation = observer.organisation
        answer = {
            "observer": {
                "code": observer.code,
                "language": observer.language,
                "accredited_from": observer.accredited_from,
                "accredited_until": observer.accredited_until,
            },
            "election": {
                "slug": election.slug,
                "name": get_translation(election.names, order=order),
                "names": election.names,
                "date": election.date,
                "timezone": election.timezone,
                "languages": election.languages,
                "state": election.state,
                "rehearsal": election.state == Election.State.REHEARSAL,
                "publication": election.publication,
                "opens_at": election.opens_at,
                "closes_at": election.closes_at,
                "removal": election.rules.get("removal") or None,
                "windows": {code: {"opens_at": opens, "closes_at": closes} for code, (opens, closes) in windows},
            },
            "organisation": {
                "code": organisation.code,
                "name": get_translation(organisation.names, order=order),
                "names": organisation.names,
                "kind": organisation.kind,
            },
            "device": {"name": device.name, "id": device.device_id},
            "consent": _serialize_consent(election, observer),
            "emergency_contact": {
                "name": get_translation(election.emergency_names, order=order),
                "names": election.emergency_names,
                "phone": election.emergency_contact,
            }
            if election.emergency_contact
            else None,
            "relay": {"key": election.relay_key, "id": compute_key_id(election.relay_key)}
            if election.relay_key
            else None,
            "endpoints": [one for one in election.mirrors if is_origin(one)],
        }
        return make_conditional(request, build_json_response(answer))


def _serialize_consent(election: Election, observer: Observer) -> dict[str, Any]:
    consent = ConsentRecord.objects.filter(observer=observer, election=election).first()
    return {
        "document": CODE_OF_CONDUCT,
        "version": election.conduct_version,
        "accepted_version": consent.version if consent else None,
        "accepted_at": consent.at if consent else None,
    }


class Consent(DeviceView):
    def get(self, request: Request) -> HttpResponse:
        device = get_device(request)
        election = Election.objects.get(pk=device.election_id)
        observer = Observer.objects.get(pk=device.observer_id)
        answer = (
            _serialize_consent(election, observer)
            | {"languages": election.languages}
            | get_code_of_conduct(election=election)
        )
        return make_conditional(request, build_json_response(answer), compress=True)

    def post(self, request: Request) -> HttpResponse:
        body = read_json_object(request)
        errors = Errors()
        now = timezone.now()
        document = json_fields.read_text(body, "document", errors, 60, required=True)
        if document and document != CODE_OF_CONDUCT:
            errors.add("document", "unknown_choice", _("There is no such document."))
        accepted_at = json_fields.read_time(body, "at", errors, required=True)
        if accepted_at is not None and accepted_at > now + MAX_CLOCK_AHEAD:
            accepted_at = now
        version = body.get("version")
        current = Election.objects.values_list("conduct_version", flat=True).get(pk=get_device(request).election_id)
        if type(version) is not int or not 1 <= version <= current:
            errors.add("version", "out_of_range", _("A version from 1 to %(most)d is expected.") % {"most": current})
        if errors.field_errors or accepted_at is None or type(version) is not int:
            raise json_fields.make_rejected(errors, "invalid_request")
        device = get_device(request)
        record_consent(
            observer=device.observer, election=device.election, version=version, given_at=accepted_at, received_at=now
        )
        return build_json_response({"document": document, "version": version, "at": accepted_at})


class Transfer(DeviceView):
    def post(self, request: Request) -> HttpResponse:
        now = timezone.now()
        code = create_transfer_code(device=get_device(request), now=now)
        response = build_json_response({"code": code, "expires_at": now + TRANSFER_CODE_VALIDITY}, 201)
        response["Cache-Control"] = "no-store"
        return response
