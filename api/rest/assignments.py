"""GET /assignments and GET /schedule.

Where the observer is expected, and when reports are due.
"""

from django.http import HttpResponse
from rest_framework.request import Request

from api.conditional import make_conditional
from api.rest import json_encoding
from api.rest.authentication import get_device
from api.rest.base_views import DeviceView
from observer.models import Election
from reports.services.schedule.schedule import build_schedule, load_assignments


class Assignments(DeviceView):
    def get(self, request: Request) -> HttpResponse:
        device = get_device(request)
        answer = [
            {
                "commission": json_encoding.serialize_commission(row.commission, device.election),
                "role": row.role,
                "from": row.starts_at,
                "until": row.ends_at,
            }
            for row in load_assignments(observer=device.observer, election=device.election)
        ]
        return make_conditional(request, json_encoding.build_json_response(answer))


class Schedule(DeviceView):
    def get(self, request: Request) -> HttpResponse:
        device = get_device(request)
        election = Election.objects.get(pk=device.election_id)
        answer = [
            {
                "checklist": row.checklist,
                "slot": row.slot or None,
                "commission": row.commission,
                "due": row.due,
                "grace_minutes": row.grace_minutes,
            }
            for row in build_schedule(observer=device.observer, election=election)
        ]
        return make_conditional(request, json_encoding.build_json_response(answer))
