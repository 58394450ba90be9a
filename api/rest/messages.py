"""GET /messages, POST /messages/{id}/read, GET /guide: words for the observer."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from api.conditional import conditional
from api.rest.authentication import device_of
from api.rest.rooms import PhoneRoom
from api.rest.wire import json_answer
from observer.models import Election, Organisation
from observer.words import in_language
from reports.services.elections.guide import guide_of
from reports.services.elections.messages import message_read, messages_for

MOST = 200


class Messages(PhoneRoom):
    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        answer = [
            {
                "id": row.pk,
                "text": in_language(row.texts, order=device.election.languages),
                "sent_at": row.sent_at,
                "read_at": row.read_at,  # type: ignore[attr-defined]  # annotated
            }
            for row in messages_for(observer=device.observer, election=device.election)[:MOST]
        ]
        return conditional(request, json_answer(answer))


class MessageIsRead(PhoneRoom):
    def post(self, request: Request, key: int) -> HttpResponse:
        device = device_of(request)
        message = messages_for(observer=device.observer, election=device.election).filter(pk=key).first()
        if message is None:
            raise Http404
        read_at = message_read(message=message, observer=device.observer, now=timezone.now())
        return json_answer({"id": message.pk, "read_at": read_at})


class Guide(PhoneRoom):
    """Every text in every language, so that the phone may change its language without a network."""

    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        election = Election.objects.get(pk=device.election_id)
        kind = Organisation.objects.values_list("kind", flat=True).get(pk=device.observer.organisation_id)
        return conditional(request, json_answer(guide_of(election=election, kind=kind)), compress=True)
