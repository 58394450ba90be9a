"""GET /checklists, GET /checklists/{code}/{version}, GET /violation-types: what is asked."""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request

from api.conditional import conditional
from api.rest.authentication import device_of
from api.rest.rooms import PhoneRoom
from api.rest.wire import json_answer, number
from observer.models import Organisation
from observer.words import in_language
from reports.models import ChecklistVersion, Question, ViolationType


def _languages(checklist_titles: dict[str, str], order: list[str]) -> list[str]:
    return [one for one in order if one in checklist_titles] or list(checklist_titles)


class Checklists(PhoneRoom):
    """One row a checklist: the version in force, which is the last one published."""

    def get(self, request: Request) -> HttpResponse:
        election = device_of(request).election
        versions = (
            ChecklistVersion.objects.filter(checklist__election=election, published_at__lte=timezone.now())
            .select_related("checklist")
            .order_by("checklist__order", "checklist__code", "number")
        )
        in_force = {version.checklist_id: version for version in versions}
        answer = [
            {
                "code": version.checklist.code,
                "version": version.number,
                "stage": version.checklist.stage,
                "repeat": version.checklist.repeat,
                "place": version.checklist.place,
                "title": in_language(version.checklist.titles, order=election.languages),
                "languages": _languages(version.checklist.titles, election.languages),
                "hash": version.content_hash,
                "url": request.build_absolute_uri(
                    reverse("api:checklist", args=[version.checklist.code, version.number])
                ),
            }
            for version in in_force.values()
        ]
        return conditional(request, json_answer(answer))


class OneChecklist(PhoneRoom):
    """Any published version, for the reports that were begun on it. Labels come in every language at once."""

    def get(self, request: Request, code: str, version: int) -> HttpResponse:
        election = device_of(request).election
        found = (
            ChecklistVersion.objects.filter(checklist__election=election, checklist__code=code, number=version)
            .filter(published_at__lte=timezone.now())
            .select_related("checklist")
            .first()
        )
        if found is None:
            raise Http404
        checklist = found.checklist
        questions = list(found.questions.select_related("section").order_by("order", "pk"))
        answer = {
            "code": checklist.code,
            "version": found.number,
            "stage": checklist.stage,
            "repeat": checklist.repeat,
            "place": checklist.place,
            "title": checklist.titles,
            "languages": _languages(checklist.titles, election.languages),
            "hash": found.content_hash,
            "published_at": found.published_at,
            "sections": [
                {
                    "code": section.code,
                    "title": section.titles,
                    "questions": [question.code for question in questions if question.section_id == section.pk],
                }
                for section in found.sections.order_by("order", "pk")
            ],
            "questions": [_question(question) for question in questions],
        }
        return conditional(request, json_answer(answer), compress=True)


def _question(question: Question) -> dict[str, Any]:
    asked_when = None
    if question.relevant_question:
        asked_when = {"question": question.relevant_question, "answers": question.relevant_answers}
    finding = None
    if question.violation_answers:
        finding = {"answers": question.violation_answers, "violation": question.violation_code or None}
    return {
        "code": question.code,
        "section": question.section.code if question.section else None,
        "type": question.type,
        "label": question.labels,
        "hint": question.hints,
        "choices": [
            {"code": str(choice.get("code", "")), "label": choice.get("labels", {})} for choice in question.choices
        ],
        "required": question.required,
        "relevant_if": asked_when,
        "min": number(question.minimum),
        "max": number(question.maximum),
        "finding": finding,
    }


class ViolationTypes(PhoneRoom):
    """The codes offered to this observer: who had no right to be there cannot be asked what they saw."""

    def get(self, request: Request) -> HttpResponse:
        device = device_of(request)
        kind = Organisation.objects.values_list("kind", flat=True).get(pk=device.observer.organisation_id)
        rows = ViolationType.objects.filter(election=device.election_id).select_related("group")
        answer = [
            {
                "code": row.code,
                "names": row.names,
                "group": {"code": row.group.code, "names": row.group.names},
                "severity": row.severity,
                "legal_basis": row.legal_basis,
            }
            for row in rows.order_by("order", "code")
            if not row.audience or kind in row.audience
        ]
        return conditional(request, json_answer(answer))
