"""GET /checklists, GET /checklists/{code}/{version}, GET /violation-types."""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request

from api.conditional import make_conditional
from api.rest.authentication import get_device
from api.rest.base_views import DeviceView
from api.rest.json_encoding import build_json_response, format_number
from observer.models import Organisation
from observer.words import get_translation
from reports.models import ChecklistVersion, Question, ViolationType


def _order_languages(titles: dict[str, str], order: list[str]) -> list[str]:
    return [one for one in order if one in titles] or list(titles)


class Checklists(DeviceView):
    """Lists each checklist in its current version, which is the last published one."""

    def get(self, request: Request) -> HttpResponse:
        election = get_device(request).election
        versions = (
            ChecklistVersion.objects.filter(checklist__election=election, published_at__lte=timezone.now())
            .select_related("checklist")
            .order_by("checklist__order", "checklist__code", "number")
        )
        current_versions = {version.checklist_id: version for version in versions}
        answer = [
            {
                "code": version.checklist.code,
                "version": version.number,
                "stage": version.checklist.stage,
                "repeat": version.checklist.repeat,
                "place": version.checklist.place,
                "title": get_translation(version.checklist.titles, order=election.languages),
                "languages": _order_languages(version.checklist.titles, election.languages),
                "hash": version.content_hash,
                "url": request.build_absolute_uri(
                    reverse("api:checklist", args=[version.checklist.code, version.number])
                ),
            }
            for version in current_versions.values()
        ]
        return make_conditional(request, build_json_response(answer))


class ChecklistDetail(DeviceView):
    """Returns any published version of a checklist.

    Older versions are for the reports that were begun on them. Labels are given in all languages.
    """

    def get(self, request: Request, code: str, version: int) -> HttpResponse:
        election = get_device(request).election
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
            "languages": _order_languages(checklist.titles, election.languages),
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
            "questions": [_serialize_question(question) for question in questions],
        }
        return make_conditional(request, build_json_response(answer), compress=True)


def _serialize_question(question: Question) -> dict[str, Any]:
    relevant_if = None
    if question.relevant_question:
        relevant_if = {"question": question.relevant_question, "answers": question.relevant_answers}
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
        "relevant_if": relevant_if,
        "min": format_number(question.minimum),
        "max": format_number(question.maximum),
        "finding": finding,
    }


class ViolationTypes(DeviceView):
    """Lists the violation codes that are offered to this observer.

    A code has an audience: an observer who had no right to be somewhere is not asked what happened there.
    """

    def get(self, request: Request) -> HttpResponse:
        device = get_device(request)
        organisation_kind = Organisation.objects.values_list("kind", flat=True).get(pk=device.observer.organisation_id)
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
            if not row.audience or organisation_kind in row.audience
        ]
        return make_conditional(request, build_json_response(answer))
