"""GET /messages, POST /messages/{id}/read, GET /guide: words for the observer."""

from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone, translation
from rest_framework.request import Request

from api.conditional import conditional
from api.rest.authentication import device_of
from api.rest.rooms import PhoneRoom
from api.rest.wire import json_answer
from observer.models import Election
from observer.words import in_language
from reports.services.messages import message_read, messages_for

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
        read_at = message_read(message=message, observer=device.observer, at=timezone.now())
        return json_answer({"id": message.pk, "read_at": read_at})


class Guide(PhoneRoom):
    """Rights, duties and templates, as the country's pack brings them, in the reader's language."""

    def get(self, request: Request) -> HttpResponse:
        election = Election.objects.get(pk=device_of(request).election_id)
        guide: dict[str, Any] = election.rules.get("guide") or {}
        language = _language(guide, election.languages)
        answer = {
            "language": language,
            "languages": [one for one in election.languages if one in guide],
            "guide": guide.get(language, {}),
        }
        return conditional(request, json_answer(answer))


def _language(guide: dict[str, Any], order: list[str]) -> str:
    wanted = [translation.get_language() or "", *order]
    return next((one for one in wanted if guide.get(one)), wanted[1] if order else "")
