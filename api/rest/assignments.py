"""GET /assignments and GET /schedule: where the observer is expected, and what is due when."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.conditional import conditional
from api.rest import wire
from api.rest.authentication import device_of
from api.rest.rooms import PhoneRoom
from observer.models import Election
from reports.services.schedule.schedule import assignments_of, schedule_of


class Assignments(PhoneRoom):
    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        answer = [
            {
                "commission": wire.commission(row.commission, device.election),
                "role": row.role,
                "from": row.starts_at,
                "until": row.ends_at,
            }
            for row in assignments_of(observer=device.observer, election=device.election)
        ]
        return conditional(request, wire.json_answer(answer))


class Schedule(PhoneRoom):
    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        election = Election.objects.get(pk=device.election_id)
        answer = [
            {
                "checklist": row.checklist,
                "slot": row.slot or None,
                "commission": row.commission,
                "due": row.due,
                "grace_minutes": row.grace_minutes,
            }
            for row in schedule_of(observer=device.observer, election=election)
        ]
        return conditional(request, wire.json_answer(answer))
