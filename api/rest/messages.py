"""GET /messages, POST /messages/{id}/read, GET /guide: texts for the observer."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from api.conditional import make_conditional
from api.rest.authentication import get_device
from api.rest.base_views import DeviceView
from api.rest.json_encoding import build_json_response
from observer.models import Election, Organisation
from observer.words import get_translation
from reports.services.elections.guide import build_guide
from reports.services.elections.messages import get_messages, mark_message_read

MAX_MESSAGES = 200


class Messages(DeviceView):
    def get(self, request: Request) -> HttpResponse:
        device = get_device(request)
        answer = [
            {
                "id": row.pk,
                "text": get_translation(row.texts, order=device.election.languages),
                "sent_at": row.sent_at,
                "read_at": row.read_at,  # type: ignore[attr-defined]  # annotated
            }
            for row in get_messages(observer=device.observer, election=device.election)[:MAX_MESSAGES]
        ]
        return make_conditional(request, build_json_response(answer))


class MessageRead(DeviceView):
    def post(self, request: Request, key: int) -> HttpResponse:
        device = get_device(request)
        message = get_messages(observer=device.observer, election=device.election).filter(pk=key).first()
        if message is None:
            raise Http404
        read_at = mark_message_read(message=message, observer=device.observer, now=timezone.now())
        return build_json_response({"id": message.pk, "read_at": read_at})


class Guide(DeviceView):
    """Returns the guide with every text in every language.

    So the phone can change its language without a network.
    """

    def get(self, request: Request) -> HttpResponse:
        device = get_device(request)
        election = Election.objects.get(pk=device.election_id)
        organisation_kind = Organisation.objects.values_list("kind", flat=True).get(pk=device.observer.organisation_id)
        return make_conditional(
            request, build_json_response(build_guide(election=election, kind=organisation_kind)), compress=True
        )
