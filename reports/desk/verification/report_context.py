"""The template context of a report's page. It takes a bounded number of queries, whatever the report."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from observer.desk.pages import DeskView
from observer.desk.trail_labels import get_action_label
from observer.models import Trail
from observer.words import get_translation
from reports.desk.words.formats import SEVERITY_LABELS, get_place_name, to_local_time
from reports.desk.words.labels import CHECK_REASON_LABELS, REPORT_STATE_LABELS, VIOLATION_STATE_LABELS, get_flag_labels
from reports.desk.words.question_groups import build_question_groups
from reports.models import Case, Check, Evidence, Question, Report, Violation, ViolationType
from reports.services.cases.cases import get_cases_of_commission
from reports.services.checklists.answer_labels import format_answer
from reports.services.intake.correction import get_newest_sequence
from reports.services.review.decisions import make_report_stamp, make_violation_stamp
from reports.services.schedule.comparison import is_contradiction, load_other_reports, load_versions
from reports.services.schedule.small_map import build_small_map

MAX_TRAIL_LINES = 60


def build_report_context(view: DeskView, report: Report, *, correct: str, now: datetime) -> dict[str, Any]:
    """Everything that the page shows about a report. `correct`: the code of the question to correct, or ""."""
    zone = report.commission.zone
    questions = list(view.get_visible_rows(Question).filter(version=report.version_id).order_by("order", "pk"))
    others = load_other_reports(report, view.get_visible_rows(Report))
    check = view.get_visible_rows(Check).select_related("user").filter(report=report.pk).first()
    return {
        "place": report.commission,
        "place_name": get_place_name(report.commission),
        "zone": zone,
        "checklist": get_translation(report.version.checklist.titles, order=view.election.languages),
        "state_word": REPORT_STATE_LABELS[report.state],
        "flags": get_flag_labels(report.flags),
        "seen": make_report_stamp(report),
        "times": {
            name: to_local_time(moment, zone) if (moment := getattr(report, name)) else None
            for name in ("observed_at", "sent_at", "received_at", "decided_at")
        },
        "check": check,
        "why": CHECK_REASON_LABELS[check.why] if check else "",
        "mine": check is not None and check.user == view.user,
        "taken": check.user if check and check.until and check.until > now and check.user != view.user else None,
        "map": _build_map(report),
        "others": [(one, to_local_time(one.observed_at, zone), REPORT_STATE_LABELS[one.state]) for one in others],
        "rows": [
            _build_answer_row(view, question, report, others)
            for question in questions
            if question.type != Question.Type.NOTE
        ],
        "versions": [
            (one, to_local_time(one.received_at, zone), REPORT_STATE_LABELS[one.state], one.pk > report.pk)
            for one in load_versions(report, view.get_visible_rows(Report))
        ],
        "violations": _build_violations(view, report),
        "cases": _load_nearby_cases(view, report),
        "files": [
            (one, get_flag_labels(one.flags))
            for one in view.get_visible_rows(Evidence)
            .filter(report=report.pk)
            .order_by("pk")
            .select_related("approved_by")
        ],
        "trail": [
            (one, to_local_time(one.at, zone), get_action_label(one.action))
            for one in Trail.objects.filter(subject=f"report:{report.uuid}").select_related("user")[:MAX_TRAIL_LINES]
        ],
        "correcting": _build_correction(view, report, questions, correct),
    }


def _build_answer_row(view: DeskView, question: Question, report: Report, others: list[Report]) -> dict[str, Any]:
    """One question with the answers of this and other reports."""
    answer = report.answers.get(question.code)
    answers = answer if isinstance(answer, list) else [answer]
    is_finding = any(one in question.violation_answers for one in answers if one is not None)
    other_answers = [
        (
            format_answer(question, one.answers.get(question.code)),
            is_contradiction(question, answer, one.answers.get(question.code)),
        )
        for one in others
    ]
    return {
        "code": question.code,
        "label": get_translation(question.labels, order=view.election.languages),
        "answer": format_answer(question, answer),
        "found": is_finding or (answer is not None and question.violation_answers == ["*"]),
        "beside": other_answers,
        "differs": any(differs for _word, differs in other_answers),
    }


def _build_map(report: Report) -> Any:
    place = report.commission
    if None in (place.lat, place.lon, report.lat, report.lon):
        return None
    return build_small_map(
        station=(place.lat or 0, place.lon or 0), phone=(report.lat or 0, report.lon or 0), accuracy=report.accuracy
    )


def _build_violations(view: DeskView, report: Report) -> list[dict[str, Any]]:
    violations = list(
        view.get_visible_rows(Violation).filter(report=report.pk).select_related("case", "decided_by").order_by("code")
    )
    types = {
        one.code: one
        for one in view.get_visible_rows(ViolationType).filter(code__in=[violation.code for violation in violations])
    }
    return [
        {
            "row": violation,
            "name": get_translation(types[violation.code].names) if violation.code in types else "",
            "severity": types[violation.code].severity if violation.code in types else "",
            "severity_word": SEVERITY_LABELS.get(types[violation.code].severity, "") if violation.code in types else "",
            "state": VIOLATION_STATE_LABELS[violation.state],
            "seen": make_violation_stamp(violation),
            "choices": [(code, word) for code, word in VIOLATION_STATE_LABELS.items()],
        }
        for violation in violations
    ]


def _load_nearby_cases(view: DeskView, report: Report) -> list[Case]:
    near = get_cases_of_commission(report.commission).values("pk")
    return list(view.get_visible_rows(Case).filter(pk__in=near).order_by("-pk")[:20])


def _build_correction(view: DeskView, report: Report, questions: list[Question], code: str) -> dict[str, Any] | None:
    """The form that corrects one answer.

    It has the UUID of the report that it will create. None where the report has no such question or may not be
    corrected.
    """
    questions_to_correct = [one for one in questions if one.code == code]
    if not questions_to_correct or not report.is_eligible or report.superseded:
        return None
    violation_types = (
        view.get_visible_rows(ViolationType) if questions_to_correct[0].type == Question.Type.VIOLATION else []
    )
    groups = build_question_groups(
        questions_to_correct, data=None, errors={}, violation_types=violation_types, order=view.election.languages
    )
    return {"one": groups[0].questions[0], "uuid": uuid4(), "newest": get_newest_sequence(report)}
