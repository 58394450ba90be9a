"""GET /me, GET and POST /me/consent, POST /me/transfer: what the phone knows of its observer."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.conditional import conditional
from api.rest import translate
from api.rest.authentication import device_of
from api.rest.rooms import PhoneRoom, object_of
from api.rest.wire import json_answer
from observer.models import Consent as ConsentGiven
from observer.models import Election, Observer
from observer.services.devices.enrolment import TRANSFER_VALID, consent_record, enrolment_transfer
from observer.services.registry.relay_keys import key_id
from observer.words import in_language, is_origin
from reports.problems import Errors
from reports.services.elections.guide import conduct_of
from reports.services.elections.pack_guide import CONDUCT

AHEAD = timedelta(days=1)  # how far in the future a phone's clock may date a consent


class Me(PhoneRoom):
    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        observer = Observer.objects.select_related("organisation").get(pk=device.observer_id)
        election = Election.objects.get(pk=device.election_id)
        order = election.languages
        windows = [(code, election.window(code)) for code in sorted(election.windows)]
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
                "name": in_language(election.names, order=order),
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
                "name": in_language(organisation.names, order=order),
                "names": organisation.names,
                "kind": organisation.kind,
            },
            "device": {"name": device.name, "id": device.device_id},
            "consent": _state(election, observer),
            "emergency_contact": {
                "name": in_language(election.emergency_names, order=order),
                "names": election.emergency_names,
                "phone": election.emergency_contact,
            }
            if election.emergency_contact
            else None,
            "relay": {"key": election.relay_key, "id": key_id(election.relay_key)} if election.relay_key else None,
            "endpoints": [one for one in election.mirrors if is_origin(one)],
        }
        return conditional(request, json_answer(answer))


def _state(election: Election, observer: Observer) -> dict[str, Any]:
    given = ConsentGiven.objects.filter(observer=observer, election=election).first()
    return {
        "document": CONDUCT,
        "version": election.conduct_version,
        "accepted_version": given.version if given else None,
        "accepted_at": given.at if given else None,
    }


class Consent(PhoneRoom):
    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        election = Election.objects.get(pk=device.election_id)
        observer = Observer.objects.get(pk=device.observer_id)
        answer = _state(election, observer) | {"languages": election.languages} | conduct_of(election=election)
        return conditional(request, json_answer(answer), compress=True)

    def post(self, request: Request) -> HttpResponse:
        given = object_of(request)
        errors = Errors()
        now = timezone.now()
        document = translate.text(given, "document", errors, 60, required=True)
        if document and document != CONDUCT:
            errors.add("document", "unknown_choice", _("There is no such document."))
        given_at = translate.moment(given, "at", errors, required=True)
        if given_at is not None and given_at > now + AHEAD:
            given_at = now
        version = given.get("version")
        current = Election.objects.values_list("conduct_version", flat=True).get(pk=device_of(request).election_id)
        if type(version) is not int or not 1 <= version <= current:
            errors.add("version", "out_of_range", _("A version from 1 to %(most)d is expected.") % {"most": current})
        if errors.found or given_at is None or type(version) is not int:
            raise translate.invalid(errors, "invalid_request")
        device = device_of(request)
        consent_record(
            observer=device.observer, election=device.election, version=version, given_at=given_at, received_at=now
        )
        return json_answer({"document": document, "version": version, "at": given_at})


class Transfer(PhoneRoom):
    def post(self, request: Request) -> HttpResponse:
        now = timezone.now()
        code = enrolment_transfer(device=device_of(request), now=now)
        response = json_answer({"code": code, "expires_at": now + TRANSFER_VALID}, 201)
        response["Cache-Control"] = "no-store"
        return response
