"""What stands on a report's page, part by part. A bounded number of queries, whatever the report."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from observer.desk.pages import DeskView
from observer.desk.trail_words import action_words
from observer.models import Trail
from observer.words import in_language
from reports.desk.words.formats import SEVERITIES, clock, name_of
from reports.desk.words.labels import STATES, VIOLATIONS, WHY, flag_words
from reports.desk.words.question_groups import groups_of
from reports.models import Case, Check, Evidence, Question, Report, Violation, ViolationType
from reports.services.cases.cases import cases_near
from reports.services.checklists.answer_labels import answer_words
from reports.services.intake.correction import newest_seen
from reports.services.review.decisions import report_stamp, violation_stamp
from reports.services.schedule.comparison import differs, others_about, versions_of
from reports.services.schedule.small_map import small_map

TRAIL = 60


def parts_of(view: DeskView, report: Report, *, correct: str, now: datetime) -> dict[str, Any]:
    zone = report.commission.zone
    questions = list(view.visible(Question).filter(version=report.version_id).order_by("order", "pk"))
    others = others_about(report, view.visible(Report))
    check = view.visible(Check).select_related("user").filter(report=report.pk).first()
    return {
        "place": report.commission,
        "place_name": name_of(report.commission),
        "zone": zone,
        "checklist": in_language(report.version.checklist.titles, order=view.election.languages),
        "state_word": STATES[report.state],
        "flags": flag_words(report.flags),
        "seen": report_stamp(report),
        "times": {
            name: clock(moment, zone) if (moment := getattr(report, name)) else None
            for name in ("observed_at", "sent_at", "received_at", "decided_at")
        },
        "check": check,
        "why": WHY[check.why] if check else "",
        "mine": check is not None and check.user == view.user,
        "taken": check.user if check and check.until and check.until > now and check.user != view.user else None,
        "map": _map(report),
        "others": [(one, clock(one.observed_at, zone), STATES[one.state]) for one in others],
        "rows": [_row(view, question, report, others) for question in questions if question.type != Question.Type.NOTE],
        "versions": [
            (one, clock(one.received_at, zone), STATES[one.state], one.pk > report.pk)
            for one in versions_of(report, view.visible(Report))
        ],
        "violations": _violations(view, report),
        "cases": _cases(view, report),
        "files": [
            (one, flag_words(one.flags))
            for one in view.visible(Evidence).filter(report=report.pk).order_by("pk").select_related("approved_by")
        ],
        "trail": [
            (one, clock(one.at, zone), action_words(one.action))
            for one in Trail.objects.filter(subject=f"report:{report.uuid}").select_related("user")[:TRAIL]
        ],
        "correcting": _correcting(view, report, questions, correct),
    }


def _row(view: DeskView, question: Question, report: Report, others: list[Report]) -> dict[str, Any]:
    mine = report.answers.get(question.code)
    given = mine if isinstance(mine, list) else [mine]
    found = any(one in question.violation_answers for one in given if one is not None)
    beside = [
        (
            answer_words(question, one.answers.get(question.code)),
            differs(question, mine, one.answers.get(question.code)),
        )
        for one in others
    ]
    return {
        "code": question.code,
        "label": in_language(question.labels, order=view.election.languages),
        "answer": answer_words(question, mine),
        "found": found or (mine is not None and question.violation_answers == ["*"]),
        "beside": beside,
        "differs": any(apart for _word, apart in beside),
    }


def _map(report: Report) -> Any:
    place = report.commission
    if None in (place.lat, place.lon, report.lat, report.lon):
        return None
    return small_map(
        station=(place.lat or 0, place.lon or 0), phone=(report.lat or 0, report.lon or 0), accuracy=report.accuracy
    )


def _violations(view: DeskView, report: Report) -> list[dict[str, Any]]:
    rows = list(view.visible(Violation).filter(report=report.pk).select_related("case", "decided_by").order_by("code"))
    kinds = {one.code: one for one in view.visible(ViolationType).filter(code__in=[row.code for row in rows])}
    return [
        {
            "row": row,
            "name": in_language(kinds[row.code].names) if row.code in kinds else "",
            "severity": kinds[row.code].severity if row.code in kinds else "",
            "severity_word": SEVERITIES.get(kinds[row.code].severity, "") if row.code in kinds else "",
            "state": VIOLATIONS[row.state],
            "seen": violation_stamp(row),
            "choices": [(code, word) for code, word in VIOLATIONS.items()],
        }
        for row in rows
    ]


def _cases(view: DeskView, report: Report) -> list[Case]:
    near = cases_near(report.commission).values("pk")
    return list(view.visible(Case).filter(pk__in=near).order_by("-pk")[:20])


def _correcting(view: DeskView, report: Report, questions: list[Question], code: str) -> dict[str, Any] | None:
    """The form of one question, born with the id of the report that it will make."""
    asked = [one for one in questions if one.code == code]
    if not asked or not report.is_eligible or report.superseded:
        return None
    violations = view.visible(ViolationType) if asked[0].type == Question.Type.VIOLATION else []
    groups = groups_of(asked, data=None, errors={}, violations=violations, order=view.election.languages)
    return {"one": groups[0].questions[0], "uuid": uuid4(), "newest": newest_seen(report)}
